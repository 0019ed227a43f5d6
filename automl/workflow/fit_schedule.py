"""The training of a fit: its budget, its scheduler and the rows of its ladder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from automl.ensemble import members
from automl.hooks.manager import get_host
from automl.rows.fold_design import FoldDesign
from automl.schedule.base import Plan
from automl.schedule.fit import FitScheduler
from automl.workflow.diagnose import importance_seconds
from automl.workflow.train import Training, earlier_rungs, seconds_for_training

if TYPE_CHECKING:
    from automl.workflow.state import Fit, Prepared

PRESETS: dict[str, tuple[float, int]] = {"quick": (1.0, 0), "balanced": (0.8, 4), "best": (0.6, 8)}
"""Preset -> share of the search spent on tuning, configurations bagged after it."""


def fit_training(fit: Fit, prepared: Prepared) -> tuple[Training, FitScheduler]:
    """Set up what a fit trains; the scheduler knows in the end what became of every learner."""
    earlier = earlier_rungs(fit)
    fit.cluster.wait()
    seconds = seconds_for_training(fit, _reserve(fit, prepared), earlier)
    scheduler = _scheduler(fit, prepared, seconds)
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
    training.store.prefetch(prepared.ladder.single)
    training.store.prefetch(prepared.ladder.bag[:1])
    fit.done("start")
    return training, scheduler


def _reserve(fit: Fit, prepared: Prepared) -> float:
    """Seconds after the search, as measured: ensemble, artifact, report, Ray's end; importance."""
    limit = fit.options.seconds or 0.0
    return 1.9 + 0.01 * limit + len(prepared.data.y) / 150_000 + importance_seconds(limit)


def _scheduler(fit: Fit, prepared: Prepared, seconds: float | None) -> FitScheduler:
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
    learners = [(learner, learner.resources(schema).cost) for learner in prepared.learners]
    return FitScheduler(learners, prepared.ladder, plan, lambda: _members(fit, prepared))


def _members(fit: Fit, prepared: Prepared) -> list[str]:
    """The trials that the ensemble would be made of now, the heaviest first."""
    task = prepared.data.schema.task
    everyone = [e for e in get_host().ensemblers().values() if e.families is None]
    ensemblers = [e for e in everyone if task in e.tasks]
    if not ensemblers:
        return []
    return list(members(fit.run, ensemblers[0], prepared.choice, fit.options.seed))
