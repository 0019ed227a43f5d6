"""The race of a study: after one repeat of all learners, those go on that validation puts first.

Test rows have no say: a choice by them would make whoever was lucky look good.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl.metrics import loss_sign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from automl.schedule.study_state import StudyLearner

RACING = ("deep", "classical")
"""Families whose learners race; the baseline, which is cheap, has all repeats."""


@dataclass(slots=True)
class Race:
    """Says how probable it is that a learner goes on: 1 and 0 once the first repeat is over."""

    most: int | None = None
    """Learners of each family that go on; None for all."""
    winners: frozenset[str] | None = None
    """The learners that go on; None until all have had the first repeat."""

    @property
    def over(self) -> bool:
        """True if it is known who goes on."""
        return self.most is None or self.winners is not None

    def chances(self, learners: Sequence[StudyLearner]) -> Mapping[str, float]:
        """Learner -> probability that it goes on.

        Args:
            learners: Those that may still have fits, with their plans.
        """
        if self.most is None:
            return {state.learner.name: 1.0 for state in learners}
        begun = any(state.finished for state in learners)
        if self.winners is None and begun and all(_over(state) for state in learners):
            self.winners = self.ahead(learners)
        if self.winners is not None:
            return {one.learner.name: float(one.learner.name in self.winners) for one in learners}
        often = Counter(state.learner.family for state in learners)
        chance = {f: min(1.0, self.most / often[f]) if f in RACING else 1.0 for f in often}
        return {state.learner.name: chance[state.learner.family] for state in learners}

    def ahead(self, learners: Iterable[StudyLearner]) -> frozenset[str]:
        """The learners that validation puts first in each family, as things stand."""
        found: set[str] = set()
        by_family: dict[str, list[StudyLearner]] = {}
        for state in learners:
            by_family.setdefault(state.learner.family, []).append(state)
        for family, own in by_family.items():
            ranked = sorted(own, key=_ranking(own)) if family in RACING else own
            found |= {state.learner.name for state in ranked[: self.most or len(ranked)]}
        return frozenset(found)


def _over(state: StudyLearner) -> bool:
    """True if the first repeat has nothing more to decide the race by."""
    tuned = "default" not in state.regimes
    waiting = any(place[2] == 0 for place in state.running)
    return state.cap < 0 or not (waiting or any(state.open(0, tuned=tuned)))


def _ranking(family: Sequence[StudyLearner]) -> Callable[[StudyLearner], tuple[float, float, str]]:
    """A key that sorts a family by its losses at the last level that half of it reached.

    Whoever did not get there comes behind, the furthest first.
    """
    losses = {state.learner.name: _losses(state) for state in family}
    tops = sorted((max(own, default=-1) for own in losses.values()), reverse=True)
    last = tops[(len(tops) - 1) // 2]

    def key(state: StudyLearner) -> tuple[float, float, str]:
        name = state.learner.name
        at = max((level for level in losses[name] if level <= last), default=-1)
        return last - at, losses[name].get(at, math.inf), name

    return key


def _losses(state: StudyLearner) -> dict[int, float]:
    """Level -> the best loss on validation rows in the first repeat."""
    sign = loss_sign(greater_is_better=state.greater_is_better)
    found: dict[int, float] = {}
    for (_, level, repeat), rung in state.finished.items():
        if repeat == 0 and rung.score is not None:
            found[level] = min(sign * rung.score, found.get(level, math.inf))
    return found
