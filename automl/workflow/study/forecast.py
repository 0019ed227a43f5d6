"""What a study is expected to take, said before it starts."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from automl.data.views import Views
from automl.scaling import money
from automl.units import format_duration

if TYPE_CHECKING:
    from automl.workflow.state import Fit
    from automl.workflow.study.axes import Axis
    from automl.workflow.study.dealer import StudyDealer
    from automl.workflow.study.options import StudyOptions

SHOWN = 8
"""Learners named in one line."""


def linear_seconds_a_row(axis: Axis) -> float:
    """Seconds a row that a linear model takes on this machine: the unit of declared costs.

    The quickest of three fits at the lowest level, all thrown away.
    """
    from sklearn.linear_model import LogisticRegression, Ridge

    cell = axis.cell(0, 0)
    X = Views(cell.X, cell.y, cell.schema, 0).train("matrix")
    several = cell.schema.task != "regression" and len(np.unique(cell.y)) > 1
    model = LogisticRegression(max_iter=50, tol=1e-2) if several else Ridge()
    took = []
    for _ in range(3):
        began = time.perf_counter()
        model.fit(X, cell.y)
        took.append(time.perf_counter() - began)
    return max(1e-6, min(took) / len(cell.y))


def plan_lines(
    dealer: StudyDealer, axis: Axis, options: StudyOptions, fit: Fit, *, measured: bool
) -> list[str]:
    """The plan in words, with its expected duration and cost.

    Args:
        dealer: Has planned.
        axis: Of the study.
        options: Of the study.
        fit: Its clock.
        measured: Whether real fits stand behind the forecast.
    """
    lines = [] if measured else [_design(dealer, axis, options), *_allowed(dealer)]
    basis = "from the first fits" if measured else "from declared costs and a quick calibration"
    lines.append(f"expected {basis}: {_expected(dealer, options, fit)}")
    if short := _short(dealer, axis):
        lines.append(short)
    return lines


def _design(dealer: StudyDealer, axis: Axis, options: StudyOptions) -> str:
    top = len(axis.levels) - 1
    values = {value for level in range(top + 1) for value in axis.values(level, 0)}
    span = axis.label(top) if top == 0 else f"{axis.label(0)} to {axis.label(top)}"
    times = "once" if options.repeats == 1 else f"in {options.repeats} repeats"
    learners = [lane for lane in dealer.lanes.values() if lane.learner.family != "baseline"]
    return (
        f"plan: {len(learners)} learners at {len(values)} anchors, {span}, "
        f"{times} with a fifth of the rows held out; regimes: {', '.join(options.regimes)}"
    )


def _allowed(dealer: StudyDealer) -> list[str]:
    rates = [lane.rate for lane in dealer.lanes.values() if math.isfinite(lane.rate)]
    if not rates:
        return []
    return [f"a fit may take up to {1000 * max(rates):.2g} s per 1,000 rows"]


def _expected(dealer: StudyDealer, options: StudyOptions, fit: Fit) -> str:
    seconds = fit.elapsed() + dealer.expected_seconds()
    limit = fit.options.seconds
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


def _short(dealer: StudyDealer, axis: Axis) -> str:
    """Who will probably not come to the top, and how far each comes."""
    low = {
        name: lane.cap
        for name, lane in sorted(dealer.lanes.items())
        if lane.cap < lane.top and not lane.dead
    }
    if not low:
        return ""
    named = [f"{name} ({axis.label(cap) if cap >= 0 else 'none'})" for name, cap in low.items()]
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    return (
        f"cannot afford {axis.label(len(axis.levels) - 1)} in this time, and go up to: "
        f"{', '.join(named[:SHOWN])}{more}"
    )
