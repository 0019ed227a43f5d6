"""How long a step should take, whether there is time for it, and how much it is given."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from automl.search.ladder import TOP, Ladder, Step
from automl.search.lanes import FAMILY_SHARE, Lane, Lanes
from automl.search.plan import Job, Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.types import Rung, Trial

BREADTH_SHARE = 0.55
"""Part of the search seconds by which every learner should have climbed once."""
PRESSED = 0.6
"""Part of the time left above which first models of all rows leave the middle rungs out."""
FEWEST_SECONDS = 0.33
"""Part of an equal share of the seconds that a first model of all rows should have."""
STRAIGHT_UP = 0.5
"""Part of the search seconds after which they leave out all rungs below the top."""
LATE_SHARE = 0.6
"""Part of the seconds left that breadth may take when it is late."""
ROOM = 1.35
"""Times its expected seconds that must be left for a fit that would only improve things."""
FIRST_ROOM, LEAP_ROOM = 1.1, 0.75
"""The same for a first model, one rung up and several: over several rungs a forecast in
proportion to the rows is usually too high."""
DOUBTED = 0.75, 2.0
"""Parts of the seconds left between which such a forecast is made again from the second rung."""
CROSSING_SHARE = 0.85
"""Part of the time left that the other folds of all learners may take on a small table."""
KEENNESS = 2.0
"""How fast a learner's claim on the top rung falls with its gap to the best one below."""
UNKNOWN_GAP = 0.5
"""The gap of a learner of which little is known."""
GRACE = 15.0
"""Seconds beyond four times its allowance after which a fit counts as hung."""


class Pacing:
    """The time of a search; without seconds, declared costs stand in for the clock."""

    def __init__(self, lanes: Lanes, ladder: Ladder, plan: Plan) -> None:
        self._lanes = lanes
        self._ladder = ladder
        self._plan = plan

    def expected(self, lane: Lane, step: Step | None = None) -> float:
        """Seconds the step should take (the top rung by default); declared cost without pace."""
        rows = self._ladder.rows(step or Step(TOP, 0))
        if self._plan.seconds is None or (pace := lane.pace()) is None:
            return lane.cost * rows / self._ladder.sizes[TOP]
        return pace * rows

    def way_up(self, now: float) -> Callable[[Lane], tuple[Step, ...]]:
        """Learner -> its steps of breadth; short of time without those below the top.

        A learner that cannot be cut short tries a low rung first, to tell what the top takes, and
        the second too where that looks like too much: part of a fit may not grow with the rows.
        One whose first rung was cut short leaves the second out.
        """
        whole = self._ladder.single + (self._ladder.others if self._ladder.tiny else ())
        first, *others = whole
        top = tuple(step for step in whole if step.rung == TOP)
        late = self._plan.seconds is not None and now > STRAIGHT_UP * self._plan.seconds
        pressed = self._pressed(now)

        def steps(lane: Lane) -> tuple[Step, ...]:
            if late and (lane.learner.fidelity is not None or lane.pace() is not None):
                return top
            if pressed and first not in top:
                return (first, others[0], *top) if self._doubted(lane, now) else (first, *top)
            cut = any(first in climb.hurried for climb in lane.climbs)
            if cut and others and len(self._ladder.sizes) > 3:
                return (first, *others[1:])
            return whole

        return steps

    def _doubted(self, lane: Lane, now: float) -> bool:
        """Whether a model of all rows looks about too long, as far as the first rung can tell."""
        if self._plan.seconds is None or lane.learner.fidelity is not None or lane.highest != 0:
            return False
        low, high = (part * (self._plan.seconds - now) for part in DOUBTED)
        return low < self.expected(lane) < high

    def _pressed(self, now: float) -> bool:
        """Whether the first models of all rows would take most of the time that is left.

        A learner that can be cut short counts with a part of an equal share at most.
        """
        if self._plan.seconds is None:
            return False
        paces = [(pace, math.sqrt(1 + one.cost)) for one in self._lanes if (pace := one.pace())]
        if not paces:
            return False
        usual = statistics.median(pace / weight for pace, weight in paces)
        least = FEWEST_SECONDS * self._plan.slots * self._plan.seconds / len(self._lanes)
        ahead = 0.0
        for one in self._lanes:
            if not (one.at_top or one.dead or one.hopeless):
                pace = one.pace() or usual * math.sqrt(1 + one.cost)
                bound = math.inf if _whole(one) else least
                ahead += min(bound, pace * self._ladder.sizes[TOP])
        return ahead > PRESSED * self._plan.slots * (self._plan.seconds - now)

    def crosses(self, now: float) -> bool | None:
        """Whether every learner's first model of all rows can have its other folds too.

        None while too little is known of a learner to tell. On a tiny table they must.
        """
        if self._plan.seconds is None or self._ladder.tiny:
            return True
        alive = [lane for lane in self._lanes if not (lane.dead or lane.hopeless)]
        if any(lane.pace() is None for lane in alive):
            return None
        overhead = statistics.median(lane.overhead() for lane in self._lanes)
        fold = sum(ROOM * self.expected(lane) + overhead for lane in alive)
        left = self._plan.slots * (self._plan.seconds - now)
        return len(self._ladder.others) * fold < CROSSING_SHARE * left

    def price(self, lane: Lane, step: Step, rung: Rung) -> float:
        """What a finished rung has cost its lane."""
        if self._plan.seconds is None:
            return lane.cost * self._ladder.share(step)
        return rung.fit_seconds + rung.predict_seconds

    def affordable(self, lane: Lane, step: Step, now: float) -> bool:
        """Whether the step can be over before the search is."""
        if self._plan.seconds is None:
            return True
        left = self._plan.seconds - now
        first = not lane.at_top
        expected = 0.0 if lane.pace() is None else self.expected(lane, step)
        if first and not _whole(lane):
            return left > 1.0
        room = self._room(lane, step) if first else ROOM
        fits = left > max(0.7, room * expected + lane.overhead())
        if first and not fits and lane.pace() is not None:
            lane.hopeless = (
                f"{self._ladder.rows(step):,} rows would take about {expected:.0f} s, "
                f"{max(left, 0.0):.0f} s were left"
            )
        return fits

    def _room(self, lane: Lane, step: Step) -> float:
        """Times its expected seconds that a first model must have left."""
        return LEAP_ROOM if step.rung - lane.highest > 1 else FIRST_ROOM

    def job(self, lane: Lane, trial: Trial, step: Step, now: float, *, breadth: bool) -> Job:
        """The job with its time; in breadth a part of what that phase has left."""
        if self._plan.seconds is None:
            return Job(trial, step)
        left = self._plan.seconds - now
        expected = self.expected(lane, step) if lane.pace() is not None else 0.0
        crosses = step in self._ladder.others
        if breadth or (crosses and self._ladder.tiny):
            allowance = max(0.5, self._breadth_share(lane, step, now))
        elif crosses:
            allowance = max(0.5, ROOM * expected)
        else:
            allowance = max(1.0, 2 * ROOM * expected)
        allowance = max(0.2, min(allowance, 0.92 * left - 0.3 - lane.overhead()))
        return Job(trial, step, allowance, 4 * max(allowance, expected) + GRACE, left)

    def _breadth_share(self, lane: Lane, step: Step, now: float) -> float:
        """The step's part of the time that breadth has left.

        By rows still to climb; greedily, at the top the learners that led below get more. A
        family that is short of its share of all seconds divides up what it is short of; what its
        poorer learners leave of that, its better ones get afterwards.
        """
        seconds = self._plan.seconds or 0.0
        for_breadth = max(BREADTH_SHARE * seconds - now, LATE_SHARE * (seconds - now), 0.0)
        own = self._weight(lane, step)
        way_up = self.way_up(now)
        ahead = {other.learner.name: self._ahead(other, way_up(other)) for other in self._lanes}
        given = self._plan.slots * for_breadth * own / max(sum(ahead.values()), own)
        alone = step.rung == TOP and sum(ahead.values()) <= own
        if alone and (given < self.expected(lane, step) or _cut_short(lane)):
            others = [self.expected(other) for other in self._lanes if other.at_top]
            if ROOM * min([given, *others]) > seconds - now - given:
                return seconds - now  # what this one left would not do for another model
        if step.rung == TOP and lane.learner.family == self._lanes.starved():
            family = [other for other in self._lanes if other.learner.family == lane.learner.family]
            short = FAMILY_SHARE * self._plan.slots * seconds - sum(one.spent for one in family)
            waiting = sum(ahead[one.learner.name] for one in family)
            part = self._promise(lane) / max(map(self._promise, family))
            given = max(given, part * short * own / max(waiting, own))
        return given

    def _ahead(self, lane: Lane, steps: tuple[Step, ...]) -> float:
        """The claims of those of its steps that a learner still has before it."""
        taken = {s for c in lane.climbs[:1] for s in c.finished}
        arrived = lane.at_top and all(s in taken for s in steps if s.rung == TOP)
        if arrived or lane.dead or lane.hopeless:
            return 0.0
        highest = max((s.rung for s in taken), default=-1)
        return sum(self._weight(lane, s) for s in steps if s.rung >= highest and s not in taken)

    def _weight(self, lane: Lane, step: Step) -> float:
        """The step's claim on breadth: its rows, its declared cost, at the top its promise."""
        weight = self._ladder.share(step) * math.sqrt(1 + lane.cost)
        return weight if step.rung < TOP else weight * self._promise(lane)

    def _promise(self, lane: Lane) -> float:
        """What a learner's scores below promise for the top: 1 for the best, at least 0.1.

        A score that was cut short promises no less than half a gap.
        """
        if self._plan.allocate == "equal":
            return 1.0
        gap = self._lanes.gap(lane, lane.highest, unknown=UNKNOWN_GAP)
        if _cut_short(lane):
            gap = min(gap, UNKNOWN_GAP)
        return max(0.1, math.exp(-KEENNESS * gap))


def _cut_short(lane: Lane) -> bool:
    """Whether it used up its time on the highest rung it has been on."""
    return any(Step(lane.highest, 0) in climb.hurried for climb in lane.climbs)


def _whole(lane: Lane) -> bool:
    """Whether its fits take what they take, whatever time they are given."""
    return lane.learner.fidelity is None or lane.overran
