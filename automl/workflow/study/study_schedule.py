"""The training of a study: its budget, its scheduler and the plan as people read it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from automl.runs.info import StudyInfo
from automl.scaling import window
from automl.schedule.race import Race
from automl.schedule.study import SPARE, StudyScheduler
from automl.schedule.study_state import StudyLearner
from automl.workflow.study.forecast import linear_seconds_a_row, plan_lines
from automl.workflow.train import Training, earlier_rungs, seconds_for_training

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.options import Options
    from automl.rows.axes.base import Axis
    from automl.types import Learner, Regime
    from automl.workflow.state import Fit, Prepared

MOST_TRIALS = 8
"""Configurations of a learner that are tried wherever it is tuned."""
TUNED_SHARE = 1 / 8
"""Part of all rows on which `transferred` tunes."""
SUBSETS = (4, 2)
"""Subsets that a repeat trains on at the lowest anchors that enter the rate: over the published
studies these two carry two thirds of a slope's variance for a tenth of its seconds."""
LEAST_RATE, MOST_RATE = 0.005, 0.03
"""Seconds a row that a fit may take: learners that need more than the share of the time allows at
the least rate stop below the top."""
LAVISH = 2.0
"""Times an equal share: about half of the learners leave theirs."""


def study_training(fit: Fit, prepared: Prepared, axis: Axis) -> tuple[Training, StudyScheduler]:
    """Set up what a study trains, and say what it plans.

    Args:
        fit: The run and what it may use.
        prepared: The table, the learners and the metric.
        axis: What grows.
    """
    options, earlier = fit.options, earlier_rungs(fit)
    unit = linear_seconds_a_row(axis)
    fit.cluster.wait()
    reserve = 4.0 + 0.01 * (fit.options.seconds or 0.0)  # judging and the report
    seconds = seconds_for_training(fit, reserve, earlier)
    scheduler = StudyScheduler(
        _learners(fit, prepared, axis, unit=unit, seconds=seconds),
        options.repeats,
        seconds=seconds,
        slots=fit.workers.slots,
        axis=options.axis,
        graded=axis.graded,
        racing=_racing(options),
        window=window,
    )
    training = Training.begin(fit, prepared, axis, scheduler, seconds=seconds, earlier=earlier)
    for line in plan_lines(scheduler, axis, fit, measured=bool(earlier)):
        fit.observer.say(line)
    fit.done("start")
    return training, scheduler


def _racing(options: Options) -> int | None:
    """Learners of each family that go on after the first repeat: as many as are tested.

    None for all, where each learner is compared with itself.
    """
    return None if options.timed else options.tested


def _learners(
    fit: Fit,
    prepared: Prepared,
    axis: Axis,
    *,
    unit: float,
    seconds: float | None,
) -> list[StudyLearner]:
    """The learners of a study, those that can end early with a limit on the seconds a row."""
    found = [_learner(learner, fit.options, prepared, axis, unit) for learner in prepared.learners]
    rate = _rate(fit, found, seconds)
    for one in found:
        bound = one.learner.fidelity is not None and not fit.options.timed
        one.rate = rate if bound else math.inf
    return found


def _learner(
    learner: Learner, options: Options, prepared: Prepared, axis: Axis, unit: float
) -> StudyLearner:
    limit = learner.limits.rows
    reached = [at for at, rows in enumerate(axis.sizes) if limit is None or rows <= limit]
    regimes: tuple[Regime, ...] = options.regimes
    if learner.family == "baseline":
        regimes = ("default",)
    tuned = TUNED_SHARE * axis.sizes[-1]
    return StudyLearner(
        learner=learner,
        cost=learner.resources(prepared.data.schema).cost,
        sizes=axis.sizes_for(learner),
        subsets=subsets_of(axis),
        room=_room(axis, learner),
        top=reached[-1],
        regimes=regimes,
        tuned_at=min(reached, key=lambda at: abs(axis.sizes[at] - tuned)),
        trials=axis.trials or MOST_TRIALS,
        seed=options.seed,
        greater_is_better=prepared.metric.greater_is_better,
        unit=unit,
    )


def subsets_of(axis: Axis) -> tuple[int, ...]:
    """Subsets of each level that a repeat trains on: several where fits are cheap, else one."""
    found = [1] * len(axis.sizes)
    if axis.parted:
        first = int(np.argmax(window(np.array(axis.levels))))
        for level, wanted in enumerate(SUBSETS, start=first):
            if level < len(found):
                found[level] = max(1, min(wanted, axis.sizes[-1] // axis.sizes[level]))
    return tuple(found)


def _room(axis: Axis, learner: Learner) -> tuple[int, ...]:
    """Subsets of each level that share no rows; none to speak of for the baseline."""
    if not axis.parted or learner.family == "baseline":
        return ()
    return tuple(axis.sizes[-1] // n for n in axis.sizes)


def _rate(fit: Fit, learners: Sequence[StudyLearner], seconds: float | None) -> float:
    """Seconds a row that a fit may take, in this session and in those that go on with it."""
    if seconds is None:
        return math.inf
    study = fit.info.study or StudyInfo()
    known = study.seconds_per_row
    if known is None:
        chances = Race(_racing(fit.options)).chances(learners).values()
        repeats = sum(1 + chance * (fit.options.repeats - 1) for chance in chances)
        rows = repeats * max(one.rows() for one in learners)
        share = SPARE * fit.workers.slots * seconds
        known = min(MOST_RATE, max(LEAST_RATE, LAVISH * share / rows))
        fit.write(study=replace(study, seconds_per_row=known))
    return known
