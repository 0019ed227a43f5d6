"""Who is trained next in a study: a pure state machine, without Ray and without a clock.

All levels of the first repeat come first, then those of the second, and so on; tuning follows
when the defaults have had all repeats. Seconds, those spent included, are shared out equally: who
needs less than an equal share leaves the rest to the others, and who needs more does without
`transferred` tuning, then without up to an octave of rows, then makes do with three repeats.
"""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING

from automl.scaling.picks import ENOUGH
from automl.search.ladder import Step
from automl.search.plan import Job
from automl.types import Trial
from automl.workflow.study.lane import Fit, Lane

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from automl.types import Rung

SPARE = 0.9
"""Part of the seconds left that is promised to learners."""
ROOM = 1.3
"""Times its expected seconds that must be left for a fit to start."""
GRACE = 20.0
"""Seconds beyond four times what was expected after which a fit counts as hung."""
LATEST = 1.06
"""Times the seconds left after which a worker ends whatever it does; a fit ends before, at
`kill_after`, and is not hastened by it."""
OCTAVE = 2
"""Levels of an octave of rows."""
REPLAN_EVERY = 1.0


class StudyDealer:
    """Deals the next fit; takes every finished one."""

    def __init__(
        self,
        lanes: Sequence[Lane],
        repeats: int,
        *,
        seconds: float | None,
        slots: int,
        graded: bool = True,
    ) -> None:
        """Set up the lanes.

        Args:
            lanes: The learners.
            repeats: Repeats of the study.
            seconds: Seconds of the training; None without a limit.
            slots: Fits at once.
            graded: Whether lower levels are cheaper; where not, repeats are saved instead.
        """
        self.lanes = {lane.learner.name: lane for lane in sorted(lanes, key=_by_cost)}
        self.repeats = repeats
        self.seconds = seconds
        self._slots = slots
        self._graded = graded
        self._planned = -math.inf
        self._before = 0.0
        """Seconds of the fits of earlier sessions."""
        self.plan(0.0)

    # ------------------------------------------------------------------ in and out

    def deal(self, now: float) -> Job | None:
        """The next job, or None when nothing can start now.

        Args:
            now: Seconds since the training began.
        """
        if now - self._planned >= REPLAN_EVERY:
            self.plan(now)
        found = [
            ((fit.stage > 0, fit.repeat, fit.stage, fit.level, order), lane, fit)
            for order, lane in enumerate(self.lanes.values())
            if (fit := self._next(lane, now)) is not None
        ]
        if not found:
            return None
        _, lane, fit = min(found, key=lambda entry: entry[0])
        lane.running.add(fit.place)
        name, seed = lane.learner.name, lane.seed + fit.repeat
        trial = Trial(name, fit.number, lane.configs[fit.number], seed)
        return Job(
            trial,
            Step(fit.level, fit.repeat),
            allowance=lane.allowed(fit.level),
            kill_after=self._patience(lane, fit, now),
            left=self._latest(lane, now),
        )

    def take(self, rung: Rung) -> None:
        """Record a finished fit, whatever its status."""
        lane = self.lanes[rung.learner]
        place = (int(rung.trial.rpartition("-")[2]), rung.rung, rung.fold)
        lane.take(place, rung)
        self._planned = -math.inf

    def drop(self, job: Job) -> None:
        """Forget a fit that the end of the study cut short; it may be dealt again."""
        lane = self.lanes[job.trial.learner]
        lane.running.discard((job.trial.number, job.step.rung, job.step.fold))

    def replay(self, rungs: Iterable[Rung]) -> None:
        """Take the fits of an earlier session."""
        for rung in rungs:
            self._before += rung.fit_seconds + rung.predict_seconds + rung.overhead_seconds
            if rung.learner in self.lanes:
                lane = self.lanes[rung.learner]
                lane.know(int(rung.trial.rpartition("-")[2]), rung.config)
                self.take(rung)

    @property
    def running(self) -> list[tuple[str, Step]]:
        """(trial, step) of the fits under way."""
        return [
            (f"{name}-{number}", Step(level, repeat))
            for name, lane in self.lanes.items()
            for number, level, repeat in sorted(lane.running)
        ]

    @property
    def idle(self) -> bool:
        return not any(lane.running for lane in self.lanes.values())

    # -------------------------------------------------------------------- planning

    def plan(self, now: float) -> None:
        """Share out the seconds left; what rounding leaves goes to further repeats."""
        self._planned = now
        alive = [lane for lane in self.lanes.values() if not lane.dead]
        if self.seconds is None:
            for lane in alive:
                lane.cap, lane.repeats = self._highest(lane), self.repeats
            return
        for lane in alive:
            lane.plain = False
        left = self._slots * SPARE * (self.seconds - now) - self._under_way(alive)
        left += sum(lane.spent for lane in alive)
        alive.sort(key=self._whole)
        for place, lane in enumerate(alive):
            share = max(left, 0.0) / (len(alive) - place)
            left -= lane.spent + self._grant(lane, max(share - lane.spent, 0.0))
        for repeat in range(min(ENOUGH, self.repeats), self.repeats):
            for lane in alive:
                more = lane.need(repeat, lane.cap)
                if lane.repeats == repeat and lane.cap >= 0 and more <= left:
                    lane.repeats, left = repeat + 1, left - more

    def expected_seconds(self) -> float:
        """Seconds that what is planned should still take, all slots busy."""
        alive = [lane for lane in self.lanes.values() if not lane.dead]
        total = sum(self._need(lane, lane.cap, lane.repeats) for lane in alive)
        return total / self._slots

    def _grant(self, lane: Lane, share: float) -> float:
        """Set how far a learner goes within its share; gives the seconds promised."""
        for cap, repeats, plain in self._options(lane):
            lane.plain = plain
            needed = self._need(lane, cap, repeats)
            if needed <= share or self._curtailed(lane, cap, repeats) <= share:
                lane.cap, lane.repeats = cap, repeats
                return min(needed, share)
        lane.cap = lane.repeats = -1
        return 0.0

    def _options(self, lane: Lane) -> Iterator[tuple[int, int, bool]]:
        """(highest level, repeats, default only) to choose from, the best first.

        What three repeats leave open five often decide: Student's t has four degrees of freedom
        instead of two. So tuning is given up before repeats are, and an octave of rows too.
        """
        top = self._highest(lane)
        caps = range(top, -1, -1) if self._graded else (top,)
        plain = {"default", "transferred"} <= set(lane.regimes)
        base = min(ENOUGH, self.repeats)
        yield top, self.repeats, False
        yield from ((cap, self.repeats, plain) for cap in caps if cap >= top - OCTAVE)
        yield from ((cap, base, plain) for cap in caps)
        lowest = 0 if self._graded else top
        yield from ((lowest, fewer, plain) for fewer in range(base - 1, 0, -1))

    def _highest(self, lane: Lane) -> int:
        """The highest level that is open to a learner at all."""
        return min(lane.top, lane.ended.get(0, lane.top + 1) - 1)

    def _whole(self, lane: Lane) -> float:
        """Seconds of all that a learner could want, what it has had included."""
        return lane.spent + self._need(lane, self._highest(lane), self.repeats)

    @staticmethod
    def _need(lane: Lane, cap: int, repeats: int) -> float:
        return sum(lane.need(repeat, cap) for repeat in range(repeats))

    @staticmethod
    def _curtailed(lane: Lane, cap: int, repeats: int) -> float:
        """The least it takes where tuning may try fewer configurations: `_spent` sees to it."""
        if "retuned" not in lane.regimes:
            return math.inf
        return sum(lane.least(repeat, cap) for repeat in range(repeats))

    @staticmethod
    def _under_way(lanes: Iterable[Lane]) -> float:
        return sum(lane.expected(level) for lane in lanes for _, level, _ in lane.running)

    # -------------------------------------------------------------------- choosing

    def _next(self, lane: Lane, now: float) -> Fit | None:
        """The learner's next fit, if there is one that should end in time."""
        if lane.dead:
            return None
        for tuned, repeat in product((False, True), range(lane.repeats)):
            for fit in lane.open(repeat, tuned=tuned):
                if fit.stage == 3 and self._spent(lane, fit):
                    lane.tunings[repeat, fit.level].closed = True
                    continue
                if self.seconds is None or self._fits(lane, fit, now):
                    return fit
        return None

    def _fits(self, lane: Lane, fit: Fit, now: float) -> bool:
        return ROOM * lane.expected(fit.level) < (self.seconds or 0.0) - now

    def _patience(self, lane: Lane, fit: Fit, now: float) -> float:
        """Seconds after which a fit is ended."""
        if self.seconds is None:
            return math.inf
        left = self.seconds - now
        if not lane.measured() and math.isinf(lane.rate):
            return min(left, max(60.0, self._slots * self.seconds / len(self.lanes)))
        expected, allowed = lane.expected(fit.level), lane.allowed(fit.level)
        return min(left, 4 * (max(expected, allowed) if allowed < math.inf else expected) + GRACE)

    def _latest(self, lane: Lane, now: float) -> float:
        """Seconds after which a worker ends whatever it does; none is told where no fit is cut."""
        if self.seconds is None or math.isinf(lane.rate):
            return math.inf
        return LATEST * (self.seconds - now) + 1.0

    def _spent(self, lane: Lane, fit: Fit) -> bool:
        """Whether a learner has used up the seconds of one cell: they are the same for all."""
        numbers = lane.tunings[fit.repeat, fit.level].numbers[:-1]
        if self.seconds is None or not numbers:
            return False
        every = sum(lane.sizes) * self.repeats * len(self.lanes)
        seconds = self._slots * SPARE * self.seconds + self._before
        share = seconds * lane.sizes[fit.level] / every
        rungs = [lane.finished[number, fit.level, fit.repeat] for number in numbers]
        spent = sum(rung.fit_seconds + rung.predict_seconds for rung in rungs)
        return spent + lane.expected(fit.level) > share


def _by_cost(lane: Lane) -> tuple[float, str]:
    return lane.cost, lane.learner.name
