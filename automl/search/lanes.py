"""The learners of a search side by side: what each has tried, and how far it is behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from automl.search.ladder import TOP, Climb, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from automl.search.sampler import Sampler
    from automl.types import Family, Learner

FAMILY_SHARE = 0.25
"""Least part of the seconds that each of deep and classical gets."""
ATTEMPTS = 2
"""Defaults that may fail before their learner is given up."""
FAMILIES: tuple[Family, ...] = ("deep", "classical")


@dataclass(slots=True)
class Lane:
    """One learner's configurations."""

    learner: Learner
    cost: float
    """Declared cost relative to a linear model."""
    sampler: Sampler
    climbs: list[Climb] = field(default_factory=list)
    spent: float = 0.0
    """Seconds, or declared cost where the plan has no seconds."""
    overran: bool = False
    """Whether a fit took far longer than it was allowed."""
    hopeless: str = ""
    """Why it cannot climb on in the time there is."""

    @property
    def dead(self) -> bool:
        """Whether all that it tried failed before a model of all rows, and that is enough."""
        if self.at_top or not self.climbs or not all(c.failure for c in self.climbs):
            return False
        return len(self.climbs) >= ATTEMPTS or self.sampler.exhausted

    @property
    def leader(self) -> Climb | None:
        """The climb that carries the learner up in the breadth phase."""
        alive = [c for c in self.climbs if not c.failure]
        return max(alive, key=lambda c: (c.highest, -c.trial.number), default=None)

    @property
    def highest(self) -> int:
        """The highest rung with a score; -1 for none."""
        return max((climb.highest for climb in self.climbs), default=-1)

    @property
    def at_top(self) -> bool:
        return any(c.at_top for c in self.climbs)

    @property
    def latest(self) -> Climb | None:
        """The first climb's settings as last tried, or being tried, on all rows."""
        tried = [
            c
            for c in self.climbs
            if c.trial.config == self.climbs[0].trial.config
            and (Step(TOP, 0) in c.finished or Step(TOP, 0) in c.running)
        ]
        return tried[-1] if tried else None

    @property
    def wants_time(self) -> bool:
        """Whether its latest model of all rows was cut short, or is being made again."""
        latest, step = self.latest, Step(TOP, 0)
        return latest is not None and (step in latest.hurried or step in latest.running)

    def pace(self) -> float | None:
        """Seconds a row of the latest finished step of the highest rung."""
        done = [r for c in self.climbs for r in c.finished.values() if r.status == "ok"]
        if not done:
            return None
        last = max(done, key=lambda r: (min(r.rung, TOP), r.fit_seconds))
        return (last.fit_seconds + last.predict_seconds) / max(last.n, 1)

    def overhead(self) -> float:
        """Seconds beside fit and predict that a model of all rows has taken at most."""
        made = [r for c in self.climbs for s, r in c.finished.items() if s.rung >= TOP]
        return max((r.overhead_seconds for r in made), default=0.0)


class Lanes:
    """All lanes of a search, the cheapest first."""

    def __init__(self, lanes: Iterable[Lane], *, greater_is_better: bool) -> None:
        self._lanes = {lane.learner.name: lane for lane in lanes}
        self._greater_is_better = greater_is_better

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def __getitem__(self, name: str) -> Lane:
        return self._lanes[name]

    def __contains__(self, name: str) -> bool:
        return name in self._lanes

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._lanes)

    @property
    def climbs(self) -> list[tuple[Lane, Climb]]:
        return [(lane, climb) for lane in self for climb in lane.climbs]

    def best(self, lane: Lane, rung: int = TOP) -> float | None:
        """The lane's best score on a rung."""
        scores = [s for c in lane.climbs if (s := c.score(rung)) is not None]
        if not scores:
            return None
        return max(scores) if self._greater_is_better else min(scores)

    def gap(self, lane: Lane, rung: int = TOP, unknown: float = 1.0) -> float:
        """How far the lane is behind the best on a rung.

        In units of the distance between the best and the median lane; `unknown` without a
        score.
        """
        own = self.best(lane, rung)
        if own is None:
            return unknown
        ranked = sorted(
            (s for other in self if (s := self.best(other, rung)) is not None),
            reverse=self._greater_is_better,
        )
        spread = abs(ranked[0] - ranked[len(ranked) // 2]) or 1e-12
        return abs(ranked[0] - own) / spread

    def first(self, lane: Lane) -> bool:
        """Whether no learner of its family has, or is making, a model of all rows."""
        return not any(
            other.at_top or any(step.rung == TOP for c in other.climbs for step in c.running)
            for other in self
            if other.learner.family == lane.learner.family
        )

    def starved(self) -> Family | None:
        """The family that has spent less than its share of the seconds so far."""
        total = sum(lane.spent for lane in self)
        for family in FAMILIES:
            own = [lane for lane in self if lane.learner.family == family]
            alive = any(not lane.dead and not lane.hopeless for lane in own)
            if alive and sum(lane.spent for lane in own) < FAMILY_SHARE * total:
                return family
        return None
