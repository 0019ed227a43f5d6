"""Charts as plain geometry, from which a template writes SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl.report.chart_axis import ChartAxis
from automl.report.layout import layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHAPES = (
    "M{0} {1}m-{r} 0a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0z",
    "M{0} {1}m-{r} -{r}h{d}v{d}h-{d}z",
    "M{0} {1}m0 -{r}l{r} {d}h-{d}z",
    "M{0} {1}m0 -{r}l{r} {r}l-{r} {r}l-{r} -{r}z",
    "M{0} {1}m0 {r}l{r} -{d}h-{d}z",
    "M{0} {1}m-{r} -{r}h{d}l-{d} {d}h{d}z",
)
"""Circle, square, triangle, diamond, triangle upside down, hourglass."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A point, with its interval if it has one."""

    x: float
    y: float
    text: str
    """Text shown when the point is selected."""
    low: float | None = None
    high: float | None = None
    hollow: bool = False
    label: str = ""
    """Text beside the point."""


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """Points of one colour, joined by a line if `line`."""

    name: str
    family: str
    marks: tuple[Mark, ...]
    shape: int = 0
    line: bool = True
    shown: bool = True
    whiskers: bool = False
    """True to draw intervals as bars through the points instead of a band."""
    marked: bool = True
    """False to leave out the points themselves."""


@dataclass(frozen=True, slots=True)
class Region:
    """A labelled range of the x axis."""

    low: float
    high: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, independent of its size."""

    id: str
    title: str
    about: str
    """Caption: one or two sentences that say in words what the chart shows."""
    x: ChartAxis
    y: ChartAxis
    series: tuple[ChartSeries, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """The points as a table with `columns`."""
    region: Region | None = None
    guide: tuple[tuple[float, float], ...] = ()
    """Points of a thin reference line."""
    legend: bool = True

    @property
    def drawings(self) -> list[Drawing]:
        """One drawing of the chart for each size of the layout."""
        return [_draw(self, kind, *size) for kind, size in layout().sizes.items()]

    @property
    def keys(self) -> list[tuple[ChartSeries, str]]:
        """Every series with the outline of its marker for the legend."""
        return [(one, outline(one.shape, *layout().legend)) for one in self.series]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart in pixels."""

    kind: str
    width: int
    height: int
    left: float
    top: float
    right: float
    bottom: float
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    series: list[Drawn]
    region: tuple[float, float, str] | None
    guide: str
    labels: list[tuple[float, float, str]]
    """x, y and text of each label."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A series in pixels: SVG paths."""

    series: ChartSeries
    line: str
    band: str
    whiskers: str
    marks: list[tuple[Mark, float, float, str]]


def outline(shape: int, x: float, y: float) -> str:
    """The path of a marker around (x, y)."""
    form, radius = SHAPES[shape % len(SHAPES)], layout().marker
    return form.format(f"{x:.1f}", f"{y:.1f}", r=radius, d=2 * radius)


@dataclass(frozen=True, slots=True)
class _Span:
    """A range of values on an axis, mapped to pixels."""

    axis: ChartAxis
    low: float
    high: float
    start: float
    end: float

    def pixel(self, value: float) -> float:
        """Position of a value, cut at the ends of the span."""
        low, high = self.axis.at(self.low), self.axis.at(self.high)
        if high <= low:
            return (self.start + self.end) / 2
        share = (min(max(self.axis.at(value), low), high) - low) / (high - low)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        values = self.axis.ticks(self.low, self.high, most)
        names = self.axis.names(values)
        return [(self.pixel(t), name) for t, name in zip(values, names, strict=True)]


def _draw(chart: Chart, kind: str, width: int, height: int, x_ticks: int) -> Drawing:
    form = layout()
    marks = [mark for one in chart.series for mark in one.marks]
    bounds = [b for mark in marks for b in (mark.low, mark.high) if b is not None]
    guide_x, guide_y = ([p[i] for p in chart.guide] for i in (0, 1))
    low, high = _range(chart.y, [*(m.y for m in marks), *bounds, *guide_y])
    names = chart.y.names(chart.y.ticks(low, high, form.y_ticks))
    letters = max(map(len, names), default=1)
    beside, top, after, below = form.margins
    left, right, bottom = beside + form.tick_letter * letters, width - after, height - below
    y = _Span(chart.y, low, high, bottom, top)
    x = _Span(chart.x, *_range(chart.x, [*(m.x for m in marks), *guide_x]), left, right)
    series = [_series(one, x, y) for one in chart.series]
    return Drawing(
        kind=kind,
        width=width,
        height=height,
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        x_ticks=x.ticks(x_ticks),
        y_ticks=y.ticks(form.y_ticks),
        series=series,
        region=_region(chart.region, x),
        guide=_path((x.pixel(a), y.pixel(b)) for a, b in chart.guide),
        labels=_labels(series, left, right, top),
    )


def _labels(
    series: Sequence[Drawn], left: float, right: float, top: float
) -> list[tuple[float, float, str]]:
    """Place labels beside their points, from the top down, without overlaps."""
    form, line = layout(), layout().label_line
    wanted = [(py, px, m.label) for one in series for m, px, py, _ in one.marks if m.label]
    placed: list[tuple[float, float, float]] = []
    found = []
    for py, px, text in sorted(wanted):
        wide, gap = form.label_letter * len(text), form.label_gap
        start = px + gap if px + gap + wide <= right else px - gap - wide
        start = max(start, left + 2)
        y = max(py - form.label_rise, top + gap)
        while any(abs(y - b) < line and start < e and s < start + wide for s, e, b in placed):
            y += line / 2
        placed.append((start, start + wide, y))
        found.append((start, y, text))
    return found


def _range(axis: ChartAxis, values: Sequence[float]) -> tuple[float, float]:
    """The ends of an axis: those of the values, with padding."""
    form = layout()
    usable = [v for v in values if math.isfinite(v) and math.isfinite(axis.at(v))]
    if not usable:
        return form.empty[0], form.empty[1]
    low, high = min(usable), max(usable)
    if axis.scale == "linear":
        pad = form.padding * (high - low) or form.single_share * abs(high) or form.single_step
        return low - pad, high + pad
    gap = axis.scale == "gap"
    least, most = (1 - high, 1 - low) if gap else (low, high)
    factor = (most / least) ** form.padding if high > low else form.single_ratio
    least, most = least / factor, most * factor
    return (1 - most, 1 - least) if gap else (least, most)


def _series(one: ChartSeries, x: _Span, y: _Span) -> Drawn:
    known = [m for m in one.marks if math.isfinite(m.x) and math.isfinite(m.y)]
    placed = [(m, x.pixel(m.x), y.pixel(m.y), "") for m in known]
    bounded = [
        (px, y.pixel(m.low), y.pixel(m.high))
        for m, px, _, _ in placed
        if m.low is not None and m.high is not None
    ]
    band = ""
    if len(bounded) > 1 and not one.whiskers:
        upper = [(px, high) for px, _, high in bounded]
        band = _path([*upper, *((px, low) for px, low, _ in reversed(bounded))]) + "z"
    bars = "".join(f"M{px:.1f} {low:.1f}V{high:.1f}" for px, low, high in bounded)
    return Drawn(
        series=one,
        line=_path((px, py) for _, px, py, _ in placed) if one.line and len(placed) > 1 else "",
        band=band,
        whiskers=bars if one.whiskers else "",
        marks=[(m, px, py, outline(one.shape, px, py)) for m, px, py, _ in placed],
    )


def _region(region: Region | None, x: _Span) -> tuple[float, float, str] | None:
    if region is None:
        return None
    start, end = x.pixel(region.low), x.pixel(region.high)
    return start, max(end - start, 2.0), region.label


def _path(points: Iterable[tuple[float, float]]) -> str:
    return "".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(points))
