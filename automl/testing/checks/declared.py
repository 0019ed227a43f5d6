"""Checks of a learner's declaration, and of the configurations in it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, get_args

from automl.errors import TooLittleTimeError
from automl.hooks.declarations import memory_fault, needs_faults
from automl.hooks.manager import resolve
from automl.schedule.sampler import Sampler
from automl.space import Choice, Dimension, Int, Value
from automl.testing.contract import (
    TASKS,
    FaultError,
    SkippedError,
    check,
    describe_error,
    fault_if,
    skip_if,
)
from automl.testing.fixture import FitSettings
from automl.testing.imports import measure_imports
from automl.types import API_VERSION, Config, Family, Resources, ViewKind

if TYPE_CHECKING:
    from automl.testing.fixture import Fixture
    from automl.types import Learner

HEAVY = ("torch", "tensorflow", "jax", "keras", "sklearn", "xgboost", "lightgbm", "catboost", "ray")
"""Libraries that take a second or more to import; no declaration needs them."""
DRAWS = 3
"""Configurations sampled from the space, beside its corners."""
MEMORY_ROWS, MEMORY_COLUMNS = (100, 1_000, 10_000, 100_000, 10_000_000), (1, 30, 1_000)
"""Tables for which a declared memory is asked."""
WIDE, MANY_CLASSES = 150, 20
"""Columns and classes of the largest table tried, whatever a learner allows."""

_LIGHT = """
import importlib, sys
module = importlib.import_module(sys.argv[1])
list(getattr(module, "automl_learners", list)() or ())
print(*[name for name in sys.argv[2:] if name in sys.modules])
"""


@check("Correct the field that the reason names; `help(automl.Learner)` describes them.", needs=())
def declaration(fixture: Fixture) -> None:
    """Listing, scheduling and skipping learners all rely on the declaration."""
    learner = fixture.learner
    dimensions, defaults = learner.space.items(), enumerate(learner.defaults)
    problems = [
        *_fields(learner),
        *(f"space {name} {p}" for name, d in dimensions for p in _dimension(d)),
        *(f"default {i}: {p}" for i, config in defaults for p in _default(learner, config)),
        *_promises(fixture),
    ]
    fault_if(problems, "; ".join(problems))


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


def _promises(fixture: Fixture) -> Iterator[str]:
    """Faults of the declared limits and resources."""
    learner = fixture.learner
    for name in ("rows", "columns", "classes"):
        most = getattr(learner.limits, name)
        if most is not None and most < 2:
            yield f"limits.{name} is {most}: no table is that small"
    try:
        asked: Any = learner.resources(fixture.small_rows.schema)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        yield f"resources(schema) raises {describe_error(error)}"
        return
    if not isinstance(asked, Resources):
        yield f"resources(schema) gives {type(asked).__name__}, not automl.Resources"
    elif not (asked.cost > 0 and asked.memory >= 0 and asked.gpus >= 0):
        yield f"resources(schema) gives {asked}: cost must be above 0, the others not below"
    yield from needs_faults(learner)
    columns = sorted({min(wide, learner.limits.columns or wide) for wide in MEMORY_COLUMNS})
    yield from filter(None, (memory_fault(learner, MEMORY_ROWS, wide) for wide in columns))


@check(
    "Import heavy libraries inside the factory's module and name it as a string, "
    '`factory="my_package.models:build"`; keep the module of the declaration free of them.',
    once=True,
    needs=(),
)
def light(fixture: Fixture) -> None:
    """Every command that lists learners, and the driver of every fit, imports the declaration."""
    if fixture.package is None:
        msg = "the learner was handed over as an object, not found through an installed plugin"
        raise SkippedError(msg)
    done = subprocess.run(  # noqa: S603 - this Python, on the plugin that is being checked
        [sys.executable, "-c", _LIGHT, fixture.package, *HEAVY],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    last = (done.stderr.strip().splitlines() or ["?"])[-1]
    fault_if(done.returncode, f"importing {fixture.package} in a fresh process fails: {last}")
    found = done.stdout.split()
    fault_if(found, f"declaring the learner imports {', '.join(found)}")


@check(
    "Let `factory` name a callable(config, task, n_classes) that returns an object with fit, "
    "predict, save and load.",
    needs=(),
)
def builds(fixture: Fixture) -> None:
    """A worker receives the name of a learner and builds the model through its factory."""
    model: object = fixture.build()
    lacking = [n for n in ("fit", "predict", "save", "load") if not hasattr(model, n)]
    fault_if(lacking, f"the factory gives a {type(model).__name__} without {', '.join(lacking)}")
    if fixture.learner.scale_out is not None:
        resolve(fixture.learner.scale_out)


@check(
    "Name in `libraries` the top-level modules that the factory's module imports, "
    '`libraries=("torch",)`, and none that it does not import.',
    once=True,
    needs=("builds",),
)
def libraries(fixture: Fixture) -> None:
    """An import may take longer than a fit; learners of one library share it in a worker."""
    named = fixture.learner.libraries
    package = (fixture.package or "").partition(".")[0]
    imports = measure_imports(fixture.learner)
    unused = sorted(set(named) - imports.names)
    fault_if(unused, f"declares {', '.join(unused)}, which making a model does not import")
    slow = imports.slow(named, package)
    if slow:  # another process may have been busy
        again = measure_imports(fixture.learner).slow(named, package)
        slow = {name: again[name] for name in slow if name in again}
    found = ", ".join(f"{name} ({took:.1f} s)" for name, took in slow.items())
    fault_if(slow, f"making a model imports {found}, which `libraries` does not name")


@check(
    "Correct the configuration in `defaults`, or the model; the first one is trained on every rung "
    "in every fit."
)
def portfolio(fixture: Fixture) -> None:
    """Every default is tried before the search, in every fit that has the time."""
    _try_out(fixture, [dict(config) for config in fixture.learner.defaults[1:]])


@check(
    "Narrow the dimension in `space` (or `size`), or let the model handle the value; a failed "
    "trial is time lost for all learners."
)
def space(fixture: Fixture) -> None:
    """The search tries any value within the space, ends included; a study tries any model size."""
    learner = fixture.learner
    skip_if(
        not learner.space and learner.size is None,
        "there is no space to search, and no size to set",
    )
    searched = [*_corners(learner.space), *_draws(learner)] if learner.space else []
    _try_out(fixture, [*searched, *_sizes(fixture)])


def _sizes(fixture: Fixture) -> Iterator[Config]:
    """A smaller and a larger model than the first default's."""
    learner = fixture.learner
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
    """Configurations as the search samples them after the portfolio."""
    sampler = Sampler(learner, seed=0, greater_is_better=True)
    sampled = [sampler.next() for _ in range(len(learner.defaults) + DRAWS)]
    return sampled[len(learner.defaults) :]


def _try_out(fixture: Fixture, configs: list[Config] | list[dict[str, Value]]) -> None:
    rows = fixture.own(fixture.small_rows)
    for config in configs:
        try:
            fitted = fixture.fit(rows, FitSettings(config, seconds=1.0, reports=2))
            fixture.predict(fitted, rows.test)
        except Exception as error:
            msg = f"with {dict(config)}: {describe_error(error)}"
            raise FaultError(msg) from error


@check(
    "Declare the largest table that the learner can handle, `limits=automl.Limits(columns=..., "
    "classes=...)`: beyond, it is skipped with the reason instead of failing.",
    once=True,
)
def limits(fixture: Fixture) -> None:
    """Up to its limits a learner is trained on any table, and each failure costs time."""
    allowed = fixture.learner.limits
    columns = min(allowed.columns or WIDE, WIDE)
    tried = {"columns": columns}
    more: dict[str, Any] = {"wide": max(0, columns - 6 - 6)}  # categories take several columns
    if "multiclass" in fixture.learner.tasks:
        tried["classes"] = more["classes"] = min(allowed.classes or MANY_CLASSES, MANY_CLASSES)
    other = fixture.on("multiclass") if "multiclass" in fixture.learner.tasks else fixture
    rows = other.rows(f"limits {more}", lambda: other.encode(other.table(120, **more)))
    try:
        fitted = other.fit(rows, FitSettings(seconds=2.0, reports=1))
        other.predict(fitted, rows.test)
    except TooLittleTimeError:
        return  # to decline a fit is no failure
    except Exception as error:
        what = " and ".join(f"{count} {name}" for name, count in tried.items())
        msg = f"on a table of {what}, which its limits allow: {describe_error(error)}"
        raise FaultError(msg) from error
