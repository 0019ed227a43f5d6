"""The training of a fit: its budget, its scheduler and the rows of its ladder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from automl.hooks.manager import get_host
from automl.rows.fold_design import FoldDesign
from automl.schedule.base import Plan
from automl.schedule.fit import FitScheduler
from automl.schedule.time_model import declared_cost, declared_row_seconds
from automl.types import Cell
from automl.workflow.diagnose import importance_seconds
from automl.workflow.train import FIRST_MODEL, Training, earlier_rungs, seconds_for_training
from automl.workflow.value import EnsembleValue, Weigher

if TYPE_CHECKING:
    from automl.workflow.state import Fit, Prepared


def fit_training(fit: Fit, prepared: Prepared) -> tuple[Training, FitScheduler, EnsembleValue]:
    """Set up what a fit trains; the scheduler knows in the end what became of every learner."""
    earlier = earlier_rungs(fit)
    fit.cluster.wait()
    seconds = seconds_for_training(fit, _reserve(fit, prepared), earlier)
    value = _value(fit, prepared)
    for rung in earlier:
        value.add(rung)
    scheduler = _scheduler(fit, prepared, seconds, value)
    if scheduler.skipped:
        fit.observer.say(
            f"Left out for want of time: {', '.join(scheduler.skipped)} "
            "(a longer --time-limit lets them in, --learner NAME takes them anyway)"
        )
    data = prepared.data
    if not any(learner.uses_unlabelled for learner in prepared.learners):
        data = replace(data, unlabelled=None)
    training = Training.begin(
        fit,
        prepared,
        FoldDesign(data, prepared.truth, prepared.split, prepared.locked, fit.options.seed),
        scheduler,
        seconds=seconds,
        earlier=earlier,
        folder=fit.run / "model" / "views",
    )
    training.store.confirm(Cell())
    if seconds is None or seconds > FIRST_MODEL:
        columns = prepared.data.schema.width
        training.store.prefetch((*prepared.ladder.single, *prepared.ladder.bag[:1]), columns)
    fit.done("start")
    return training, scheduler, value


def _reserve(fit: Fit, prepared: Prepared) -> float:
    """Seconds after the search, as measured: ensemble, artifact, report, Ray's end; importance."""
    limit = fit.options.seconds or 0.0
    return 2 + limit / 100 + len(prepared.data.y) / 150_000 + importance_seconds(limit)


def _scheduler(
    fit: Fit, prepared: Prepared, seconds: float | None, value: EnsembleValue
) -> FitScheduler:
    options, schema = fit.options, prepared.data.schema
    columns = schema.width
    plan = Plan(
        allocate=options.allocate,
        seconds=seconds,
        trials=options.trials,
        slots=fit.workers.slots,
        seed=options.seed,
        greater_is_better=prepared.choice.greater_is_better,
        policy=options.spending,
        everyone=bool(options.learner),
        row_seconds=declared_row_seconds(columns),
    )
    gpu = fit.workers.gpus > 0
    learners = [(one, declared_cost(one.resources(schema), gpu=gpu)) for one in prepared.learners]
    return FitScheduler(learners, prepared.ladder, plan, value)


def _value(fit: Fit, prepared: Prepared) -> EnsembleValue:
    """The value of models to the first ensembler over all learners."""
    task = prepared.data.schema.task
    over_all = (
        ensembler
        for ensembler in get_host().ensemblers().values()
        if ensembler.families is None and task in ensembler.tasks
    )
    weigher = Weigher(
        next(over_all, None), prepared.choice, fit.options.seed, fit.patience, fit.observer.say
    )
    return EnsembleValue(fit.run, weigher, prepared.truth, prepared.split, prepared.data.weights)
