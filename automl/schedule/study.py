"""The scheduler of a study: a pure state machine, without Ray and without a clock.

All levels of the first repeat come first, then those of the second, and so on, of the learners
that won the race; tuning follows when the defaults have had all repeats. Seconds, those spent
included, are shared out equally: who needs less than an equal share leaves the rest to the others,
and who needs more does without `transferred` tuning, then without up to an octave of rows, then
makes do with three repeats. What time remains goes to further subsets.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from automl.rows.repeats import ENOUGH
from automl.schedule.base import FRESH, Job
from automl.schedule.narrowing import narrow
from automl.schedule.race import Race
from automl.schedule.study_state import Stage, StudyFit, StudyLearner
from automl.types import Cell, Trial

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from automl.schedule.base import Worker
    from automl.schedule.narrowing import Window
    from automl.types import Rung, Status

SPARE = 0.9
"""Part of the seconds left that is promised to learners."""
ROOM = 1.3
"""Times its expected seconds that must be left for a fit to start."""
GRACE = 20.0
"""Seconds beyond four times what was expected after which a fit counts as hung."""
LATEST = 1.06
"""Times the seconds left after which a worker ends whatever it does; a fit ends before, at
`hard_limit`, and is not hastened by it."""
OCTAVE = 2
"""Levels of an octave of rows."""
REPLAN_EVERY = 1.0


class StudyScheduler:
    """The scheduler of a study: hands out the next job and takes every finished one."""

    overdue: Status = "not_reached"

    def __init__(
        self,
        learners: Sequence[StudyLearner],
        repeats: int,
        *,
        seconds: float | None,
        slots: int,
        axis: str = "rows",
        graded: bool = True,
        racing: int | None = None,
        window: Window | None = None,
    ) -> None:
        """Set up the learners.

        Args:
            learners: The learners.
            repeats: Repeats of the study.
            seconds: Seconds of the training; None without a limit.
            slots: Fits at once.
            axis: Name of what grows.
            graded: Whether lower levels are cheaper; where not, repeats are saved instead.
            racing: Learners of each family that go on after the first repeat; None for all.
            window: Tells the levels that enter the rate, to narrow it in spare time; or None.
        """
        self.learners = {state.learner.name: state for state in sorted(learners, key=_by_cost)}
        self.repeats = repeats
        self.seconds = seconds
        self._slots = slots
        self._axis = axis
        self._graded = graded
        self._window = window
        self._narrowing = 0.0
        """Seconds of further subsets that are planned."""
        self._race = Race(racing)
        self._ahead: frozenset[str] = frozenset()
        """Learners that may begin their second repeat now."""
        self._planned = -math.inf
        self._before = 0.0
        """Seconds of the fits of earlier sessions."""
        self.plan(0.0)

    # ------------------------------------------------------------------ in and out

    def next_job(self, now: float, worker: Worker = FRESH) -> Job | None:
        """The next job, or None when nothing can start now.

        Args:
            now: Seconds since the training began.
            worker: Of no account here: a study compares fits, whoever makes them.
        """
        del worker
        if now - self._planned >= REPLAN_EVERY:
            self.plan(now)
        found = [
            ((_turn(fit.stage), fit.repeat, fit.stage, fit.level, order), state, fit)
            for order, state in enumerate(self.learners.values())
            if (fit := self._next(state, now)) is not None
        ]
        if not found:
            return None
        _, state, fit = min(found, key=lambda entry: entry[0])
        state.running.add(fit.place)
        name, seed = state.learner.name, state.seed + fit.repeat + self.repeats * fit.subset
        trial = Trial(name, fit.number, state.configs[fit.number], seed)
        return Job(
            trial,
            self._cell(fit.level, fit.repeat, fit.subset),
            soft_limit=state.allowed(fit.level),
            hard_limit=self._patience(state, fit, now),
            time_left=self._latest(state, now),
        )

    def take(self, rung: Rung) -> None:
        """Record a finished fit, whatever its status."""
        state = self.learners[rung.learner]
        place = (int(rung.trial.rpartition("-")[2]), rung.level, rung.repeat, rung.fold)
        state.take(place, rung)
        self._planned = -math.inf

    def lose(self, rung: Rung) -> None:
        """Record a fit that the machine did not make, as not reached."""
        self.take(replace(rung, status="not_reached"))

    def imported(self, libraries: Iterable[str], seconds: float) -> None:
        """Hear of an import, of no account here."""

    def declined(self, job: Job, needed_seconds: float) -> bool:
        """Hear that a learner declined a fit: it is over, since fits of a level get equal time."""
        del job, needed_seconds
        return True

    def drop(self, job: Job) -> None:
        """Forget a fit that the end of the study cut short; it may be handed out again."""
        state = self.learners[job.trial.learner]
        cell = job.cell
        state.running.discard((job.trial.number, cell.level, cell.repeat, cell.fold))

    def replay(self, rungs: Iterable[Rung]) -> None:
        """Take the fits of an earlier session."""
        for rung in rungs:
            self._before += rung.fit_seconds + rung.predict_seconds + rung.overhead_seconds
            if rung.learner in self.learners:
                state = self.learners[rung.learner]
                state.know(int(rung.trial.rpartition("-")[2]), rung.config)
                self.take(rung)

    @property
    def running(self) -> list[tuple[str, Cell]]:
        """(trial, cell) of the fits under way."""
        return [
            (f"{name}-{number}", self._cell(level, repeat, subset))
            for name, state in self.learners.items()
            for number, level, repeat, subset in sorted(state.running)
        ]

    def _cell(self, level: int, repeat: int, subset: int) -> Cell:
        return Cell(fold=subset, level=level, repeat=repeat, axis=self._axis)

    # -------------------------------------------------------------------- planning

    def plan(self, now: float) -> None:
        """Share out the seconds left; what rounding leaves goes to further repeats."""
        self._planned = now
        alive = [state for state in self.learners.values() if not state.dead]
        self._run_race(alive)
        for state in alive:
            state.plain = False
        if self.seconds is None:
            for state in alive:
                state.cap, state.repeats = self._highest(state), self._most(state)
            return
        left = self._slots * SPARE * (self.seconds - now) - self._under_way(alive)
        left += sum(state.spent for state in alive)
        alive.sort(key=self._whole)
        for place, state in enumerate(alive):
            share = max(left, 0.0) / (len(alive) - place)
            left -= state.spent + self._grant(state, max(share - state.spent, 0.0))
        for repeat in range(min(ENOUGH, self.repeats), self.repeats):
            for state in alive:
                more = state.weight(repeat) * state.need(repeat, state.cap)
                open_ = state.repeats == repeat < self._most(state) and state.cap >= 0
                if open_ and more <= left:
                    state.repeats, left = repeat + 1, left - more
        self._narrow(alive, left)

    def _narrow(self, alive: Iterable[StudyLearner], left: float) -> None:
        """Plan further subsets for those that go on in all repeats, once the race is over."""
        if self._window is not None and self._race.over:
            going = [one for one in alive if one.chance and one.repeats == self.repeats]
            self._narrowing = narrow(going, left, self._window)

    @property
    def eliminated(self) -> tuple[str, ...]:
        """Learners that go no further than the first repeat, by name."""
        return tuple(sorted(name for name, state in self.learners.items() if not state.chance))

    def expected_seconds(self) -> float:
        """Seconds that what is planned should still take, all slots busy."""
        alive = [state for state in self.learners.values() if not state.dead]
        total = sum(state.whole(state.cap, state.repeats) for state in alive)
        return (total + self._narrowing) / self._slots

    def _grant(self, state: StudyLearner, share: float) -> float:
        """Set how far a learner goes within its share; gives the seconds promised."""
        for cap, repeats, plain in self._options(state):
            state.plain = plain
            needed = state.whole(cap, repeats)
            if needed <= share or self._curtailed(state, cap, repeats) <= share:
                state.cap, state.repeats = cap, repeats
                return min(needed, share)
        state.cap = state.repeats = -1
        return 0.0

    def _options(self, state: StudyLearner) -> Iterator[tuple[int, int, bool]]:
        """(highest level, repeats, default only) to choose from, the best first.

        What three repeats leave open five often decide: Student's t has four degrees of freedom
        instead of two. So tuning is given up before repeats are, and an octave of rows too.
        """
        top = self._highest(state)
        caps = range(top, -1, -1) if self._graded else (top,)
        most = self._most(state)
        plain = {"default", "transferred"} <= set(state.regimes)
        base = min(ENOUGH, most)
        yield top, most, False
        yield from ((cap, most, plain) for cap in caps if cap >= top - OCTAVE)
        yield from ((cap, base, plain) for cap in caps)
        lowest = 0 if self._graded else top
        yield from ((lowest, fewer, plain) for fewer in range(base - 1, 0, -1))

    def _highest(self, state: StudyLearner) -> int:
        """The highest level that is open to a learner at all."""
        return min(state.top, state.ended.get(0, state.top + 1) - 1)

    def _whole(self, state: StudyLearner) -> float:
        """Seconds of all that a learner could want, what it has had included."""
        return state.spent + state.whole(self._highest(state), self.repeats)

    def _most(self, state: StudyLearner) -> int:
        """Repeats that are open to a learner at all."""
        return self.repeats if state.chance else 1

    def _run_race(self, alive: Sequence[StudyLearner]) -> None:
        """Tell learners their chances to go on, and see who may while that is open."""
        for name, chance in self._race.chances(alive).items():
            self.learners[name].chance = chance
        sure = frozenset(state.learner.name for state in alive if state.chance == 1)
        guess = self._race.winners is None and self.seconds is not None
        self._ahead = self._race.ahead(alive) if guess else sure

    @staticmethod
    def _curtailed(state: StudyLearner, cap: int, repeats: int) -> float:
        """The least it takes where tuning may try fewer configurations: `_spent` sees to it."""
        if "retuned" not in state.regimes:
            return math.inf
        return sum(state.weight(repeat) * state.least(repeat, cap) for repeat in range(repeats))

    @staticmethod
    def _under_way(learners: Iterable[StudyLearner]) -> float:
        return sum(state.expected(level) for state in learners for _, level, *_ in state.running)

    # -------------------------------------------------------------------- choosing

    def _next(self, state: StudyLearner, now: float) -> StudyFit | None:
        """The learner's next fit, if there is one that should end in time."""
        if state.dead:
            return None
        goes_on = state.learner.name in self._ahead
        tuning = (False, True) if goes_on or "default" not in state.regimes else (False,)
        for tuned, repeat in product(tuning, range(state.repeats if goes_on else 1)):
            for fit in state.open(repeat, tuned=tuned):
                if fit.stage == Stage.RETUNING and self._spent(state, fit):
                    state.tunings[repeat, fit.level].closed = True
                    continue
                if self.seconds is None or self._fits(state, fit, now):
                    return fit
        spare = (fit for repeat in range(state.repeats) for fit in state.narrowing(repeat))
        return next((fit for fit in spare if self._fits(state, fit, now)), None)

    def _fits(self, state: StudyLearner, fit: StudyFit, now: float) -> bool:
        return ROOM * state.expected(fit.level) < (self.seconds or 0.0) - now

    def _patience(self, state: StudyLearner, fit: StudyFit, now: float) -> float:
        """Seconds after which a fit is ended."""
        if self.seconds is None:
            return math.inf
        left = self.seconds - now
        if not state.measured() and math.isinf(state.rate):
            return min(left, max(60.0, self._slots * self.seconds / len(self.learners)))
        expected, allowed = state.expected(fit.level), state.allowed(fit.level)
        return min(left, 4 * (max(expected, allowed) if allowed < math.inf else expected) + GRACE)

    def _latest(self, state: StudyLearner, now: float) -> float:
        """Seconds after which a worker ends whatever it does; none is told where no fit is cut."""
        if self.seconds is None or math.isinf(state.rate):
            return math.inf
        return LATEST * (self.seconds - now) + 1.0

    def _spent(self, state: StudyLearner, fit: StudyFit) -> bool:
        """Return whether a learner has used up the seconds of one cell, equal for all learners."""
        numbers = state.tunings[fit.repeat, fit.level].numbers[:-1]
        if self.seconds is None or not numbers:
            return False
        repeats = sum(1 + one.chance * (self.repeats - 1) for one in self.learners.values())
        every = sum(state.sizes) * repeats
        seconds = self._slots * SPARE * self.seconds + self._before
        share = seconds * state.sizes[fit.level] / every
        rungs = [state.finished[number, fit.level, fit.repeat] for number in numbers]
        spent = sum(rung.fit_seconds + rung.predict_seconds for rung in rungs)
        return spent + state.expected(fit.level) > share


def _turn(stage: Stage) -> int:
    """The turn of a stage: defaults first, then whatever is tuned, then further subsets."""
    return (stage > Stage.DEFAULT) + (stage == Stage.NARROWING)


def _by_cost(state: StudyLearner) -> tuple[float, str]:
    return state.cost, state.learner.name
