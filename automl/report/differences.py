"""The figure of a verdict: by how much a side leads, over the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.report.chart import Chart, ChartSeries, Mark, Region
from automl.report.chart_axis import ChartAxis
from automl.report.formatting import NONE, anchor, at, axis_name, number
from automl.scaling.picture import gap_unit, in_unit, told_sides

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.scaling.content import ContrastFinding, GapPoint, ScalingContent

LEANING = "← deep ahead · classical ahead →"
"""Label of the y axis, read upwards."""


def differences(content: ScalingContent) -> list[Chart]:
    """A chart for each contrast that is tested and has its differences, the families first."""
    tested = [one for one in content.contrasts if one.tested and one.differences]
    return [_chart(content, one, f"difference-{place}") for place, one in enumerate(tested)]


def _chart(content: ScalingContent, one: ContrastFinding, name: str) -> Chart:
    deep, classical = told_sides(one)
    sizes = [float(point.n) for point in one.differences]
    log = min(sizes) > 0
    axis = axis_name(content.axis)
    points = tuple(mark for p in one.differences if (mark := _mark(content, p)) is not None)
    line = tuple(mark for p in one.line if (mark := _mark(content, p)) is not None)
    series = [ChartSeries("line", "difference", line, marked=False)] if line else []
    return Chart(
        id=name,
        title=f"Who leads, in {gap_unit(content)}: {deep} or {classical}",
        about=_about(content, one),
        x=ChartAxis(axis, "log" if log else "linear"),
        y=ChartAxis(LEANING),
        series=(
            *series,
            ChartSeries("difference", "difference", points, line=False, whiskers=True),
        ),
        columns=(axis, "difference", "interval", "line", "interval of the line"),
        rows=_rows(content, one),
        region=_region(one),
        guide=((min(sizes), 0.0), (max(sizes), 0.0)),
        legend=False,
    )


def _about(content: ScalingContent, one: ContrastFinding) -> str:
    """The caption: how to read the figure, and where the sides cross."""
    means = f"means of {one.repeats} repeats" if one.repeats > 1 else "of one shuffle of the rows"
    widened = ", widened as several learners are tested together" if one.kind == "learner" else ""
    parts = [
        "Above the dotted line at 0 classical is ahead, below it deep.",
        f"Points are {means}, bars their 95% intervals{widened}.",
    ]
    if one.line:
        parts.append(
            "The line is fitted to the last three doublings, with its 95% interval as a band; "
            "where it falls, deep gains."
        )
    if any(point.bound for point in one.differences):
        parts.append("Hollow points are bounds, for the time limit cut fits short.")
    if (crossed := _region(one)) is not None:
        low, high = anchor(content.axis, crossed.low), at(content.axis, crossed.high)
        parts.append(f"They cross between {low} and {high}: the shaded stretch.")
    return " ".join(parts)


def _region(one: ContrastFinding) -> Region | None:
    low, high = one.crossover.low, one.crossover.high
    if one.crossover.status != "observed" or low is None or high is None:
        return None
    return Region(low, high, "they cross")


def _mark(content: ScalingContent, point: GapPoint) -> Mark | None:
    value, low, high = (in_unit(content, v) for v in (point.difference, point.low, point.high))
    if value is None:
        return None
    side = "classical" if value > 0 else "deep"
    text = _digits(content)
    by = f"{text(abs(value))} {gap_unit(content)}"
    told = f"at {at(content.axis, point.n)} {side} is ahead by {by}"
    if low is not None and high is not None:
        told += f"; the interval of the difference is {text(low)} to {text(high)}"
    return Mark(float(point.n), value, told, low, high, hollow=point.bound)


def _rows(content: ScalingContent, one: ContrastFinding) -> tuple[tuple[str, ...], ...]:
    line = {point.n: point for point in one.line}
    return tuple(
        (
            anchor(content.axis, point.n),
            *_cells(content, point),
            *(_cells(content, line[point.n]) if point.n in line else ("", "")),
        )
        for point in one.differences
    )


def _cells(content: ScalingContent, point: GapPoint) -> tuple[str, str]:
    value, low, high = (in_unit(content, v) for v in (point.difference, point.low, point.high))
    text = _digits(content)
    if value is None:
        return NONE, ""
    return text(value), "" if low is None or high is None else f"{text(low)} to {text(high)}"


def _digits(content: ScalingContent) -> Callable[[float], str]:
    """Hundredths of points, else a measurement in about four digits."""
    return "{:.2f}".format if content.bounded else number
