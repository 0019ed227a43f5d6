"""A configuration on its way up the ladder, and the rule of its promotion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from automl.types import TOP, Cell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automl.types import Rung, Trial


@dataclass(slots=True)
class TrialState:
    """A trial's way up so far."""

    spec: Trial
    finished: dict[Cell, Rung] = field(default_factory=dict)
    running: dict[Cell, float] = field(default_factory=dict)
    """Steps under way and the seconds they were allowed."""
    time_limited: set[Cell] = field(default_factory=set)
    """Finished cells that used up their time: more of it would have made a better model."""
    failure: str = ""

    def score(self, rung: int) -> float | None:
        """The validation score on fold 0 of a rung."""
        done = self.finished.get(Cell(rung, 0))
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

    def next(self, cells: Iterable[Cell]) -> Cell | None:
        """The first of `cells` not taken yet; rungs one after the other, folds side by side."""
        if self.failure or any(cell.fold == 0 for cell in self.running):
            return None
        for cell in cells:
            ahead = cell.rung >= self.highest
            if ahead and cell not in self.running and cell not in self.finished:
                return cell
        return None


def promoted(trial: TrialState, rivals: Iterable[TrialState], *, greater_is_better: bool) -> bool:
    """Return whether a trial is in the better half of those that finished its highest rung.

    Asynchronous successive halving with a reduction factor of 2 (Li et al. 2020,
    arXiv 1810.05934), among the configurations of one learner.
    """
    rung = trial.highest
    if rung < 0:
        return True
    own = trial.score(rung)
    scores = [s for rival in rivals if (s := rival.score(rung)) is not None]
    if own is None:
        return False
    ahead = sum(s > own if greater_is_better else s < own for s in scores)
    return ahead < (len(scores) + 1) // 2
