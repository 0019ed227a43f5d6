"""The learners of a search side by side: what each has tried, and how far it is behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from automl.schedule.trial_state import TrialState
from automl.types import TOP, Cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from automl.schedule.sampler import Sampler
    from automl.types import Family, Learner

FAMILY_SHARE = 0.25
"""Least part of the seconds that each of deep and classical gets."""
ATTEMPTS = 2
"""Defaults that may fail before their learner is given up."""
FAMILIES: tuple[Family, ...] = ("deep", "classical")


@dataclass(slots=True)
class LearnerState:
    """One learner's configurations."""

    learner: Learner
    cost: float
    """Declared cost relative to a linear model."""
    sampler: Sampler
    trials: list[TrialState] = field(default_factory=list)
    spent: float = 0.0
    """Seconds, or declared cost where the plan has no seconds."""
    overran: bool = False
    """True if a fit took far longer than it was allowed."""
    infeasible: str = ""
    """Why it cannot trial on in the time there is."""

    @property
    def dead(self) -> bool:
        """True if all that it tried failed before a model of all rows, and that is enough."""
        if self.at_top or not self.trials or not all(t.failure for t in self.trials):
            return False
        return len(self.trials) >= ATTEMPTS or self.sampler.exhausted

    @property
    def leader(self) -> TrialState | None:
        """The trial that carries the learner up in the first round."""
        alive = [t for t in self.trials if not t.failure]
        return max(alive, key=lambda t: (t.highest, -t.spec.number), default=None)

    @property
    def highest(self) -> int:
        """The highest rung with a score; -1 for none."""
        return max((trial.highest for trial in self.trials), default=-1)

    @property
    def at_top(self) -> bool:
        return any(t.at_top for t in self.trials)

    @property
    def latest(self) -> TrialState | None:
        """The first trial's settings as last tried, or being tried, on all rows."""
        tried = [
            t
            for t in self.trials
            if t.spec.config == self.trials[0].spec.config
            and (Cell(TOP, 0) in t.finished or Cell(TOP, 0) in t.running)
        ]
        return tried[-1] if tried else None

    @property
    def wants_time(self) -> bool:
        """True if its latest model of all rows was cut short, or is being made again."""
        latest, cell = self.latest, Cell(TOP, 0)
        return latest is not None and (cell in latest.time_limited or cell in latest.running)

    def pace(self) -> float | None:
        """Seconds a row of the latest finished cell of the highest rung."""
        done = [r for t in self.trials for r in t.finished.values() if r.status == "ok"]
        if not done:
            return None
        last = max(done, key=lambda r: (min(r.rung, TOP), r.fit_seconds))
        return (last.fit_seconds + last.predict_seconds) / max(last.n, 1)

    def overhead(self) -> float:
        """Seconds beside fit and predict that a model of all rows has taken at most."""
        made = [r for t in self.trials for s, r in t.finished.items() if s.rung >= TOP]
        return max((r.overhead_seconds for r in made), default=0.0)


class LearnerStates:
    """All learners of a search, the cheapest first."""

    def __init__(self, learners: Iterable[LearnerState], *, greater_is_better: bool) -> None:
        self._learners = {state.learner.name: state for state in learners}
        self._greater_is_better = greater_is_better

    def __iter__(self) -> Iterator[LearnerState]:
        return iter(self._learners.values())

    def __getitem__(self, name: str) -> LearnerState:
        return self._learners[name]

    def __contains__(self, name: str) -> bool:
        return name in self._learners

    def __len__(self) -> int:
        return len(self._learners)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._learners)

    @property
    def trials(self) -> list[tuple[LearnerState, TrialState]]:
        return [(state, trial) for state in self for trial in state.trials]

    def best(self, state: LearnerState, rung: int = TOP) -> float | None:
        """The best score of a learner on a rung."""
        scores = [s for t in state.trials if (s := t.score(rung)) is not None]
        if not scores:
            return None
        return max(scores) if self._greater_is_better else min(scores)

    def gap(self, state: LearnerState, rung: int = TOP, unknown: float = 1.0) -> float:
        """Distance of a learner from the best on a rung.

        In units of the distance between the best and the median learner; `unknown` without a
        score.
        """
        own = self.best(state, rung)
        if own is None:
            return unknown
        ranked = sorted(
            (s for other in self if (s := self.best(other, rung)) is not None),
            reverse=self._greater_is_better,
        )
        spread = abs(ranked[0] - ranked[len(ranked) // 2]) or 1e-12
        return abs(ranked[0] - own) / spread

    def first(self, state: LearnerState) -> bool:
        """Return whether no learner of its family has, or is making, a model of all rows."""
        return not any(
            other.at_top or any(cell.rung == TOP for t in other.trials for cell in t.running)
            for other in self
            if other.learner.family == state.learner.family
        )

    def below_share(self) -> Family | None:
        """The family that has spent less than its share of the seconds so far."""
        total = sum(state.spent for state in self)
        for family in FAMILIES:
            own = [state for state in self if state.learner.family == family]
            alive = any(not state.dead and not state.infeasible for state in own)
            if alive and sum(state.spent for state in own) < FAMILY_SHARE * total:
                return family
        return None
