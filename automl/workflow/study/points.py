"""What a study has trained, as the points that are judged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.metrics import influence, score
from automl.scaling.points import Point, Study
from automl.search.journal import stem
from automl.search.ladder import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from automl.scaling.points import Regime
    from automl.types import Array, Metric, Rung
    from automl.workflow.study.axes import Axis
    from automl.workflow.study.dealer import StudyDealer
    from automl.workflow.study.design import Repeat
    from automl.workflow.study.lane import Lane


@dataclass(frozen=True, slots=True)
class Marks:
    """How one fit did on the rows that score."""

    rows: int
    score: float
    error: float | None
    """The error rate; None for numbers."""


class Scorer:
    """Scores fits on the held-out rows, from their predictions on disk."""

    def __init__(
        self, run: Path, metric: Metric, truths: Callable[[Step], tuple[Array, Array]]
    ) -> None:
        self._run = run
        self._metric = metric
        self._truths = truths
        self._known: dict[tuple[str, int, int], Marks] = {}

    def marks(self, rung: Rung, step: Step) -> Marks:
        """The marks of a finished fit, computed once."""
        key = (rung.trial, *step)
        if key not in self._known:
            y, prediction = self._held_out(rung, step)
            wrong = None
            if prediction.ndim == 2:
                wrong = float((prediction.argmax(axis=1) != y).mean())
            self._known[key] = Marks(len(y), score(self._metric, y, prediction), wrong)
        return self._known[key]

    def terms(self, rung: Rung, step: Step) -> tuple[Array, ...]:
        """Per-row terms of the score, whose mean it is."""
        return (influence(self._metric, *self._held_out(rung, step)),)

    def _held_out(self, rung: Rung, step: Step) -> tuple[Array, Array]:
        path = self._run / "predictions" / f"{stem(rung)}-test.npy"
        return self._truths(step)[1], np.asarray(np.load(path, allow_pickle=False))


def blank_study(metric: Metric, axis: str, repeats: Sequence[Repeat]) -> Study:
    """A study without points yet.

    Args:
        metric: That it compares.
        axis: Name of what grows.
        repeats: Of the study.
    """
    first, *others = repeats
    return Study(
        metric=metric.name,
        greater_is_better=metric.greater_is_better,
        bounded=metric.bounded,
        axis=axis,
        test_to_train=1 / (first.folds - 1),
        same_rows=all(np.array_equal(first.scored, other.scored) for other in others),
    )


def points_of(
    dealer: StudyDealer, axis: Axis, scorer: Scorer, *, terms: bool = True
) -> tuple[Point, ...]:
    """All points of a study so far, a fit in every regime that it counts for.

    Args:
        dealer: Knows what finished and what was chosen.
        axis: Gives the values of the levels.
        scorer: Scores on the held-out rows.
        terms: Whether the points get their per-row terms.
    """
    return tuple(
        _point(lane, value, scorer, entry, terms=terms)
        for lane in dealer.lanes.values()
        for entry in _of(lane)
        for value in axis.values(entry.place[1], entry.order)
        if axis.trials is None or value <= entry.tried
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    """A finished fit in one regime."""

    regime: Regime
    order: int
    place: tuple[int, int, int]
    rung: Rung
    tried: float = math.inf
    """Configurations judged beside it; infinite where there are no more to try."""


def _of(lane: Lane) -> Iterator[_Entry]:
    for (number, level, repeat), rung in sorted(lane.finished.items()):
        if rung.status != "ok":
            continue
        place = (number, level, repeat)
        if number == 0 and "default" in lane.regimes:
            yield _Entry("default", 0, place, rung)
        if "transferred" in lane.regimes and lane.chosen(repeat) == number:
            yield _Entry("transferred", 0, place, rung)
        if "retuned" in lane.regimes and number in (tried := lane.tuning(repeat, level)).numbers:
            judged = math.inf if tried.sampler.exhausted else tried.judged
            yield _Entry("retuned", tried.numbers.index(number), place, rung, judged)


def _point(lane: Lane, value: float, scorer: Scorer, entry: _Entry, *, terms: bool) -> Point:
    _, level, repeat = entry.place
    rung, step = entry.rung, Step(level, repeat)
    marks = scorer.marks(rung, step)
    return Point(
        learner=lane.learner.name,
        family=lane.learner.family,
        n=value,
        score=(marks.score,),
        score_val=(float("nan") if rung.score is None else rung.score,),
        rows=(marks.rows,),
        error=None if marks.error is None else (marks.error,),
        regime=entry.regime,
        repeat=repeat,
        trial=rung.trial,
        order=entry.order,
        fit_seconds=rung.fit_seconds,
        predict_seconds=rung.predict_seconds,
        censored=rung.censored,
        needed_seconds=rung.needed_seconds or math.nan,
        terms=(lambda: scorer.terms(rung, step)) if terms else None,
    )
