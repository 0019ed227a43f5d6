"""Checks of what a learner says about itself, and of the configurations it offers."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, get_args

from automl.search.sampler import Sampler
from automl.space import Choice, Dimension, Int, Value
from automl.testing.bench import Brief
from automl.testing.outcome import TASKS, FaultError, SkippedError, check, told
from automl.types import API_VERSION, Config, Family, Resources, ViewKind

if TYPE_CHECKING:
    from automl.testing.bench import Bench
    from automl.types import Learner

HEAVY = ("torch", "tensorflow", "jax", "keras", "sklearn", "xgboost", "lightgbm", "catboost", "ray")
"""Libraries that take a second or more to import, and that no declaration needs."""
DRAWS = 3
"""Configurations drawn from the space, beyond its corners."""
WIDE, MANY_CLASSES = 150, 20
"""Columns and classes of the largest table tried, however much a learner allows."""

_LIGHT = """
import importlib, sys
module = importlib.import_module(sys.argv[1])
list(getattr(module, "automl_learners", list)() or ())
print(*[name for name in sys.argv[2:] if name in sys.modules])
"""


@check("Correct the field that the reason names; `help(automl.Learner)` describes them.", needs=())
def declaration(bench: Bench) -> None:
    """Listing, dealing and skipping learners all go by what is declared."""
    learner = bench.learner
    dimensions, defaults = learner.space.items(), enumerate(learner.defaults)
    problems = [
        *_fields(learner),
        *(f"space {name} {p}" for name, d in dimensions for p in _dimension(d)),
        *(f"default {i}: {p}" for i, config in defaults for p in _default(learner, config)),
        *_promises(bench),
    ]
    if problems:
        raise FaultError("; ".join(problems))


def _fields(learner: Learner) -> Iterator[str]:
    if not learner.summary.strip():
        yield "summary is empty: say in a line what it is and who published it"
    if not learner.tasks or not learner.tasks <= set(TASKS):
        yield f"tasks are {sorted(learner.tasks)}, known are {', '.join(TASKS)}"
    if learner.view not in get_args(ViewKind):
        yield f"view is {learner.view!r}, known are {', '.join(get_args(ViewKind))}"
    if learner.family not in get_args(Family):
        yield f"family is {learner.family!r}, known are {', '.join(get_args(Family))}"
    if not 1 <= learner.api_version <= API_VERSION:
        yield f"api_version is {learner.api_version}, this host speaks 1 to {API_VERSION}"
    if not learner.defaults:
        yield "defaults are empty: give at least one configuration that is known to be good"
    if learner.patience is not None and learner.patience < 1:
        yield f"patience is {learner.patience}, and counts steps from 1"
    if learner.size is not None and learner.size.fault:
        yield f"size {learner.size.fault}"


def _dimension(dimension: Dimension) -> Iterator[str]:
    if dimension.fault:
        yield dimension.fault
    elif not isinstance(dimension, Choice):
        if not dimension.low < dimension.high or not math.isfinite(dimension.high - dimension.low):
            yield f"has low {dimension.low} not below high {dimension.high}"
        if isinstance(dimension, Int) and not _whole(dimension.low, dimension.high):
            yield "has bounds that are not whole numbers"


def _default(learner: Learner, config: Config) -> Iterator[str]:
    try:
        same = json.loads(json.dumps(dict(config))) == dict(config)
    except (TypeError, ValueError):
        same = False
    if not same:
        yield f"{dict(config)} does not survive being written as JSON"
        return
    for name, value in config.items():
        if name in learner.space and not _fits(learner.space[name], value):
            yield f"{name}={value!r} is of another type than its dimension in the space"


def _fits(dimension: Dimension, value: Value) -> bool:
    if isinstance(dimension, Choice):
        return value in dimension.options or any(type(value) is type(o) for o in dimension.options)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return not isinstance(dimension, Int) or _whole(value)


def _whole(*values: Value) -> bool:
    return all(isinstance(v, int) and not isinstance(v, bool) for v in values)


def _promises(bench: Bench) -> Iterator[str]:
    """What is wrong with limits and resources."""
    learner = bench.learner
    for name in ("rows", "columns", "classes"):
        most = getattr(learner.limits, name)
        if most is not None and most < 2:
            yield f"limits.{name} is {most}: no table is that small"
    try:
        asked: Any = learner.resources(bench.small_rows.schema)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        yield f"resources(schema) raises {told(error)}"
        return
    if not isinstance(asked, Resources):
        yield f"resources(schema) gives {type(asked).__name__}, not automl.Resources"
    elif not (asked.cost > 0 and asked.memory >= 0 and asked.gpus >= 0):
        yield f"resources(schema) gives {asked}: cost must be above 0, the others not below"


@check(
    "Import heavy libraries inside the factory's module and name it as a string, "
    '`factory="my_package.models:build"`; keep the module of the declaration free of them.',
    once=True,
    needs=(),
)
def light(bench: Bench) -> None:
    """Every command that lists learners, and the driver of every fit, imports the declaration."""
    if bench.package is None:
        msg = "the learner was handed over as an object, not found through an installed plugin"
        raise SkippedError(msg)
    done = subprocess.run(  # noqa: S603 - this Python, on the plugin that is being checked
        [sys.executable, "-c", _LIGHT, bench.package, *HEAVY],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        msg = f"importing {bench.package} in a fresh process fails: {lines[-1] if lines else '?'}"
        raise FaultError(msg)
    if found := done.stdout.split():
        msg = f"declaring the learner imports {', '.join(found)}"
        raise FaultError(msg)


@check(
    "Let `factory` name a callable(config, task, n_classes) that returns an object with fit, "
    "predict, save and load.",
    needs=(),
)
def builds(bench: Bench) -> None:
    """A worker knows a learner by name and makes the model through its factory."""
    model: object = bench.build()
    if lacking := [n for n in ("fit", "predict", "save", "load") if not hasattr(model, n)]:
        msg = f"the factory gives a {type(model).__name__} without {', '.join(lacking)}"
        raise FaultError(msg)


@check(
    "Mend the configuration in `defaults`, or what the model makes of it; the first one climbs the "
    "whole ladder in every fit."
)
def portfolio(bench: Bench) -> None:
    """Every default is tried in every fit that has the time, before any search."""
    _try_out(bench, [dict(config) for config in bench.learner.defaults[1:]])


@check(
    "Narrow the dimension in `space`, or let the model cope with the value, that of the setting in "
    "`size` too; a failed trial is time lost for all learners."
)
def space(bench: Bench) -> None:
    """The search deals any values within the space, ends included; a study models of any size."""
    learner = bench.learner
    if not learner.space and learner.size is None:
        msg = "there is no space to search, and no size to set"
        raise SkippedError(msg)
    searched = [*_corners(learner.space), *_draws(learner)] if learner.space else []
    _try_out(bench, [*searched, *_sizes(bench)])


def _sizes(bench: Bench) -> Iterator[Config]:
    """A smaller and a larger model than the first default's."""
    learner = bench.learner
    if learner.size is not None:
        for factor in (0.5, 2.0):
            yield learner.size.grown(learner.defaults[0], factor)


def _corners(space: Mapping[str, Dimension]) -> Iterator[dict[str, Value]]:
    """Configurations in which every end and every option occurs, low ends all at once."""
    ends = {
        name: d.options if isinstance(d, Choice) else (d.low, d.high) for name, d in space.items()
    }
    for i in range(max(map(len, ends.values()))):
        yield {name: values[i % len(values)] for name, values in ends.items()}


def _draws(learner: Learner) -> list[Config]:
    """Configurations as the search deals them after the portfolio."""
    sampler = Sampler(learner, seed=0, greater_is_better=True)
    dealt = [sampler.next() for _ in range(len(learner.defaults) + DRAWS)]
    return dealt[len(learner.defaults) :]


def _try_out(bench: Bench, configs: list[Config] | list[dict[str, Value]]) -> None:
    rows = bench.own(bench.small_rows)
    for config in configs:
        try:
            fitted = bench.fit(rows, Brief(config, seconds=1.0, reports=2))
            bench.predict(fitted, rows.test)
        except Exception as error:
            msg = f"with {dict(config)}: {told(error)}"
            raise FaultError(msg) from error


@check(
    "Declare where the learner stops to work, `limits=automl.Limits(columns=..., classes=...)`: "
    "beyond, it is skipped with the reason instead of failing.",
    once=True,
)
def limits(bench: Bench) -> None:
    """Up to its limits a learner is started on any table, and each failure costs time."""
    allowed = bench.learner.limits
    columns = min(allowed.columns or WIDE, WIDE)
    tried = {"columns": columns}
    more: dict[str, Any] = {"wide": max(0, columns - 6 - 6)}  # categories take several columns
    if "multiclass" in bench.learner.tasks:
        tried["classes"] = more["classes"] = min(allowed.classes or MANY_CLASSES, MANY_CLASSES)
    other = bench.on("multiclass") if "multiclass" in bench.learner.tasks else bench
    rows = other.rows(f"limits {more}", lambda: other.encode(other.table(120, **more)))
    try:
        fitted = other.fit(rows, Brief(seconds=2.0, reports=1))
        other.predict(fitted, rows.test)
    except Exception as error:
        what = " and ".join(f"{count} {name}" for name, count in tried.items())
        msg = f"on a table of {what}, which its limits allow: {told(error)}"
        raise FaultError(msg) from error


CHECKS = (declaration, light, builds, portfolio, space, limits)
