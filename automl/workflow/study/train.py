"""The fits of a study: jobs go out, finished ones are scored, journalled and told."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from automl.errors import AutoMLError
from automl.hooks.manager import get_host
from automl.scaling import write_study
from automl.search import machine, rundir
from automl.search.journal import Journal, read_journal
from automl.search.objective import Order, Outcome
from automl.search.plan import HURRIED
from automl.search.watch import OVERDUE
from automl.types import Rung
from automl.workflow.study.dealer import SPARE, StudyDealer
from automl.workflow.study.forecast import linear_seconds_a_row, plan_lines
from automl.workflow.study.lane import Lane
from automl.workflow.study.options import MOST_TRIALS
from automl.workflow.study.outcome import kept_from_top
from automl.workflow.study.points import Scorer, points_of
from automl.workflow.study.store import CellStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.scaling.points import Regime, Study
    from automl.search.plan import Job
    from automl.types import Learner, Metric
    from automl.workflow.state import Fit, Prepared
    from automl.workflow.study.axes import Axis
    from automl.workflow.study.options import StudyOptions

TUNED_SHARE = 1 / 8
"""Part of all rows on which `transferred` tunes."""
LEAST_RATE, MOST_RATE = 0.005, 0.03
"""Seconds a row that a fit may take: learners that need more than the share of the time allows at
the least rate stop below the top."""
LAVISH = 2.0
"""Times an equal share: about half of the learners leave theirs."""
WRITE_EVERY = 60.0
"""Seconds between two writings of the points."""


@dataclass(slots=True)
class Training:
    """A study under way."""

    fit: Fit
    options: StudyOptions
    prepared: Prepared
    axis: Axis
    dealer: StudyDealer
    store: CellStore
    scorer: Scorer
    blank: Study
    """The study without points."""
    journal: Journal
    end: float = math.inf
    """`time.monotonic()` at which the training must be over."""
    written: float = 0.0
    told: bool = False
    """Whether the plan has been told again after the first level."""

    @property
    def metric(self) -> Metric:
        return self.prepared.metric

    # ------------------------------------------------------------------ out and in

    def order(self, job: Job) -> Order:
        """What a worker is asked to do."""
        schema, host = self.prepared.data.schema, get_host()
        by_hand = {e.package for e in host.learners.values() if e.distribution is None}
        order = Order(
            learner=job.trial.learner,
            config=job.trial.config,
            seed=job.trial.seed,
            task=schema.task,
            n_classes=len(schema.classes),
            metric=self.metric.name,
            threads=self.fit.workers.threads,
            device="cuda" if self.fit.workers.gpus else "cpu",
            allowance=job.allowance,
            kill_after=job.kill_after,
            left=job.left,
            memory=self.fit.workers.memory,
            plugins=tuple(sorted(by_hand)),
        )
        return self.axis.order(order, job.step.rung, self.dealer.lanes[order.learner].learner)

    def finish(self, job: Job, outcome: Outcome) -> None:
        """Score what came back, journal it, and tell dealer, observers and screen."""
        overdue = outcome.status == "failed" and OVERDUE in outcome.reason
        if overdue and time.monotonic() >= self.end - 1.0:
            self.dealer.drop(job)
            return
        rung = self._rung(job, outcome, overdue=overdue)
        self.journal.write(rung, outcome.predictions)
        self.dealer.take(rung)
        if rung.status == "ok":
            self.scorer.marks(rung, job.step)
        lane = self.dealer.lanes[rung.learner]
        self.fit.count(rung, lane.learner.family, self.metric)
        get_host().rung_finished(rung)
        if rung.status != "ok":
            where = f"at {self.axis.label(rung.rung)} in repeat {rung.fold + 1}"
            self.fit.observer.say(f"{rung.trial} {rung.status} {where}: {rung.reason}")
            if self.fit.options.on_error == "raise":
                msg = f"{rung.trial} failed: {rung.reason} (--on-error raise)"
                raise AutoMLError(msg)

    def _rung(self, job: Job, outcome: Outcome, *, overdue: bool) -> Rung:
        score: float | None = None
        if "" in outcome.predictions:
            truth, _ = self.store.truths(job.step)
            value = float(self.metric.score(truth, outcome.predictions[""]))
            score = value if math.isfinite(value) else None
        return Rung(
            learner=job.trial.learner,
            trial=job.trial.id,
            config=job.trial.config,
            rung=job.step.rung,
            fold=job.step.fold,
            seed=job.trial.seed,
            n=self.axis.sizes[job.step.rung],
            score=score,
            fit_seconds=round(outcome.fit_seconds, 4),
            predict_seconds=round(outcome.predict_seconds, 4),
            status="not_reached" if overdue else outcome.status,
            reason=outcome.reason,
            steps=outcome.steps,
            overhead_seconds=round(outcome.overhead_seconds, 4),
            hurried=outcome.fit_seconds > HURRIED * job.allowance,
            censored=outcome.censored,
            needed_seconds=outcome.needed_seconds,
        )

    def tick(self) -> None:
        """Show where the study stands; now and then write its points."""
        running = tuple(
            f"{trial} on {self.axis.label(step.rung)}, repeat {step.fold + 1}"
            for trial, step in self.dealer.running
        )
        self.fit.show("search", running, every=0.5)
        now = time.monotonic()
        if not self.told and self._calibrated():
            self.told = True
            for line in plan_lines(self.dealer, self.axis, self.options, self.fit, measured=True):
                self.fit.observer.say(line)
        if now - self.written > WRITE_EVERY:
            self.written = now
            write_study(self.fit.run, self.study(terms=False))

    def study(self, *, terms: bool = True) -> Study:
        """All points so far.

        Args:
            terms: Whether the points get their per-row terms.
        """
        points = points_of(self.dealer, self.axis, self.scorer, terms=terms)
        return replace(
            self.blank,
            points=points,
            not_reached=kept_from_top(self.dealer, self.axis, self.options.repeats),
            seconds_per_row=self.fit.content["study"]["seconds_per_row"],
        )

    def _calibrated(self) -> bool:
        """Whether every learner has been tried at the lowest level."""
        lanes = [lane for lane in self.dealer.lanes.values() if lane.cap >= 0 and not lane.dead]
        return bool(lanes) and all(lane.finished for lane in lanes)


def train_study(
    fit: Fit, options: StudyOptions, prepared: Prepared, axis: Axis, blank: Study
) -> tuple[Training, bool]:
    """Train until the plan is carried out or time is over.

    Args:
        fit: The run and what it may use.
        options: Every choice.
        prepared: The table, the learners and the metric.
        axis: What grows.
        blank: The study without points.

    Returns:
        The training, which knows what became of every learner, and whether the user broke off.
    """
    earlier = read_journal(fit.run) if fit.options.resume else []
    unit = linear_seconds_a_row(axis)
    fit.cluster.wait()
    from automl.search import engine  # needs a Ray that is running

    seconds = _seconds(fit, earlier)
    lanes = [_lane(learner, options, prepared, axis, unit) for learner in prepared.learners]
    rate = _rate(fit, options, lanes, seconds)
    for lane in lanes:
        bound = lane.learner.fidelity is not None and not options.timed
        lane.rate = rate if bound else math.inf
    dealer = StudyDealer(
        lanes, options.repeats, seconds=seconds, slots=fit.workers.slots, graded=axis.graded
    )
    dealer.replay(earlier)
    store = CellStore(
        axis,
        engine.put,
        prepared.learners,
        capacity=machine.memory() // 8,
        columns=prepared.data.X.shape[1],
        seed=fit.options.seed,
    )
    scorer = Scorer(fit.run, prepared.metric, store.truths)
    journal = Journal(fit.run)
    training = Training(
        fit, options, prepared, axis, dealer, store, scorer, blank, journal, told=bool(earlier)
    )
    for rung in earlier:
        if rung.learner in dealer.lanes:
            fit.count(rung, dealer.lanes[rung.learner].learner.family, prepared.metric)
    for line in plan_lines(dealer, axis, options, fit, measured=bool(earlier)):
        fit.observer.say(line)
    fit.done("start")
    if not earlier:
        write_study(fit.run, blank)
    interrupted = False
    training.written = time.monotonic()
    training.end = math.inf if seconds is None else time.monotonic() + seconds
    try:
        engine.search(
            dealer,
            store,
            training.order,
            training.finish,
            fit.workers,
            end=None if seconds is None else training.end,
            own=fit.cluster.own,
            tick=training.tick,
        )
    except KeyboardInterrupt:
        interrupted = True
    finally:
        store.close()
    return training, interrupted


def _lane(
    learner: Learner, options: StudyOptions, prepared: Prepared, axis: Axis, unit: float
) -> Lane:
    limit = learner.limits.rows
    reached = [at for at, rows in enumerate(axis.sizes) if limit is None or rows <= limit]
    regimes: tuple[Regime, ...] = options.regimes
    if learner.family == "baseline":
        regimes = ("default",)
    tuned = TUNED_SHARE * axis.sizes[-1]
    return Lane(
        learner=learner,
        cost=learner.resources(prepared.data.schema).cost,
        sizes=axis.rows(learner),
        top=reached[-1],
        regimes=regimes,
        tuned_at=min(reached, key=lambda at: abs(axis.sizes[at] - tuned)),
        trials=axis.trials or MOST_TRIALS,
        seed=options.fit.seed,
        greater_is_better=prepared.metric.greater_is_better,
        unit=unit,
    )


def _rate(fit: Fit, options: StudyOptions, lanes: Sequence[Lane], seconds: float | None) -> float:
    """Seconds a row that a fit may take, in this session and in those that go on with it."""
    study = fit.content["study"]
    if seconds is None:
        return math.inf
    if study.get("seconds_per_row") is None:
        share = SPARE * fit.workers.slots * seconds / len(lanes)
        rows = options.repeats * max(lane.rows() for lane in lanes)
        study["seconds_per_row"] = min(MOST_RATE, max(LEAST_RATE, LAVISH * share / rows))
        rundir.write(fit.run, fit.content)
    return float(study["seconds_per_row"])


def _seconds(fit: Fit, earlier: Sequence[Rung]) -> float | None:
    """Seconds for the training: what is left, less judging, less what was spent before."""
    limit = fit.options.seconds
    if limit is None:
        return None
    spent = sum(r.fit_seconds + r.predict_seconds + r.overhead_seconds for r in earlier)
    return fit.left() - (4.0 + 0.01 * limit) - spent / fit.workers.slots
