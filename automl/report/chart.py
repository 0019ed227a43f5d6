"""Charts as plain geometry: what a template needs to write SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl.report.axis import Axis

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SIZES = {"wide": (560, 380), "narrow": (340, 300)}
"""Pixels of the two drawings of every chart, for screens and for phones."""
RADIUS = 4.2
LETTER, LINE = 6.2, 13.0
"""Pixels that a letter and a line of a label take."""
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
    """A point, with its interval where there is one."""

    x: float
    y: float
    text: str
    """Said when the point is looked at."""
    low: float | None = None
    high: float | None = None
    hollow: bool = False
    label: str = ""
    """Written beside the point."""


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one colour; joined by a line unless they stand alone."""

    name: str
    family: str
    marks: tuple[Mark, ...]
    shape: int = 0
    line: bool = True
    shown: bool = True
    whiskers: bool = False
    """Intervals as bars through the points instead of a band."""


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of the x axis that means something."""

    low: float
    high: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything about a picture but its size."""

    id: str
    title: str
    about: str
    """One or two sentences that say in words what the picture shows."""
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """The same as a table."""
    region: Region | None = None
    guide: tuple[tuple[float, float], ...] = ()
    """A thin line to compare with."""
    legend: bool = True

    @property
    def drawings(self) -> list[Drawing]:
        """One drawing a size."""
        return [_draw(self, kind, *size) for kind, size in SIZES.items()]

    @property
    def keys(self) -> list[tuple[Series, str]]:
        """Every series with the outline of its marker for the legend, drawn in 34 x 12 pixels."""
        return [(one, outline(one.shape, 17, 6)) for one in self.series]


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
    """x, y and text."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A series in pixels: SVG paths."""

    series: Series
    line: str
    band: str
    whiskers: str
    marks: list[tuple[Mark, float, float, str]]


def outline(shape: int, x: float, y: float) -> str:
    """The path of a marker of that shape around (x, y)."""
    form = SHAPES[shape % len(SHAPES)]
    return form.format(f"{x:.1f}", f"{y:.1f}", r=RADIUS, d=2 * RADIUS)


@dataclass(frozen=True, slots=True)
class _Span:
    """Part of an axis, stretched over pixels."""

    axis: Axis
    low: float
    high: float
    start: float
    end: float

    def pixel(self, value: float) -> float:
        """Where the value lies; at the end of the span if beyond it."""
        low, high = self.axis.at(self.low), self.axis.at(self.high)
        place = min(max(self.axis.at(value), low), high)
        share = (place - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        return [
            (self.pixel(t), self.axis.text(t)) for t in self.axis.ticks(self.low, self.high, most)
        ]


def _draw(chart: Chart, kind: str, width: int, height: int) -> Drawing:
    marks = [mark for one in chart.series for mark in one.marks]
    bounds = [b for mark in marks for b in (mark.low, mark.high) if b is not None]
    guide_x, guide_y = ([p[i] for p in chart.guide] for i in (0, 1))
    low, high = _range(chart.y, [*(m.y for m in marks), *bounds, *guide_y])
    written = max((len(chart.y.text(t)) for t in chart.y.ticks(low, high)), default=1)
    left, top, right, bottom = 26 + 6.6 * written, 12.0, width - 14.0, height - 44.0
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
        x_ticks=x.ticks(7 if kind == "wide" else 4),
        y_ticks=y.ticks(6),
        series=series,
        region=_region(chart.region, x),
        guide=_path((x.pixel(a), y.pixel(b)) for a, b in chart.guide),
        labels=_labels(series, left, right, top),
    )


def _labels(
    series: Sequence[Drawn], left: float, right: float, top: float
) -> list[tuple[float, float, str]]:
    """Names beside their points, from the top down, each clear of those before it."""
    wanted = [(py, px, m.label) for one in series for m, px, py, _ in one.marks if m.label]
    placed: list[tuple[float, float, float]] = []
    found = []
    for py, px, text in sorted(wanted):
        wide = LETTER * len(text)
        start = px + 8 if px + 8 + wide <= right else px - 8 - wide
        start = max(start, left + 2)
        y = max(py - 7, top + 8)
        while any(abs(y - b) < LINE and start < e and s < start + wide for s, e, b in placed):
            y += LINE / 2
        placed.append((start, start + wide, y))
        found.append((start, y, text))
    return found


def _range(axis: Axis, values: Sequence[float]) -> tuple[float, float]:
    """The values that an axis covers, with a little air; [0, 1] without any."""
    usable = [v for v in values if math.isfinite(v) and math.isfinite(axis.at(v))]
    if not usable:
        return (0.1, 0.9)
    low, high = min(usable), max(usable)
    if axis.scale == "log":
        air = (high / low) ** 0.04 if high > low else 1.5
        return low / air, high * air
    if axis.scale == "gap":
        air = ((1 - low) / (1 - high)) ** 0.04 if high > low else 1.5
        return 1 - (1 - low) * air, 1 - (1 - high) / air
    air = 0.04 * (high - low) or 0.05 * abs(high) or 0.5
    return low - air, high + air


def _series(one: Series, x: _Span, y: _Span) -> Drawn:
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
