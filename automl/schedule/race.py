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
    from collections.abc import Iterable, Mapping, Sequence

    from automl.schedule.study_state import StudyLearner
    from automl.types import Rung

RACING = ("deep", "classical")
"""Families whose learners race; the baseline, which is cheap, has all repeats."""


@dataclass(slots=True)
class Race:
    """Says how probable it is that a learner goes on: 1 and 0 once the first repeat is over."""

    most: int | None = None
    """Learners of each family that go on, besides those that they do not beat; None for all."""
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
        """The learners that may yet be among the first of their family, as things stand."""
        by_family: dict[str, list[StudyLearner]] = {}
        for state in learners:
            by_family.setdefault(state.learner.family, []).append(state)
        going = [
            own if self.most is None or family not in RACING else _contenders(own, self.most)
            for family, own in by_family.items()
        ]
        return frozenset(state.learner.name for own in going for state in own)


def _contenders(family: Sequence[StudyLearner], most: int) -> list[StudyLearner]:
    """The first of a family, and those that fewer than so many beat by more than luck.

    They are ranked by their losses at the last level that half of the family reached. Whoever did
    not get there comes behind, the furthest first.
    """
    rungs = {state.learner.name: _best(state) for state in family}
    tops = sorted((max(own, default=-1) for own in rungs.values()), reverse=True)
    last = tops[(len(tops) - 1) // 2]

    def key(state: StudyLearner) -> tuple[float, float, str]:
        own = rungs[state.learner.name]
        at = max((level for level in own if level <= last), default=-1)
        loss = _loss(state, own[at]) if at in own else math.inf
        return last - at, loss, state.learner.name

    def beaten(state: StudyLearner, others: Sequence[StudyLearner]) -> int:
        beats, mine = state.beats, rungs[state.learner.name].get(last)
        if mine is None or beats is None:
            return len(others)
        return sum(beats(rungs[other.learner.name][last], mine) for other in others)

    ranked = sorted(family, key=key)
    return [
        state
        for place, state in enumerate(ranked)
        if place < most or beaten(state, ranked[:place]) < most
    ]


def _best(state: StudyLearner) -> dict[int, Rung]:
    """Level -> its fit of the first repeat that validation rows prefer."""
    found: dict[int, Rung] = {}
    for (_, level, repeat), rung in state.finished.items():
        if repeat == 0 and rung.score is not None:
            known = found.get(level)
            if known is None or _loss(state, rung) < _loss(state, known):
                found[level] = rung
    return found


def _loss(state: StudyLearner, rung: Rung) -> float:
    score = math.nan if rung.score is None else rung.score
    return loss_sign(greater_is_better=state.greater_is_better) * score


def _over(state: StudyLearner) -> bool:
    """True if the first repeat has nothing more to decide the race by."""
    tuned = "default" not in state.regimes
    waiting = any(place[2] == 0 for place in state.running)
    return state.cap < 0 or not (waiting or any(state.open(0, tuned=tuned)))
