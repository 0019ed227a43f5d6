"""The time of a fit's search: forecasts, what is affordable, and the limits of each job."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from automl.rows.ladder import Ladder
from automl.schedule.base import Job, Plan
from automl.schedule.learner_state import FAMILY_SHARE, LearnerState, LearnerStates
from automl.types import TOP, Cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.types import Rung, Trial

FIRST_ROUND_SHARE = 0.55
"""Part of the search seconds by which every learner should have climbed once."""
PRESSED = 0.6
"""Part of the time left above which first models of all rows leave the middle rungs out."""
FEWEST_SECONDS = 0.33
"""Part of an equal share of the seconds that a first model of all rows should have."""
STRAIGHT_UP = 0.5
"""Part of the search seconds after which first models leave out all rungs below the top."""
LATE_SHARE = 0.6
"""Part of the seconds left that the first round may take when it is late."""
ROOM = 1.35
"""Times its expected seconds that must be left for a fit that would only improve things."""
FIRST_ROOM, LEAP_ROOM = 1.1, 0.75
"""Times the expected seconds that must be left for a first model, one rung up and several: over
several rungs a forecast in proportion to the rows is usually too high."""
DOUBTED = 0.75, 2.0
"""Parts of the seconds left between which such a forecast is made again from the second rung."""
CROSS_VALIDATION_SHARE = 0.85
"""Part of the time left that the other folds of all learners may take on a small table."""
KEENNESS = 2.0
"""Rate at which a learner's claim falls with its gap to the best learner."""
UNKNOWN_GAP = 0.5
"""The gap of a learner of which little is known."""
GRACE = 15.0
"""Seconds beyond four times its soft_limit after which a fit counts as hung."""


class TimeModel:
    """The time of a search; without seconds, declared costs stand in for the clock."""

    def __init__(self, learners: LearnerStates, ladder: Ladder, plan: Plan) -> None:
        self._learners = learners
        self._ladder = ladder
        self._plan = plan

    def expected(self, state: LearnerState, cell: Cell | None = None) -> float:
        """Seconds the cell should take (the top rung by default); declared cost without pace."""
        rows = self._ladder.rows(cell or Cell(TOP, 0))
        if self._plan.seconds is None or (pace := state.pace()) is None:
            return state.cost * rows / self._ladder.sizes[TOP]
        return pace * rows

    def way_up(self, now: float) -> Callable[[LearnerState], tuple[Cell, ...]]:
        """Learner -> its cells of the first round; short of time without those below the top.

        A learner that cannot be cut short tries a low rung first, to tell the time of the top, and
        the second too where that looks like too much: part of a fit may not grow with the rows.
        A learner whose first rung was cut short leaves the second out.
        """
        whole = self._ladder.single + (self._ladder.others if self._ladder.tiny else ())
        first, *others = whole
        top = tuple(cell for cell in whole if cell.rung == TOP)
        late = self._plan.seconds is not None and now > STRAIGHT_UP * self._plan.seconds
        pressed = self._pressed(now)

        def cells(state: LearnerState) -> tuple[Cell, ...]:
            if late and (state.learner.fidelity is not None or state.pace() is not None):
                return top
            if pressed and first not in top:
                return (first, others[0], *top) if self._doubted(state, now) else (first, *top)
            cut = any(first in trial.time_limited for trial in state.trials)
            if cut and others and len(self._ladder.sizes) > 3:
                return (first, *others[1:])
            return whole

        return cells

    def _doubted(self, state: LearnerState, now: float) -> bool:
        """Return whether a model of all rows seems too long, as far as the first rung can tell."""
        if self._plan.seconds is None or state.learner.fidelity is not None or state.highest != 0:
            return False
        low, high = (part * (self._plan.seconds - now) for part in DOUBTED)
        return low < self.expected(state) < high

    def _pressed(self, now: float) -> bool:
        """Return whether the first models of all rows would take most of the time that is left.

        A learner that can be cut short counts with a part of an equal share at most.
        """
        if self._plan.seconds is None:
            return False
        paces = [(pace, math.sqrt(1 + one.cost)) for one in self._learners if (pace := one.pace())]
        if not paces:
            return False
        usual = statistics.median(pace / weight for pace, weight in paces)
        least = FEWEST_SECONDS * self._plan.slots * self._plan.seconds / len(self._learners)
        ahead = 0.0
        for one in self._learners:
            if not (one.at_top or one.dead or one.infeasible):
                pace = one.pace() or usual * math.sqrt(1 + one.cost)
                bound = math.inf if _whole(one) else least
                ahead += min(bound, pace * self._ladder.sizes[TOP])
        return ahead > PRESSED * self._plan.slots * (self._plan.seconds - now)

    def cross_validates(self, now: float) -> bool | None:
        """Return whether every learner's first model of all rows can have its other folds too.

        None while too little is known of a learner to tell. On a tiny table they must.
        """
        if self._plan.seconds is None or self._ladder.tiny:
            return True
        alive = [state for state in self._learners if not (state.dead or state.infeasible)]
        if any(state.pace() is None for state in alive):
            return None
        overhead = statistics.median(state.overhead() for state in self._learners)
        fold = sum(ROOM * self.expected(state) + overhead for state in alive)
        left = self._plan.slots * (self._plan.seconds - now)
        return len(self._ladder.others) * fold < CROSS_VALIDATION_SHARE * left

    def price(self, state: LearnerState, cell: Cell, rung: Rung) -> float:
        """Seconds, or declared cost, of a finished rung."""
        if self._plan.seconds is None:
            return state.cost * self._ladder.share(cell)
        return rung.fit_seconds + rung.predict_seconds

    def affordable(self, state: LearnerState, cell: Cell, now: float) -> bool:
        """Return whether the cell can be over before the search is."""
        if self._plan.seconds is None:
            return True
        left = self._plan.seconds - now
        first = not state.at_top
        expected = 0.0 if state.pace() is None else self.expected(state, cell)
        if first and not _whole(state):
            return left > 1.0
        room = self._room(state, cell) if first else ROOM
        fits = left > max(0.7, room * expected + state.overhead())
        if first and not fits and state.pace() is not None:
            state.infeasible = (
                f"{self._ladder.rows(cell):,} rows would take about {expected:.0f} s, "
                f"{max(left, 0.0):.0f} s were left"
            )
        return fits

    def _room(self, state: LearnerState, cell: Cell) -> float:
        """Times its expected seconds that a first model must have left."""
        return LEAP_ROOM if cell.rung - state.highest > 1 else FIRST_ROOM

    def job(
        self, state: LearnerState, trial: Trial, cell: Cell, now: float, *, first_round: bool
    ) -> Job:
        """The job with its limits; in the first round a part of the seconds left for that."""
        if self._plan.seconds is None:
            return Job(trial, cell)
        left = self._plan.seconds - now
        expected = self.expected(state, cell) if state.pace() is not None else 0.0
        cross_validates = cell in self._ladder.others
        if first_round or (cross_validates and self._ladder.tiny):
            soft_limit = max(0.5, self._first_round_share(state, cell, now))
        elif cross_validates:
            soft_limit = max(0.5, ROOM * expected)
        else:
            soft_limit = max(1.0, 2 * ROOM * expected)
        soft_limit = max(0.2, min(soft_limit, 0.92 * left - 0.3 - state.overhead()))
        return Job(trial, cell, soft_limit, 4 * max(soft_limit, expected) + GRACE, left)

    def _first_round_share(self, state: LearnerState, cell: Cell, now: float) -> float:
        """The cell's part of the time that is left for the first round.

        By rows still to trial; greedily, at the top the learners that led below get more. A
        family that is short of its share of all seconds divides up what it is short of; what its
        poorer learners leave of that, its better ones get afterwards.
        """
        seconds = self._plan.seconds or 0.0
        for_first_round = max(FIRST_ROUND_SHARE * seconds - now, LATE_SHARE * (seconds - now), 0.0)
        own = self._weight(state, cell)
        way_up = self.way_up(now)
        ahead = {other.learner.name: self._ahead(other, way_up(other)) for other in self._learners}
        given = self._plan.slots * for_first_round * own / max(sum(ahead.values()), own)
        alone = cell.rung == TOP and sum(ahead.values()) <= own
        if alone and (given < self.expected(state, cell) or _cut_short(state)):
            others = [self.expected(other) for other in self._learners if other.at_top]
            if ROOM * min([given, *others]) > seconds - now - given:
                return seconds - now  # what this one left would not do for another model
        if cell.rung == TOP and state.learner.family == self._learners.below_share():
            family = [
                other for other in self._learners if other.learner.family == state.learner.family
            ]
            short = FAMILY_SHARE * self._plan.slots * seconds - sum(one.spent for one in family)
            waiting = sum(ahead[one.learner.name] for one in family)
            part = self._promise(state) / max(map(self._promise, family))
            given = max(given, part * short * own / max(waiting, own))
        return given

    def _ahead(self, state: LearnerState, cells: tuple[Cell, ...]) -> float:
        """The claims of those of its cells that a learner still has before it."""
        taken = {s for t in state.trials[:1] for s in t.finished}
        arrived = state.at_top and all(s in taken for s in cells if s.rung == TOP)
        if arrived or state.dead or state.infeasible:
            return 0.0
        highest = max((s.rung for s in taken), default=-1)
        return sum(self._weight(state, s) for s in cells if s.rung >= highest and s not in taken)

    def _weight(self, state: LearnerState, cell: Cell) -> float:
        """The cell's claim on the first round: by rows, declared cost, at the top by promise."""
        weight = self._ladder.share(cell) * math.sqrt(1 + state.cost)
        return weight if cell.rung < TOP else weight * self._promise(state)

    def _promise(self, state: LearnerState) -> float:
        """Promise of a learner's scores below for the top: 1 for the best, at least 0.1.

        A score that was cut short promises no less than half a gap.
        """
        if self._plan.allocate == "equal":
            return 1.0
        gap = self._learners.gap(state, state.highest, unknown=UNKNOWN_GAP)
        if _cut_short(state):
            gap = min(gap, UNKNOWN_GAP)
        return max(0.1, math.exp(-KEENNESS * gap))


def _cut_short(state: LearnerState) -> bool:
    """Return whether it used up its time on the highest rung it has been on."""
    return any(Cell(state.highest, 0) in trial.time_limited for trial in state.trials)


def _whole(state: LearnerState) -> bool:
    """Return whether its fits take what they take, whatever time they are given."""
    return state.learner.fidelity is None or state.overran
