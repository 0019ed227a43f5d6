"""The plan of a study in words, and the time it is expected to take."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from automl.data.views import Views
from automl.scaling import money
from automl.types import Cell
from automl.units import format_duration

if TYPE_CHECKING:
    from automl.options import Options
    from automl.rows.axes.base import Axis
    from automl.schedule.study import StudyScheduler
    from automl.workflow.state import Fit

SHOWN = 8
"""Learners named in one line."""


def linear_seconds_a_row(axis: Axis) -> float:
    """Seconds a row that a linear model takes on this machine: the unit of declared costs.

    The quickest of three fits at the lowest level, all thrown away.
    """
    from sklearn.linear_model import LogisticRegression, Ridge

    rows = axis.rows(Cell())
    X = Views(rows.X, rows.y, rows.schema, 0).train("matrix")
    several = rows.schema.task != "regression" and len(np.unique(rows.y)) > 1
    model = LogisticRegression(max_iter=50, tol=1e-2) if several else Ridge()
    took = []
    for _ in range(3):
        began = time.perf_counter()
        model.fit(X, rows.y)
        took.append(time.perf_counter() - began)
    return max(1e-6, min(took) / len(rows.X))


def plan_lines(scheduler: StudyScheduler, axis: Axis, fit: Fit, *, measured: bool) -> list[str]:
    """The plan in words, with its expected duration and cost.

    Args:
        scheduler: Has planned.
        axis: Of the study.
        fit: Its options and clock.
        measured: Whether real fits stand behind the forecast.
    """
    lines = [] if measured else [_design(scheduler, axis, fit.options), *_allowed(scheduler)]
    basis = "from the first fits" if measured else "from declared costs and a quick calibration"
    lines.append(f"expected {basis}: {_expected(scheduler, fit)}")
    if short := _short(scheduler, axis):
        lines.append(short)
    return lines


def _design(scheduler: StudyScheduler, axis: Axis, options: Options) -> str:
    top = len(axis.levels) - 1
    values = {value for level in range(top + 1) for value in axis.values(level, 0)}
    span = axis.label(top) if top == 0 else f"{axis.label(0)} to {axis.label(top)}"
    times = "once" if options.repeats == 1 else f"in {options.repeats} repeats"
    learners = [
        state for state in scheduler.learners.values() if state.learner.family != "baseline"
    ]
    race = ""
    if any(state.chance < 1 for state in learners):
        race = f", after the first for the {options.tested} that validation puts first of a family"
    return (
        f"plan: {len(learners)} learners at {len(values)} anchors, {span}, {times} with a fifth "
        f"of the rows held out{race}; regimes: {', '.join(options.regimes)}"
    )


def _allowed(scheduler: StudyScheduler) -> list[str]:
    rates = [state.rate for state in scheduler.learners.values() if math.isfinite(state.rate)]
    if not rates:
        return []
    return [f"a fit may take up to {1000 * max(rates):.2g} s per 1,000 rows"]


def _expected(scheduler: StudyScheduler, fit: Fit) -> str:
    options = fit.options
    seconds = fit.elapsed() + scheduler.expected_seconds()
    limit = options.seconds
    if limit is not None:
        seconds = min(seconds, limit)
    text = f"about {format_duration(seconds)}"
    if limit is not None:
        text += f" of the {format_duration(limit)} allowed"
    if options.price_per_hour is not None:
        text += f", costing about {money(seconds, options.price_per_hour):.2f}"
        if limit is not None:
            text += f" and at most {money(limit, options.price_per_hour):.2f}"
    return f"{text}, {fit.workers.slots} fits at once"


def _short(scheduler: StudyScheduler, axis: Axis) -> str:
    """Learners that will probably not come to the top, and how far each comes."""
    low = {
        name: state.cap
        for name, state in sorted(scheduler.learners.items())
        if state.cap < state.top and not state.dead
    }
    if not low:
        return ""
    named = [f"{name} ({axis.label(cap) if cap >= 0 else 'none'})" for name, cap in low.items()]
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    return (
        f"cannot afford {axis.label(len(axis.levels) - 1)} in this time, and go up to: "
        f"{', '.join(named[:SHOWN])}{more}"
    )
