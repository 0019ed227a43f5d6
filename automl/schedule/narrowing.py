"""Spare seconds of a study: further subsets where they narrow the contrasts most per second.

The slope of a contrast is a weighted sum over the levels. A level of a repeat is the mean of the
fits on its subsets, so one subset more than m takes 1 / (m (m + 1)) of the variance of one fit off
its part. Variances are those of the scores on validation rows: test rows have no say.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from automl.schedule.study_state import StudyLearner
    from automl.types import Array

Window: TypeAlias = Callable[["Array"], "Array"]
"""Ascending sizes -> mask of those that enter the rate."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One subset more at a level, for one learner in all of its repeats."""

    state: StudyLearner
    level: int
    subset: int
    worth: float
    """Variance that it takes off the slope."""
    seconds: float
    """Seconds of its fits that are not done yet."""

    @property
    def worth_per_second(self) -> float:
        return self.worth / self.seconds if self.seconds else math.inf


def narrow(learners: Iterable[StudyLearner], left: float, window: Window) -> float:
    """Grant further subsets, the most worth a second first, while there are seconds for them.

    Args:
        learners: Those that go on, with their plans.
        left: Seconds that nothing else needs.
        window: Tells the levels that enter the rate.

    Returns:
        The seconds granted.
    """
    racing, granted = list(learners), 0.0
    for state in racing:
        state.narrowed.clear()
    spread = _variances(racing)
    steps = [step for state in racing for step in _next_steps(state, spread, window)]
    while steps:
        best = max(steps, key=lambda step: step.worth_per_second)
        steps.remove(best)
        if granted + best.seconds > left:
            continue
        granted += best.seconds
        best.state.narrowed[best.level] = best.subset + 1
        steps += [
            step for step in _next_steps(best.state, spread, window) if step.level == best.level
        ]
    return granted


def _variances(learners: Sequence[StudyLearner]) -> Mapping[int, float]:
    """Level -> variance of a default's scores on validation rows, over repeats and learners."""
    found: dict[int, list[float]] = {}
    for state in learners:
        scores: dict[int, list[float]] = {}
        for (number, level, _), rung in state.finished.items():
            if number == 0 and rung.score is not None:
                scores.setdefault(level, []).append(rung.score)
        for level, own in scores.items():
            if len(own) > 1:
                found.setdefault(level, []).append(statistics.variance(own))
    return {level: statistics.fmean(variances) for level, variances in found.items()}


def _next_steps(
    state: StudyLearner, spread: Mapping[int, float], window: Window
) -> Iterable[_Step]:
    """The next subset of every level that has room for one."""
    if not state.room or state.cap < 0:
        return
    leverage = _leverage(np.array(state.sizes[: state.cap + 1], dtype=np.float64), window)
    for level, weight in enumerate(leverage):
        count = state.narrowed.get(level, state.planned(level))
        worth = float(weight) * spread.get(level, 0.0) / (count * (count + 1))
        if worth > 0 and count < state.room[level]:
            fits = sum(state.lacks_subset(level, r, count) for r in range(state.repeats))
            yield _Step(state, level, count, worth, fits * state.expected(level))


def _leverage(sizes: Array, window: Window) -> Array:
    """(k,) part that the variance at each level has in that of the slope on log2 of the sizes."""
    inside = window(sizes)
    x = np.log2(sizes)
    return np.where(inside, (x - x[inside].mean()) ** 2, 0.0)
