"""The points of a study, made from its finished fits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.metrics import influence, score, standard_error
from automl.runs.journal import stem
from automl.scaling.points import Point, Study

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from automl.rows.axes.base import Axis
    from automl.rows.repeats import Repeat
    from automl.schedule.study import StudyScheduler
    from automl.schedule.study_state import StudyLearner
    from automl.types import Array, Cell, Metric, Regime, Rung
    from automl.workers.store import Truth


@dataclass(frozen=True, slots=True)
class Marks:
    """Scores of one fit on the test rows."""

    rows: int
    score: float
    error: float | None
    """The error rate; None for numbers."""


class Scorer:
    """Scores fits on the held-out rows, from their predictions on disk."""

    def __init__(self, run: Path, metric: Metric, truth: Callable[[Cell], Truth]) -> None:
        self._run = run
        self._metric = metric
        self._truth = truth
        self._known: dict[tuple[str, str, Cell], Marks] = {}
        self._beaten: dict[tuple[tuple[str, str, Cell], tuple[str, str, Cell]], bool] = {}

    def marks(self, rung: Rung) -> Marks:
        """The marks of a finished fit, computed once."""
        if rung.key not in self._known:
            y, prediction = self._held_out(rung)
            wrong = None
            if prediction.ndim == 2:
                wrong = float((prediction.argmax(axis=1) != y).mean())
            self._known[rung.key] = Marks(len(y), score(self._metric, y, prediction), wrong)
        return self._known[rung.key]

    def terms(self, rung: Rung) -> tuple[Array, ...]:
        """Per-row terms of the score, whose mean it is."""
        return (influence(self._metric, *self._held_out(rung)),)

    def beats(self, ahead: Rung, default: Rung) -> bool:
        """Return whether one fit beats another of its cell by more than the standard error.

        The error is that of the difference on the validation rows. Of metrics whose rows have no
        terms it is not known, and the better score decides.
        """
        key = (ahead.key, default.key)
        if key not in self._beaten:
            y = np.asarray(self._truth(ahead.cell).validation)
            terms = [influence(self._metric, y, self._prediction(one)) for one in (ahead, default)]
            difference = terms[0] - terms[1]
            self._beaten[key] = not abs(float(difference.mean())) <= standard_error(difference)
        return self._beaten[key]

    def _prediction(self, rung: Rung, suffix: str = "") -> Array:
        path = self._run / "predictions" / f"{stem(rung)}{suffix}.npy"
        return np.asarray(np.load(path, allow_pickle=False))

    def _held_out(self, rung: Rung) -> tuple[Array, Array]:
        return np.asarray(self._truth(rung.cell).test), self._prediction(rung, "-test")


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
        same_rows=all(np.array_equal(first.test, other.test) for other in others),
    )


def points_of(
    scheduler: StudyScheduler, axis: Axis, scorer: Scorer, *, terms: bool = True
) -> tuple[Point, ...]:
    """All points of a study so far, a fit in every regime that it counts for.

    Args:
        scheduler: Knows what finished and what was chosen.
        axis: Gives the values of the levels.
        scorer: Scores on the held-out rows.
        terms: Whether the points get their per-row terms.
    """
    return tuple(
        _point(state, value, scorer, entry, terms=terms)
        for state in scheduler.learners.values()
        for entry in _of(state)
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
    further: tuple[Rung, ...] = ()
    """The fits on further subsets of its rows."""


def _of(state: StudyLearner) -> Iterator[_Entry]:
    for (number, level, repeat), rung in sorted(state.finished.items()):
        if rung.status != "ok":
            continue
        place = (number, level, repeat)
        further = tuple(
            more
            for key, more in sorted(state.further.items())
            if key[:-1] == place and more.status == "ok"
        )
        if number == 0 and "default" in state.regimes:
            yield _Entry("default", 0, place, rung, further=further)
        if "transferred" in state.regimes and state.chosen(repeat) == number:
            yield _Entry("transferred", 0, place, rung, further=further)
        if "retuned" in state.regimes and number in (tried := state.tuning(repeat, level)).numbers:
            judged = math.inf if tried.sampler.exhausted else tried.judged
            yield _Entry("retuned", tried.numbers.index(number), place, rung, judged)


def _point(
    state: StudyLearner, value: float, scorer: Scorer, entry: _Entry, *, terms: bool
) -> Point:
    rung, rungs = entry.rung, (entry.rung, *entry.further)
    marks = [scorer.marks(one) for one in rungs]
    errors = [one.error for one in marks if one.error is not None]
    return Point(
        learner=state.learner.name,
        family=state.learner.family,
        n=value,
        score=(_mean(one.score for one in marks),),
        score_val=(_mean(math.nan if one.score is None else one.score for one in rungs),),
        rows=(marks[0].rows,),
        error=(_mean(errors),) if errors else None,
        regime=entry.regime,
        repeat=rung.repeat,
        trial=rung.trial,
        order=entry.order,
        fit_seconds=_mean(one.fit_seconds for one in rungs),
        predict_seconds=_mean(one.predict_seconds for one in rungs),
        censored=any(one.censored for one in rungs),
        needed_seconds=max(one.needed_seconds or 0.0 for one in rungs) or math.nan,
        fits=len(rungs),
        terms=(lambda: _mean_terms([scorer.terms(one) for one in rungs])) if terms else None,
    )


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _mean_terms(several: Sequence[tuple[Array, ...]]) -> tuple[Array, ...]:
    """Per-row terms of a mean of scores on the same rows."""
    return tuple(np.mean(parts, axis=0) for parts in zip(*several, strict=True))
