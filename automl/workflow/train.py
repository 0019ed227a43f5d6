"""The search of a fit: jobs go out, finished rungs are scored, journalled and told."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from automl.ensemble import members
from automl.errors import AutoMLError
from automl.hooks.manager import get_host
from automl.search import machine
from automl.search.dealer import Dealer
from automl.search.journal import Journal, read_journal
from automl.search.ladder import TOP
from automl.search.objective import Order, Outcome
from automl.search.plan import HURRIED, Job, Plan
from automl.search.rungs import RungStore
from automl.types import Rung
from automl.workflow.diagnose import LEAD, importance_seconds, warm_up

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from automl.workflow.state import Fit, Prepared

PRESETS: dict[str, tuple[float, int]] = {"quick": (1.0, 0), "balanced": (0.8, 4), "best": (0.6, 8)}
"""Preset -> share of the search spent on tuning, configurations bagged after it."""


def train(fit: Fit, prepared: Prepared) -> tuple[Dealer, bool]:
    """Let the learners climb until the budget of the search is spent.

    Returns:
        The dealer, which knows what became of every learner, and whether the user broke off.
    """
    earlier = read_journal(fit.run) if fit.options.resume else []
    fit.cluster.wait()
    from automl.search import engine  # needs a Ray that is running

    seconds = _seconds(fit, prepared, earlier)
    end = None if seconds is None else time.monotonic() + seconds
    dealer = _dealer(fit, prepared, seconds, earlier)
    store = _store(fit, prepared, engine.put)
    store.prefetch(prepared.ladder.single)
    store.prefetch(prepared.ladder.bag[:1])
    fit.done("start")
    try:
        engine.search(
            dealer,
            store,
            _orders(fit, prepared),
            _finisher(fit, prepared, dealer),
            fit.workers,
            end=end,
            own=fit.cluster.own,
            tick=lambda: _tick(fit, prepared, dealer, end),
        )
    except KeyboardInterrupt:
        return dealer, True
    finally:
        store.close()
    return dealer, False


def _tick(fit: Fit, prepared: Prepared, dealer: Dealer, end: float | None) -> None:
    """What happens about twice a second: people are told, and the end is prepared in time."""
    fit.show("search", _running(dealer), every=0.5)
    if end is None or time.monotonic() > end - LEAD:
        warm_up(fit, prepared)


def _seconds(fit: Fit, prepared: Prepared, earlier: Sequence[Rung]) -> float | None:
    """Seconds for the search: what is left, less the end, less what a resumed run has spent."""
    limit = fit.options.seconds
    if limit is None:
        return None
    spent = sum(r.fit_seconds + r.predict_seconds + r.overhead_seconds for r in earlier)
    reserve = 1.3 + 0.01 * limit + len(prepared.data.y) / 150_000 + importance_seconds(limit)
    return fit.left() - reserve - spent / fit.workers.slots


def _dealer(fit: Fit, prepared: Prepared, seconds: float | None, earlier: Sequence[Rung]) -> Dealer:
    options = fit.options
    tuning, bagged = PRESETS[options.preset]
    plan = Plan(
        allocate=options.allocate,
        seconds=seconds,
        trials=options.trials,
        slots=fit.workers.slots,
        seed=options.seed,
        greater_is_better=prepared.choice.greater_is_better,
        tuning_share=tuning,
        bagged=bagged,
    )
    schema = prepared.data.schema
    lanes = [(learner, learner.resources(schema).cost) for learner in prepared.learners]
    dealer = Dealer(lanes, prepared.ladder, plan, lambda: _members(fit, prepared))
    dealer.replay(earlier)
    families = {learner.name: learner.family for learner in prepared.learners}
    for rung in earlier:
        if rung.learner in families:
            fit.count(rung, families[rung.learner], prepared.choice)
    return dealer


def _members(fit: Fit, prepared: Prepared) -> list[str]:
    """The trials that the ensemble would be made of now, the heaviest first."""
    task = prepared.data.schema.task
    everyone = [e for e in get_host().ensemblers().values() if e.families is None]
    ensemblers = [e for e in everyone if task in e.tasks]
    if not ensemblers:
        return []
    return list(members(fit.run, ensemblers[0], prepared.choice, fit.options.seed))


def _store(fit: Fit, prepared: Prepared, put: Callable[..., object]) -> RungStore:
    return RungStore(
        prepared.data,
        prepared.split,
        put,
        learners=prepared.learners,
        folder=fit.run / "model" / "views",
        capacity=machine.memory() // 8,
        test_X=None if prepared.locked is None else prepared.locked.X,
        seed=fit.options.seed,
    )


def _running(dealer: Dealer) -> tuple[str, ...]:
    return tuple(f"{trial.id} rung {step.rung}" for trial, step in dealer.running)


def _orders(fit: Fit, prepared: Prepared) -> Callable[[Job], Order]:
    schema = prepared.data.schema
    by_hand = {e.package for e in get_host().learners.values() if e.distribution is None}

    def order(job: Job) -> Order:
        return Order(
            learner=job.trial.learner,
            config=job.trial.config,
            seed=job.trial.seed,
            task=schema.task,
            n_classes=schema.n_classes,
            metric=prepared.metric.name,
            threads=fit.workers.threads,
            device="cuda" if fit.workers.gpus else "cpu",
            allowance=job.allowance,
            kill_after=job.kill_after,
            left=job.left,
            memory=fit.workers.memory,
            save=job.step.rung >= TOP,
            plugins=tuple(sorted(by_hand)),
        )

    return order


def _finisher(fit: Fit, prepared: Prepared, dealer: Dealer) -> Callable[[Job, Outcome], None]:
    """Scores what came back, journals it, and tells dealer, observers and screen."""
    host = get_host()
    journal = Journal(fit.run)
    learners = {learner.name: learner for learner in prepared.learners}

    def finish(job: Job, outcome: Outcome) -> None:
        learner = learners[job.trial.learner]
        rung = _rung(job, outcome, prepared, yields=learner.fidelity is not None)
        journal.write(rung, outcome.predictions, outcome.model)
        dealer.take(rung)
        fit.count(rung, learner.family, prepared.choice)
        host.rung_finished(rung)
        if rung.status == "failed":
            fit.observer.say(f"{rung.trial} failed on rung {rung.rung}: {rung.reason}")
            if fit.options.on_error == "raise":
                msg = f"{rung.trial} failed: {rung.reason} (--on-error raise)"
                raise AutoMLError(msg)

    return finish


def _rung(job: Job, outcome: Outcome, prepared: Prepared, *, yields: bool) -> Rung:
    """The line of a finished fit, of a learner that yields to the clock or not."""
    step, trial = job.step, job.trial
    score: float | None = None
    if "" in outcome.predictions:
        truth = prepared.truth[prepared.split.validation(step.fold)]
        value = float(prepared.choice.score(truth, outcome.predictions[""]))
        score = value if math.isfinite(value) else None
    return Rung(
        learner=trial.learner,
        trial=trial.id,
        config=trial.config,
        rung=step.rung,
        fold=step.fold,
        seed=trial.seed,
        n=len(prepared.split.prefix(step.fold, step.rung)),
        score=score,
        fit_seconds=round(outcome.fit_seconds, 4),
        predict_seconds=round(outcome.predict_seconds, 4),
        status=outcome.status,
        reason=outcome.reason,
        steps=outcome.steps,
        size_bytes=None if outcome.model is None else sum(map(len, outcome.model.values())),
        overhead_seconds=round(outcome.overhead_seconds, 4),
        hurried=yields and outcome.fit_seconds > HURRIED * job.allowance,
        censored=outcome.censored,
        needed_seconds=outcome.needed_seconds,
    )
