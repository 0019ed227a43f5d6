"""The scheduler of a fit: a pure state machine over learners, without Ray and without a clock.

It starts the affordable fit with the largest expected gain of the ensemble per core-second, and
gives it the time to converge; some kinds of fits go ahead of that rule (`precedence`).
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import TYPE_CHECKING

from automl.rows.ladder import Ladder
from automl.schedule.base import FRESH
from automl.schedule.clock import Clock
from automl.schedule.gains import Gains
from automl.schedule.learner_state import LearnerState, LearnerStates, priors
from automl.schedule.offers import Offer, Offers
from automl.schedule.precedence import Precedence, Spending
from automl.schedule.preselection import Demand, left_out
from automl.schedule.sampler import Sampler
from automl.schedule.time_model import ImportTimes
from automl.schedule.trial_state import TrialState
from automl.types import TOP, Cell, Trial

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from automl.schedule.base import Job, Plan, Value, Worker
    from automl.types import Learner, Rung, Status


class FitScheduler:
    """The scheduler of a fit: hands out the next job and takes every finished rung."""

    overdue: Status = "failed"

    def __init__(
        self,
        learners: Sequence[tuple[Learner, float]],
        ladder: Ladder,
        plan: Plan,
        value: Value,
    ) -> None:
        """Set up the learners.

        Args:
            learners: Learners that apply, each with its declared cost.
            ladder: The cells of the data set.
            plan: Budget and policy.
            value: Says what finished models are worth to the ensemble.
        """
        self.ladder = ladder
        self.plan = plan
        self._value = value
        better = plan.greater_is_better
        usual = priors(learner for learner, _ in learners)
        self.learners = LearnerStates(
            (
                LearnerState(
                    learner,
                    cost,
                    Sampler(learner, plan.seed, greater_is_better=better),
                    usual[learner.name],
                )
                for learner, cost in sorted(learners, key=lambda pair: (pair[1], pair[0].name))
            ),
            greater_is_better=better,
        )
        self.imports = ImportTimes()
        """Seconds of imports, as workers report them."""
        self._spending = Spending()
        self._skip()

    # ------------------------------------------------------------------ in and out

    def next_job(self, now: float, worker: Worker = FRESH) -> Job | None:
        """Hand out the next job, or None when nothing can start now.

        Args:
            now: Seconds since the search began; ignored where the plan has no seconds.
            worker: The worker that the job goes to.
        """
        clock = Clock(self.plan, self.ladder, self.imports, now, worker)
        chosen = self._choose(clock)
        if chosen is None:
            return None
        offer, share = chosen
        state, trial = offer.state, self._entered(offer.state, offer.trial)
        trial.running.add(offer.cell)
        self._spending.imported.update(state.learner.libraries)
        job = clock.job(state, trial.spec, offer.cell, share)
        return replace(job, steps=self._steps(state, trial, offer.cell))

    def take(self, rung: Rung) -> None:
        """Record a finished rung, whatever its status."""
        state = self.learners[rung.learner]
        trial = _find(state, rung.trial)
        cell = rung.cell
        seconds = self._price(state, cell, rung)
        state.spent += seconds
        below, first = cell not in trial.way and cell.rung < TOP, cell == Cell(TOP, 0)
        if below or (first and not state.at_top):
            self._spending.curves[state.learner.family] += seconds
            if first and rung.status == "ok":
                self._spending.ranked[state.learner.family].append(state.name)
        elif state.highest < 0:
            self._spending.first += seconds + rung.overhead_seconds
        state.take(trial, rung, self.learners.loss_of(rung))
        if rung.score is not None and rung.rung <= TOP and rung.fold == 0:
            state.sampler.tell(trial.spec.number, rung.rung, rung.score, top=rung.rung == TOP)

    def lose(self, rung: Rung) -> None:
        """Record a fit that the machine did not make; its learner is not to blame."""
        trial = _find(self.learners[rung.learner], rung.trial)
        trial.blameless = None if trial.failure else rung.status
        self.take(rung)

    def imported(self, libraries: Iterable[str], seconds: float) -> None:
        """Hear that a worker imported libraries, and how long that took."""
        self.imports.take(libraries, seconds)

    def replay(self, rungs: Iterable[Rung]) -> None:
        """Take the rungs of an earlier session; what it left running starts anew."""
        known: dict[str, dict[int, list[Rung]]] = {}
        finished = [r for r in rungs if r.learner in self.learners]
        for rung in finished:
            number = int(rung.trial.rpartition("-")[2])
            known.setdefault(rung.learner, {}).setdefault(number, []).append(rung)
        offers = self._offers(Clock(self.plan, self.ladder, self.imports, 0.0, FRESH))
        for name, trials in known.items():
            state = self.learners[name]
            for number in range(max(trials) + 1):
                rungs_ = trials.get(number, [])
                config = rungs_[0].config if rungs_ else state.sampler.next()
                if rungs_:
                    state.sampler.repeat(config)
                made = (
                    offers.first(state)
                    if state.leader is None
                    else offers.trial(state, straight=all(r.rung >= TOP for r in rungs_))
                )
                seed = rungs_[0].seed if rungs_ else self.plan.seed
                spec = Trial(name, number, config, seed)
                state.enter(replace(made, spec=spec, drawn=True))
        for rung in finished:
            self.take(rung)

    def declined(self, job: Job, needed_seconds: float) -> bool:
        """Hear that a learner declined a fit; with more time than it had it may be made again."""
        if job.soft_limit >= needed_seconds:
            return True  # by its own account it had enough
        self.drop(job)
        rows = self.ladder.rows(job.cell)
        self.learners[job.trial.learner].declined[rows] = needed_seconds
        return False

    def drop(self, job: Job) -> None:
        """Forget a job that the end of the search cut off; it may be handed out again."""
        state = self.learners[job.trial.learner]
        trial = _find(state, job.trial.id)
        trial.running.discard(job.cell)

    @property
    def running(self) -> list[tuple[str, Cell]]:
        """(trial, cell) of the jobs under way."""
        return [
            (trial.spec.id, cell)
            for state in self.learners
            for trial in state.trials
            for cell in sorted(trial.running)
        ]

    @property
    def skipped(self) -> dict[str, str]:
        """Learner -> why the time does not pay for it."""
        return {state.name: state.skipped for state in self.learners if state.skipped}

    def outcomes(self) -> dict[str, tuple[Status, str]]:
        """Learner -> its status, and why it is not ranked if it is not."""
        return {state.name: self._outcome(state) for state in self.learners}

    def _outcome(self, state: LearnerState) -> tuple[Status, str]:
        if state.at_top:
            return "ok", self._part(state)
        if state.skipped:
            return "skipped", state.skipped
        failures = [t for t in state.trials if t.failure]
        if failures and state.leader is None:
            first = min(failures, key=lambda trial: trial.blameless is not None)
            return first.blameless or "failed", first.failure
        sizes, top = self.ladder.sizes, self.ladder.sizes[TOP]
        if state.declined and max(state.declined) > sizes.get(state.highest, 0):
            rows, seconds = max(state.declined.items())
            return "not_reached", f"{rows:,} rows would take about {seconds:.0f} s"
        if state.highest >= 0:
            return "eliminated", (
                f"others promised more for the seconds after {sizes[state.highest]:,} of "
                f"{top:,} rows"
            )
        return "not_reached", "the budget ended before it began"

    def _part(self, state: LearnerState) -> str:
        """That a learner took part of the rows; empty if it took all."""
        top = self.ladder.sizes[TOP]
        taken = state.learner.limits.rows_of(top)
        return f"fitted on {taken:,} of {top:,} rows, its limit" if taken < top else ""

    # ------------------------------------------------------------------- choosing

    def _choose(self, clock: Clock) -> tuple[Offer, float] | None:
        """The best affordable offer of the first kind that has one, and its share of seconds."""
        precedence = Precedence(self._offers(clock), self._spending)
        for kind in precedence.kinds():
            affordable = [
                offer
                for offer in kind
                if offer.wall <= clock.left and offer.state.name not in clock.worker.elsewhere
            ]
            if affordable:
                best = max(affordable, key=lambda o: (o.rate, o.gain, -o.trial.spec.number))
                return best, precedence.share(best)
        return None

    def _offers(self, clock: Clock) -> Offers:
        weights, error = self._value.weights(), self._value.standard_error()
        gains = Gains(self.learners, self.ladder, self.plan.policy, weights, error)
        return Offers(self.learners, self.ladder, self.plan, clock, gains)

    # ---------------------------------------------------------------------- parts

    def _steps(self, state: LearnerState, trial: TrialState, cell: Cell) -> int | None:
        """Steps of a fit on every row: those that proved best, and more as it has more rows.

        Early-stopping rows say where no fit of the trial went on until they did.
        """
        if not state.learner.refits or cell.fold != self.ladder.folds:
            return None
        fits = [r for r in trial.finished.values() if r.rung >= TOP and not r.censored]
        best = [rung.steps for rung in fits if rung.steps]
        return round(self.ladder.growth * statistics.mean(best)) if best else None

    def _entered(self, state: LearnerState, trial: TrialState) -> TrialState:
        """The trial as one of its learner's; of a new one the configuration is drawn now."""
        if trial.spec.number < len(state.trials):
            return trial
        if trial.drawn:
            state.sampler.repeat(trial.spec.config)
            entered = trial
        else:
            spec = replace(trial.spec, config=state.sampler.next())
            entered = replace(trial, spec=spec, drawn=True)
        state.enter(entered)
        return entered

    def _price(self, state: LearnerState, cell: Cell, rung: Rung) -> float:
        """Seconds, or declared cost, of a finished rung."""
        if self.plan.seconds is None:
            return state.cost * self.ladder.share(cell)
        return rung.fit_seconds + rung.predict_seconds

    def _skip(self) -> None:
        """Leave out the learners whose first fits the time does not pay for."""
        plan = self.plan
        if plan.seconds is None or plan.everyone or plan.allocate == "equal":
            return
        rows = self.ladder.rows(self.ladder.single[0])
        demands = {
            s.name: Demand(
                s.learner.family,
                frozenset(s.learner.libraries),
                s.seconds(rows, plan.row_seconds),
                s.prior,
            )
            for s in self.learners
            if s.learner.family != "baseline"
        }
        seconds = plan.first_seconds
        gone = left_out(demands, seconds, self.imports.seconds, plan.policy.curves)
        for name, needed in gone.items():
            state = self.learners[name]
            state.skipped = (
                f"its import and first fit need about {needed:.0f} of the {seconds:.0f} "
                f"core-seconds for first fits, and it carries weight on {state.prior:.0%} "
                "of tables; raise --time-limit, or name it with --learner"
            )


def _find(state: LearnerState, trial: str) -> TrialState:
    """The learner's trial of that name; it numbers them in their order."""
    return state.trials[int(trial.rpartition("-")[2])]
