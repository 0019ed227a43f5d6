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
from automl.testing.outcome import CLASSES, TASKS, Check, FaultError, SkippedError, check, told
from automl.types import Ensembler, Metric

if TYPE_CHECKING:
    from automl.types import Array, Task

ROWS, MEMBERS, MANY = 400, 4, 3
CLOSE = 1e-6
FOREIGN = ("no-such-scheme:nothing", "nothing.no-such-format", "")
"""Sources that no reader can want."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A metric on a task."""

    metric: Metric
    task: Task


@dataclass(frozen=True, slots=True)
class Blended:
    """An ensembler on a task."""

    ensembler: Ensembler
    task: Task


def answers(task: Task) -> Array:
    """(n,) answers: codes of every class, or positive values."""
    rng = np.random.default_rng(3)
    if task == "regression":
        return rng.gamma(3.0, 2.0, ROWS)
    return rng.permutation(np.arange(ROWS) % (MANY if task == "multiclass" else 2))


def guesses(task: Task, y: Array, noise: float, seed: int = 0) -> Array:
    """A prediction that knows the answers, more or less; exactly so without noise."""
    rng = np.random.default_rng(seed)
    if task not in CLASSES:
        return np.asarray(y + noise * np.abs(rng.normal(size=len(y))), dtype=np.float64)
    k = int(y.max()) + 1
    exact = np.eye(k)[y]
    drawn = rng.dirichlet(np.ones(k), len(y))
    return np.asarray((1 - noise) * exact + noise * drawn, dtype=np.float32)


def _score(scored: Scored, y: Array, prediction: Array) -> float:
    value = scored.metric.score(_locked(y), _locked(prediction))
    if np.ndim(value) != 0:
        msg = f"the score is {value!r}, not a number"
        raise FaultError(msg)
    return float(value)


def _locked(array: Array) -> Array:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


@check("Name tasks that exist, and in `stopping` a metric of the same tasks.", once=True, needs=())
def metric_declaration(scored: Scored) -> None:
    """`--metric`, early stopping and the leaderboard go by what is declared."""
    metric = scored.metric
    if not metric.tasks or not metric.tasks <= set(TASKS):
        msg = f"tasks are {sorted(metric.tasks)}, known are {', '.join(TASKS)}"
        raise FaultError(msg)
    if metric.stopping is not None:
        for task in sorted(metric.tasks):
            try:
                metrics.get_metric(metric.stopping, task, [metric])
            except AutoMLError as error:
                msg = f"stopping: {error}"
                raise FaultError(msg) from error


@check("Set `greater_is_better` to the direction that the score has.", needs=())
def perfect_is_best(scored: Scored) -> None:
    """Everything is chosen by the score, so its best must be the best prediction."""
    y = answers(scored.task)
    values = [_score(scored, y, guesses(scored.task, y, noise)) for noise in (0.0, 0.4, 0.95)]
    losses = [metrics.loss(scored.metric, value) for value in values]
    if not (losses[0] <= losses[1] <= losses[2] and losses[0] < losses[2]):
        told_values = ", ".join(f"{value:.4g}" for value in values)
        msg = f"a perfect, a good and a poor prediction score {told_values}"
        raise FaultError(msg)


@check("Let the score depend on pairs of answer and prediction only, not on their order.", needs=())
def rows_exchange(scored: Scored) -> None:
    """Rows are scored in the order of folds, which means nothing."""
    y = answers(scored.task)
    prediction = guesses(scored.task, y, 0.6)
    order = np.random.default_rng(1).permutation(len(y))
    first, second = _score(scored, y, prediction), _score(scored, y[order], prediction[order])
    if abs(first - second) > CLOSE * max(1.0, abs(first)):
        msg = f"the same rows in another order score {second:.6g} instead of {first:.6g}"
        raise FaultError(msg)


@check("Copy before changing answers or predictions.", needs=())
def arrays_kept(scored: Scored) -> None:
    """The same arrays are scored by every metric, and go into ensembles after that."""
    y = answers(scored.task)
    prediction = guesses(scored.task, y, 0.6)
    before = _digest(y, prediction)
    for function in (scored.metric.score, scored.metric.influence):
        if function is not None:
            function(y, prediction)
    if _digest(y, prediction) != before:
        msg = "answers or predictions were changed"
        raise FaultError(msg)


@check(
    "Return (n,) per-row terms whose mean is the score, or leave `influence` out: then a grouped "
    "jackknife is used.",
    needs=(),
)
def influence_mean(scored: Scored) -> None:
    """Intervals and ties on the leaderboard rest on these terms."""
    if scored.metric.influence is None:
        msg = "declares no influence"
        raise SkippedError(msg)
    y = answers(scored.task)
    prediction = guesses(scored.task, y, 0.6)
    terms = np.asarray(scored.metric.influence(_locked(y), _locked(prediction)), dtype=np.float64)
    if terms.shape != y.shape:
        msg = f"the terms have shape {terms.shape} instead of {y.shape}"
        raise FaultError(msg)
    value = _score(scored, y, prediction)
    if not abs(terms.mean() - value) <= 1e-4 * max(1.0, abs(value)):
        msg = f"the terms have mean {terms.mean():.6g}, the score is {value:.6g}"
        raise FaultError(msg)


@check("Set `bounded=True` for scores in [0, 1] only.", needs=())
def within_bounds(scored: Scored) -> None:
    """Intervals of bounded metrics are kept within 0 and 1."""
    if not scored.metric.bounded:
        msg = "declares no bounds"
        raise SkippedError(msg)
    y = answers(scored.task)
    for noise in (0.0, 0.5, 1.0):
        value = _score(scored, y, guesses(scored.task, y, noise))
        if not 0 <= value <= 1:
            msg = f"declared as bounded, it gave {value:.4g}"
            raise FaultError(msg)


@check("Return NaN where the rows do not define the score.", tasks=CLASSES, needs=())
def one_class_scored(scored: Scored) -> None:
    """Some rows are all of one class; that is no reason to end a run."""
    y = answers(scored.task)
    prediction = guesses(scored.task, y, 0.6)
    _score(scored, y[y == 0], prediction[y == 0])


@check("Give one weight for each member, none negative, that sum to one.", needs=())
def weights_sum(blended: Blended) -> None:
    """A blend of predictions is their weighted mean."""
    y = answers(blended.task)
    _weights(blended, _members(blended.task, y), y)


@check("Copy before changing predictions or answers; draw from the seed given only.", needs=())
def same_weights(blended: Blended) -> None:
    """Weights are found again on each half of the rows, from the same arrays."""
    y = answers(blended.task)
    members = _members(blended.task, y)
    before = _digest(y, members)
    first, second = _weights(blended, members, y), _weights(blended, members, y)
    if _digest(y, members) != before:
        msg = "predictions or answers were changed"
        raise FaultError(msg)
    if not np.allclose(first, second):
        msg = f"the same seed gave {first.round(4).tolist()}, then {second.round(4).tolist()}"
        raise FaultError(msg)


@check("Do not expect more than one member; its weight is 1.", needs=())
def one_member(blended: Blended) -> None:
    """Short runs leave one model to combine."""
    y = answers(blended.task)
    _weights(blended, _members(blended.task, y)[:1], y)


def _members(task: Task, y: Array) -> Array:
    noises = (0.3, 0.5, 0.7, 0.95)
    parts = [guesses(task, y, noise, seed) for seed, noise in enumerate(noises)]
    return np.stack(parts).astype(np.float32)


def _weights(blended: Blended, members: Array, y: Array) -> Array:
    metric = metrics.get_metric(metrics.default_metric(blended.task), blended.task)
    found = np.asarray(resolve(blended.ensembler.factory)(0).fit(members, y, metric), np.float64)
    if found.shape != (len(members),):
        msg = f"gave weights of shape {found.shape} for {len(members)} members"
        raise FaultError(msg)
    if not (np.isfinite(found).all() and found.min() >= 0 and abs(found.sum() - 1) < 1e-6):
        msg = f"gave the weights {found.round(4).tolist()}"
        raise FaultError(msg)
    return found


@check("Return None for every source that is not of the reader's own format or address.", needs=())
def leaves_others(reader: Callable[..., Any]) -> None:
    """Readers of plugins are asked before the built-in ones; a greedy one shuts them out."""
    for source in FOREIGN:
        try:
            table = reader(source=source)
        except Exception as error:
            msg = f"asked for {source!r}, it raised {told(error)}"
            raise FaultError(msg) from error
        if table is not None:
            msg = f"asked for {source!r}, it gave a {type(table).__name__} instead of None"
            raise FaultError(msg)


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
class Question:
    """A check, and what it is asked of."""

    subject: str
    check: Check
    task: Task | None
    on: Any
    """The argument of the check."""


def part_checks(
    part: Metric | Ensembler | Callable[..., Any], name: str = ""
) -> Iterator[Question]:
    """The checks of a metric, an ensembler or a reader.

    Args:
        part: What is checked.
        name: What to call a reader; its module unless given.
    """
    if not isinstance(part, Metric | Ensembler):
        called = name or getattr(part, "__module__", "reader")
        yield from (Question(called, asked, None, part) for asked in READER_CHECKS)
        return
    own = [task for task in TASKS if task in part.tasks] or list(TASKS[:1])
    every = METRIC_CHECKS if isinstance(part, Metric) else ENSEMBLER_CHECKS
    for task in own:
        on = Scored(part, task) if isinstance(part, Metric) else Blended(part, task)
        for asked in every:
            if task in asked.tasks and not (asked.once and task != own[0]):
                yield Question(part.name, asked, task, on)
