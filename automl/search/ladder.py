"""The ladder: which steps a configuration climbs, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from automl.types import Rung, Trial

TOP = 3
"""The rung with all training rows of a fold."""
BAG = 4
"""The rung that repeats the top, on every row and on the other folds."""
FEW = 200
"""Rows below which a fold scores by luck."""


class Step(NamedTuple):
    """One fit: a rung's prefix of one fold's training rows."""

    rung: int
    fold: int


@dataclass(frozen=True, slots=True)
class Ladder:
    """The steps of one data set."""

    sizes: Mapping[int, int]
    """Rung -> rows of its prefix, for the rungs that exist up to the top."""
    folds: int
    all_folds_at_top: bool
    """True for small tables: rung 3 runs every fold, if there is time for all learners."""
    refit: bool = False
    """True where rows are ordered in time: what predicts is one fit on every row."""
    whole: bool = True
    """Whether the best are also fitted on every row; such a fit has no score."""

    @property
    def single(self) -> tuple[Step, ...]:
        """The steps of one fold, up to all of its rows."""
        return tuple(Step(rung, 0) for rung in sorted(self.sizes))

    @property
    def others(self) -> tuple[Step, ...]:
        """The other folds of the top, which score a configuration on all rows of a small table."""
        folds = range(1, self.folds) if self.all_folds_at_top else ()
        return tuple(Step(TOP, fold) for fold in folds)

    @property
    def tiny(self) -> bool:
        """Whether one fold scores too few rows to tell learners apart."""
        return self.all_folds_at_top and self.sizes[TOP] < FEW * (self.folds - 1)

    @property
    def bag(self) -> tuple[Step, ...]:
        """What repeats a configuration at the top: one fit on every row, then the other folds.

        Beside a model of one fold, one of every row is worth about two of other folds.
        """
        whole = (Step(BAG, self.folds),) if self.whole or self.refit else ()
        if self.refit:
            return whole
        return whole + (self.others or tuple(Step(BAG, fold) for fold in range(1, self.folds)))

    def rows(self, step: Step) -> int:
        return self.sizes[min(step.rung, TOP)]

    def share(self, step: Step) -> float:
        """Rows of a step in units of the top rung."""
        return self.rows(step) / self.sizes[TOP]


@dataclass(slots=True)
class Climb:
    """A trial's way up so far."""

    trial: Trial
    finished: dict[Step, Rung] = field(default_factory=dict)
    running: dict[Step, float] = field(default_factory=dict)
    """Steps under way and the seconds they were allowed."""
    hurried: set[Step] = field(default_factory=set)
    """Finished steps that used up their time: more of it would have made a better model."""
    failure: str = ""

    def score(self, rung: int) -> float | None:
        """The validation score on fold 0 of a rung."""
        done = self.finished.get(Step(rung, 0))
        return None if done is None else done.score

    @property
    def highest(self) -> int:
        """The highest rung with a score on fold 0; -1 for none."""
        return max(
            (s.rung for s, r in self.finished.items() if s.fold == 0 and r.score is not None),
            default=-1,
        )

    @property
    def at_top(self) -> bool:
        return self.score(TOP) is not None

    def next(self, steps: Iterable[Step]) -> Step | None:
        """The first of `steps` not taken yet; rungs one after the other, folds side by side."""
        if self.failure or any(step.fold == 0 for step in self.running):
            return None
        for step in steps:
            ahead = step.rung >= self.highest
            if ahead and step not in self.running and step not in self.finished:
                return step
        return None


def promoted(climb: Climb, rivals: Iterable[Climb], *, greater_is_better: bool) -> bool:
    """Whether a climb is in the better half of those that finished its highest rung.

    Asynchronous successive halving with a reduction factor of 2 (Li et al. 2020,
    arXiv 1810.05934), among the configurations of one learner.
    """
    rung = climb.highest
    if rung < 0:
        return True
    own = climb.score(rung)
    scores = [s for rival in rivals if (s := rival.score(rung)) is not None]
    if own is None:
        return False
    ahead = sum(s > own if greater_is_better else s < own for s in scores)
    return ahead < (len(scores) + 1) // 2
