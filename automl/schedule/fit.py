"""The scheduler of a fit: a pure state machine over learners, without Ray and without a clock.

In the *first round* every learner's best default climbs the whole ladder, all learners a rung at a
time, so that all are compared; on a small table *cross-validation* repeats it on the other folds,
if there is time for all learners. Then the allocation decides which learner tries more
configurations (*tuning*); at the end the best configurations are repeated on every row and on the
other folds (*bagging*).
"""

from __future__ import annotations

import math
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from automl.metrics import loss_sign
from automl.rows.ladder import Ladder
from automl.schedule.base import TIME_LIMITED
from automl.schedule.learner_state import LearnerState, LearnerStates
from automl.schedule.sampler import Sampler
from automl.schedule.time_model import KEENNESS, ROOM, TimeModel
from automl.schedule.trial_state import TrialState, promoted
from automl.types import TOP, Cell, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from automl.schedule.base import Job, Plan
    from automl.types import Learner, Rung, Status

OVERRAN = 2.0
"""Times its soft_limit above which a fit counts as one that cannot be cut short."""


class _Choice(NamedTuple):
    state: LearnerState
    trial: TrialState
    cell: Cell
    first_round: bool = False


def _lowest(found: Sequence[tuple[tuple[int, ...], _Choice]]) -> _Choice | None:
    """The choice of the lowest rank; None without any."""
    return min(found, key=itemgetter(0))[1] if found else None


class FitScheduler:
    """The scheduler of a fit: hands out the next job and takes every finished rung."""

    overdue: Status = "failed"

    def __init__(
        self,
        learners: Sequence[tuple[Learner, float]],
        ladder: Ladder,
        plan: Plan,
        members: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        """Set up the learners.

        Args:
            learners: Learners that apply, each with its declared cost.
            ladder: The cells of the data set.
            plan: Budget and allocation.
            members: Trials worth bagging, best first, asked once when bagging begins; the best
                configuration of each learner unless given.
        """
        self.ladder = ladder
        self.plan = plan
        self._members = members
        self._bag: tuple[int, list[tuple[LearnerState, TrialState]]] = (0, [])
        """Trials at the top when the members were last asked for, and the answer."""
        better = plan.greater_is_better
        self.learners = LearnerStates(
            (
                LearnerState(
                    learner,
                    cost,
                    Sampler(learner, plan.seed, greater_is_better=better),
                )
                for learner, cost in sorted(learners, key=lambda pair: (pair[1], pair[0].name))
            ),
            greater_is_better=better,
        )
        self._time = TimeModel(self.learners, ladder, plan)
        rows = ladder.sizes[TOP]
        self._cross_validates: bool | None = None if ladder.others else False
        """True if all learners are scored on all folds; None as long as it is open."""
        self._enough = max(30, 2 * len(self.learners), rows // 20)
        """Configurations beyond which the score rows cannot tell them apart."""

    # ------------------------------------------------------------------ in and out

    def next_job(self, now: float) -> Job | None:
        """Hand out the next job, or None when nothing can start now.

        Args:
            now: Seconds since the search began; ignored where the plan has no seconds.
        """
        for choose in self._phases(now):
            if (chosen := choose(now)) is not None:
                state, trial, cell, first_round = chosen
                job = self._time.job(state, trial.spec, cell, now, first_round=first_round)
                trial.running[cell] = job.soft_limit
                return job
        return None

    def take(self, rung: Rung) -> None:
        """Record a finished rung, whatever its status."""
        state = self.learners[rung.learner]
        trial = next(t for t in state.trials if t.spec.id == rung.trial)
        cell = rung.cell
        allowed = trial.running.pop(cell, math.inf)
        if rung.status == "ok" and (rung.time_limited or rung.fit_seconds > TIME_LIMITED * allowed):
            trial.time_limited.add(cell)
        state.overran |= rung.fit_seconds > OVERRAN * allowed
        trial.finished[cell] = rung
        state.spent += self._time.price(state, cell, rung)
        if rung.status != "ok":
            trial.failure = trial.failure or rung.reason
        elif rung.score is not None and rung.rung <= TOP and rung.fold == 0:
            state.sampler.tell(trial.spec.number, rung.rung, rung.score, top=rung.rung == TOP)

    def replay(self, rungs: Iterable[Rung]) -> None:
        """Take the rungs of an earlier session; what it left running starts anew."""
        known: dict[str, dict[int, Rung]] = {}
        finished = [r for r in rungs if r.learner in self.learners]
        for rung in finished:
            number = int(rung.trial.rpartition("-")[2])
            known.setdefault(rung.learner, {})[number] = rung
        for name, trials in known.items():
            state = self.learners[name]
            for number in range(max(trials) + 1):
                config = trials[number].config if number in trials else state.sampler.next()
                if number in trials:
                    state.sampler.repeat(config)
                state.trials.append(TrialState(Trial(name, number, config, self.plan.seed)))
        for rung in finished:
            self.take(rung)

    def drop(self, job: Job) -> None:
        """Forget a job that the end of the search cut off; it may be handed out again."""
        state = self.learners[job.trial.learner]
        trial = next(t for t in state.trials if t.spec.id == job.trial.id)
        trial.running.pop(job.cell, None)

    @property
    def running(self) -> list[tuple[str, Cell]]:
        """(trial, cell) of the jobs under way."""
        return [
            (trial.spec.id, cell)
            for state in self.learners
            for trial in state.trials
            for cell in sorted(trial.running)
        ]

    def outcomes(self) -> dict[str, tuple[Status, str]]:
        """Learner -> its status, and why it is not ranked if it is not."""
        return {state.learner.name: self._outcome(state) for state in self.learners}

    def _outcome(self, state: LearnerState) -> tuple[Status, str]:
        if state.at_top:
            return "ok", ""
        failures = [t.failure for t in state.trials if t.failure]
        if failures and (state.dead or not any(t.highest >= 0 for t in state.trials)):
            return "failed", failures[0]
        if state.infeasible:
            return "not_reached", state.infeasible
        if state.highest >= 0:
            return "not_reached", (
                f"the budget ended after {self.ladder.sizes[state.highest]:,} of "
                f"{self.ladder.sizes[TOP]:,} rows"
            )
        return "not_reached", "the budget ended before it began"

    # --------------------------------------------------------------------- phases

    def _phases(self, now: float) -> list[Callable[[float], _Choice | None]]:
        bagging_first = self.plan.seconds is not None and now >= self._bagging_from()
        later = [self._bagging, self._tuning] if bagging_first else [self._tuning, self._bagging]
        return [self._first_round, self._cross_validation, *later]

    def _bagging_from(self) -> float:
        """Seconds from which bagging comes first: early enough to fit the best on every row."""
        seconds = self.plan.seconds or 0.0
        whole = sum(2 * ROOM * self._time.expected(state) for state, _ in self._best_trials())
        return min(self.plan.tuning_share * seconds, seconds - whole / self.plan.slots)

    def _first_round(self, now: float) -> _Choice | None:
        """The lowest open cell of the learners that have not been to the top.

        At the top each family's first model comes before anything else.
        """
        found = []
        way_up = self._time.way_up(now)
        for order, state in enumerate(self.learners):
            if state.at_top or state.dead or state.infeasible:
                continue
            trial = self._leader_or_new(state)
            if trial is None:
                continue
            cell = trial.next(way_up(state))
            if cell is not None and self._time.affordable(state, cell, now):
                place = (cell.rung, not self.learners.first(state), order)
                found.append((place, _Choice(state, trial, cell, first_round=True)))
        chosen = _lowest(found)
        return chosen and chosen._replace(trial=self._enter(chosen.state, chosen.trial))

    def _cross_validation(self, now: float) -> _Choice | None:
        """The next fold of every learner's first model of all rows, all of them a fold at a time.

        Learners are compared on all rows only if all of them have all folds: everyone or no one.
        """
        if self._cross_validates is None:
            self._cross_validates = self._time.cross_validates(now)
        if not self._cross_validates:
            return None
        found = []
        for order, state in enumerate(self.learners):
            trial = next((t for t in state.trials if t.at_top), None)
            cell = trial.next(self.ladder.others) if trial else None
            if trial and cell and self._time.affordable(state, cell, now):
                found.append(((cell.fold, order), _Choice(state, trial, cell)))
        return _lowest(found)

    def _tuning(self, now: float) -> _Choice | None:
        """A promotion or a new configuration of the learner whose turn it is.

        A learner whose model of all rows was cut short needs time, not other settings: it makes
        the same model again, with about three times the seconds.
        """
        arrived = [state for state in self.learners if state.at_top]
        for state in sorted(arrived, key=self._urgency):
            if state.wants_time:
                if (longer := self._longer(state, now)) is not None:
                    return longer
                continue
            for trial, cell in self._options(state):
                if self._time.affordable(state, cell, now):
                    return _Choice(state, self._enter(state, trial), cell)
        return None

    def _bagging(self, now: float) -> _Choice | None:
        """The next cell of the best configurations' bags, all of them a cell at a time."""
        if not self.ladder.bag or not self.plan.bagged:
            return None
        found = []
        for order, (state, trial) in enumerate(self._to_bag()):
            cell = trial.next(self.ladder.bag)
            if cell is not None and self._time.affordable(state, cell, now):
                found.append(((self.ladder.bag.index(cell), order), _Choice(state, trial, cell)))
        return _lowest(found)

    # ------------------------------------------------------------------- choosing

    def _leader_or_new(self, state: LearnerState) -> TrialState | None:
        if state.leader is not None:
            return state.leader
        return self._new(state) if self._may_start(state) else None

    def _new(self, state: LearnerState) -> TrialState:
        """A trial that is not in the list yet: it may still prove too expensive."""
        return TrialState(Trial(state.learner.name, len(state.trials), {}, self.plan.seed))

    def _enter(self, state: LearnerState, trial: TrialState) -> TrialState:
        if trial.spec.number < len(state.trials):
            return trial
        entered = TrialState(replace(trial.spec, config=state.sampler.next()))
        state.trials.append(entered)
        return entered

    def _longer(self, state: LearnerState, now: float) -> _Choice | None:
        """The latest model of all rows again, if there is more time for it."""
        latest, cell = state.latest, Cell(TOP, 0)
        if latest is None or cell in latest.running or not self._may_start(state, repeat=True):
            return None
        if not self._time.affordable(state, cell, now):
            return None
        state.sampler.repeat(latest.spec.config)
        state.trials.append(TrialState(replace(latest.spec, number=len(state.trials))))
        return _Choice(state, state.trials[-1], cell)

    def _may_start(self, state: LearnerState, *, repeat: bool = False) -> bool:
        started = sum(len(other.trials) for other in self.learners)
        limit = self._enough if self.plan.trials is None else self.plan.trials
        return started < limit and (repeat or not state.sampler.exhausted)

    def _options(self, state: LearnerState) -> list[tuple[TrialState, Cell]]:
        """Promotions, the highest first, then a new configuration."""
        options = []
        way = self.ladder.single + (self.ladder.others if self._cross_validates else ())
        for trial in state.trials:
            cell = trial.next(way)
            if cell is not None and promoted(
                trial, state.trials, greater_is_better=self.plan.greater_is_better
            ):
                options.append((trial, cell))
        options.sort(key=lambda pair: (-pair[1].rung, pair[1].fold, pair[0].spec.number))
        if self._may_start(state):
            new = self._new(state)
            options.append((new, self.ladder.single[0]))
        return options

    def _urgency(self, state: LearnerState) -> tuple[float, str]:
        """Rank of a learner, lowest first: by seconds spent (equal) or expected gain (greedy)."""
        if self.plan.allocate == "equal":
            return state.spent, state.learner.name
        seconds = self._time.expected(state) + 0.05
        tried = 1 + len(state.trials)
        gain = math.exp(-KEENNESS * self.learners.gap(state)) / math.sqrt(tried * seconds)
        first = state.learner.family == self.learners.below_share()
        return -gain - (1e6 if first else 0.0), state.learner.name

    def _to_bag(self) -> list[tuple[LearnerState, TrialState]]:
        """The trials that bagging repeats."""
        trials = {trial.spec.id: (state, trial) for state, trial in self.learners.trials}
        at_top = sum(trial.at_top for _, trial in trials.values())
        if self._members is None or not at_top:
            return self._best_trials()
        if self._bag[0] != at_top:
            # a run that goes on may do so without a learner that it had
            self._bag = at_top, [trials[trial] for trial in self._members() if trial in trials]
        return self._bag[1][: self.plan.bagged]

    def _best_trials(self) -> list[tuple[LearnerState, TrialState]]:
        """The best configuration of each learner, best first, both families among them."""
        sign = loss_sign(greater_is_better=self.plan.greater_is_better)
        found = []
        for state in self.learners:
            at_top = [t for t in state.trials if t.at_top and not t.failure]
            if at_top and state.learner.family != "baseline":
                best = min(at_top, key=lambda t: (sign * (t.score(TOP) or 0.0), t.spec.number))
                found.append((sign * (best.score(TOP) or 0.0), state.learner.name, state, best))
        found.sort(key=lambda entry: entry[:2])
        ranked = [(state, trial) for _, _, state, trial in found]
        families = dict.fromkeys(state.learner.family for state, _ in ranked)
        firsts = [
            next(pair for pair in ranked if pair[0].learner.family == family) for family in families
        ]
        rest = [pair for pair in ranked if pair not in firsts]
        return (firsts + rest)[: self.plan.bagged]
