"""Checks of metrics, ensemblers and readers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from automl import metrics
from automl.errors import AutoMLError
from automl.hooks.calls import resolve
from automl.testing.contract import (
    CLASSES,
    TASKS,
    Check,
    FaultError,
    SkippedError,
    check,
    describe_error,
    fault_if,
    skip_if,
)
from automl.types import Ensembler, Metric

if TYPE_CHECKING:
    from automl.types import Array, Task

ROWS, MEMBERS, MANY = 400, 4, 3
CLOSE = 1e-6
FOREIGN = ("no-such-scheme:nothing", "nothing.no-such-format", "")
"""Sources that no reader should accept."""


@dataclass(frozen=True, slots=True)
class MetricOnTask:
    """A metric on a task."""

    metric: Metric
    task: Task


@dataclass(frozen=True, slots=True)
class EnsemblerOnTask:
    """An ensembler on a task."""

    ensembler: Ensembler
    task: Task


def true_values(task: Task) -> Array:
    """(n,) truth: codes of every class, or positive values."""
    rng = np.random.default_rng(3)
    if task == "regression":
        return rng.gamma(3.0, 2.0, ROWS)
    return rng.permutation(np.arange(ROWS) % (MANY if task == "multiclass" else 2))


def noisy_prediction(task: Task, y: Array, noise: float, seed: int = 0) -> Array:
    """A prediction of `y` mixed with noise; exact where `noise` is 0."""
    rng = np.random.default_rng(seed)
    if task not in CLASSES:
        return np.asarray(y + noise * np.abs(rng.normal(size=len(y))), dtype=np.float64)
    k = int(y.max()) + 1
    exact = np.eye(k)[y]
    drawn = rng.dirichlet(np.ones(k), len(y))
    return np.asarray((1 - noise) * exact + noise * drawn, dtype=np.float32)


def _score(subject: MetricOnTask, y: Array, prediction: Array) -> float:
    value = subject.metric.score(_locked(y), _locked(prediction))
    fault_if(np.ndim(value) != 0, f"the score is {value!r}, not a number")
    return float(value)


def _locked(array: Array) -> Array:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


@check("Name tasks that exist, and in `stopping` a metric of the same tasks.", once=True, needs=())
def metric_declaration(subject: MetricOnTask) -> None:
    """`--metric`, early stopping and the leaderboard rely on the declaration."""
    metric = subject.metric
    fault_if(
        not metric.tasks or not metric.tasks <= set(TASKS),
        f"tasks are {sorted(metric.tasks)}, known are {', '.join(TASKS)}",
    )
    if metric.stopping is not None:
        for task in sorted(metric.tasks):
            try:
                metrics.get_metric(metric.stopping, task, [metric])
            except AutoMLError as error:
                msg = f"stopping: {error}"
                raise FaultError(msg) from error


@check("Set `greater_is_better` to the direction that the score has.", needs=())
def perfect_is_best(subject: MetricOnTask) -> None:
    """Every choice follows the score, so the best score must mean the best prediction."""
    y = true_values(subject.task)
    values = [
        _score(subject, y, noisy_prediction(subject.task, y, noise)) for noise in (0.0, 0.4, 0.95)
    ]
    losses = [metrics.loss(subject.metric, value) for value in values]
    falling = losses[0] <= losses[1] <= losses[2] and losses[0] < losses[2]
    scores = ", ".join(f"{value:.4g}" for value in values)
    fault_if(not falling, f"a perfect, a good and a poor prediction score {scores}")


@check("Let the score depend on pairs of truth and prediction only, not on their order.", needs=())
def rows_exchange(subject: MetricOnTask) -> None:
    """Rows are scored in the order of folds, which is arbitrary."""
    y = true_values(subject.task)
    prediction = noisy_prediction(subject.task, y, 0.6)
    order = np.random.default_rng(1).permutation(len(y))
    first, second = _score(subject, y, prediction), _score(subject, y[order], prediction[order])
    fault_if(
        abs(first - second) > CLOSE * max(1.0, abs(first)),
        f"the same rows in another order score {second:.6g} instead of {first:.6g}",
    )


@check("Copy before changing truth or predictions.", needs=())
def arrays_kept(subject: MetricOnTask) -> None:
    """Every metric scores these arrays, and ensembles use them afterwards."""
    y = true_values(subject.task)
    prediction = noisy_prediction(subject.task, y, 0.6)
    before = _digest(y, prediction)
    for function in (subject.metric.score, subject.metric.influence):
        if function is not None:
            function(y, prediction)
    fault_if(_digest(y, prediction) != before, "truth or predictions were changed")


@check(
    "Return (n,) per-row terms whose mean is the score, or leave `influence` out: then a grouped "
    "jackknife is used.",
    needs=(),
)
def influence_mean(subject: MetricOnTask) -> None:
    """Intervals and ties on the leaderboard rest on these terms."""
    if subject.metric.influence is None:
        msg = "declares no influence"
        raise SkippedError(msg)
    y = true_values(subject.task)
    prediction = noisy_prediction(subject.task, y, 0.6)
    terms = np.asarray(subject.metric.influence(_locked(y), _locked(prediction)), dtype=np.float64)
    fault_if(terms.shape != y.shape, f"the terms have shape {terms.shape} instead of {y.shape}")
    value = _score(subject, y, prediction)
    fault_if(
        not abs(terms.mean() - value) <= 1e-4 * max(1.0, abs(value)),
        f"the terms have mean {terms.mean():.6g}, the score is {value:.6g}",
    )


@check("Set `bounded=True` for scores in [0, 1] only.", needs=())
def within_bounds(subject: MetricOnTask) -> None:
    """Intervals of bounded metrics are kept within 0 and 1."""
    skip_if(not subject.metric.bounded, "declares no bounds")
    y = true_values(subject.task)
    for noise in (0.0, 0.5, 1.0):
        value = _score(subject, y, noisy_prediction(subject.task, y, noise))
        fault_if(not 0 <= value <= 1, f"declared as bounded, it gave {value:.4g}")


@check("Return NaN where the rows do not define the score.", tasks=CLASSES, needs=())
def one_class_scored(subject: MetricOnTask) -> None:
    """Some sets of rows are all of one class; a run must go on then."""
    y = true_values(subject.task)
    prediction = noisy_prediction(subject.task, y, 0.6)
    _score(subject, y[y == 0], prediction[y == 0])


@check("Give one weight for each member, none negative, that sum to one.", needs=())
def weights_sum(subject: EnsemblerOnTask) -> None:
    """A blend of predictions is their weighted mean."""
    y = true_values(subject.task)
    _weights(subject, _members(subject.task, y), y)


@check("Copy before changing predictions or truth; draw from the given seed only.", needs=())
def same_weights(subject: EnsemblerOnTask) -> None:
    """Weights are also found on each half of the rows, from shared arrays."""
    y = true_values(subject.task)
    members = _members(subject.task, y)
    before = _digest(y, members)
    first, second = _weights(subject, members, y), _weights(subject, members, y)
    fault_if(_digest(y, members) != before, "predictions or truth were changed")
    fault_if(
        not np.allclose(first, second),
        f"the same seed gave {first.round(4).tolist()}, then {second.round(4).tolist()}",
    )


@check("Do not expect more than one member; its weight is 1.", needs=())
def one_member(subject: EnsemblerOnTask) -> None:
    """Short runs leave a single model to combine."""
    y = true_values(subject.task)
    _weights(subject, _members(subject.task, y)[:1], y)


def _members(task: Task, y: Array) -> Array:
    noises = (0.3, 0.5, 0.7, 0.95)
    parts = [noisy_prediction(task, y, noise, seed) for seed, noise in enumerate(noises)]
    return np.stack(parts).astype(np.float32)


def _weights(subject: EnsemblerOnTask, members: Array, y: Array) -> Array:
    metric = metrics.get_metric(metrics.default_metric(subject.task), subject.task)
    found = np.asarray(resolve(subject.ensembler.factory)(0).fit(members, y, metric), np.float64)
    fault_if(
        found.shape != (len(members),),
        f"gave weights of shape {found.shape} for {len(members)} members",
    )
    fault_if(
        not (np.isfinite(found).all() and found.min() >= 0 and abs(found.sum() - 1) < 1e-6),
        f"gave the weights {found.round(4).tolist()}",
    )
    return found


@check("Return None for every source that is not of the reader's own format or address.", needs=())
def leaves_others(reader: Callable[..., Any]) -> None:
    """Readers of plugins are asked before the built-in ones; a greedy one would replace them."""
    for source in FOREIGN:
        try:
            table = reader(source=source)
        except Exception as error:
            msg = f"asked for {source!r}, it raised {describe_error(error)}"
            raise FaultError(msg) from error
        fault_if(
            table is not None,
            f"asked for {source!r}, it gave a {type(table).__name__} instead of None",
        )


def _digest(*arrays: Array) -> str:
    found = hashlib.blake2b()
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


METRIC_CHECKS = (
    metric_declaration,
    perfect_is_best,
    rows_exchange,
    arrays_kept,
    influence_mean,
    within_bounds,
    one_class_scored,
)
ENSEMBLER_CHECKS = (weights_sum, same_weights, one_member)
READER_CHECKS = (leaves_others,)


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """A check with its argument."""

    subject: str
    check: Check
    task: Task | None
    on: Any
    """Argument of the check."""


def part_checks(
    part: Metric | Ensembler | Callable[..., Any], name: str = ""
) -> Iterator[CheckRequest]:
    """The checks of a metric, an ensembler or a reader.

    Args:
        part: The metric, ensembler or reader.
        name: Name of a reader in outcomes; default its module.
    """
    if not isinstance(part, Metric | Ensembler):
        called = name or getattr(part, "__module__", "reader")
        yield from (CheckRequest(called, asked, None, part) for asked in READER_CHECKS)
        return
    own = [task for task in TASKS if task in part.tasks] or list(TASKS[:1])
    every = METRIC_CHECKS if isinstance(part, Metric) else ENSEMBLER_CHECKS
    for task in own:
        on = MetricOnTask(part, task) if isinstance(part, Metric) else EnsemblerOnTask(part, task)
        for asked in every:
            if task in asked.tasks and not (asked.once and task != own[0]):
                yield CheckRequest(part.name, asked, task, on)
