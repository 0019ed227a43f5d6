"""Geometry of the charts, read from `templates/layout.json` beside the style sheet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Layout:
    """Lengths in pixels of the SVG, and the padding of axes."""

    sizes: Mapping[str, tuple[int, int, int]]
    """Drawing, for screens or phones -> width, height and number of x ticks."""
    y_ticks: int
    margins: tuple[float, float, float, float]
    """Left (beside the tick labels), top, right, bottom."""
    tick_letter: float
    """Width of a letter of a tick label."""
    label_letter: float
    """Width of a letter of a label in the chart."""
    label_line: float
    """Height of a label in the chart."""
    label_gap: float
    """Distance of a label from its point, and from the upper edge."""
    label_rise: float
    """Height of a label above its point."""
    marker: float
    """Radius of a marker."""
    legend: tuple[float, float]
    """Middle of a marker in the legend."""
    padding: float
    """Part of the range of values that is added at both ends of an axis."""
    single_ratio: float
    """Factor from a single value to the ends of a logarithmic axis."""
    single_share: float
    """Part of a single value that is added at both ends of a linear axis."""
    single_step: float
    """Distance of the ends of a linear axis from a single value of 0."""
    empty: tuple[float, float]
    """Ends of an axis without values."""


@cache
def layout() -> Layout:
    """The layout of the charts."""
    return Layout(**json.loads((FOLDER / "layout.json").read_text(encoding="utf-8")))
