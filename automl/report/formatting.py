"""Numbers, shares, times and places as text of the report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from automl.units import THOUSAND, format_size, number_text

if TYPE_CHECKING:
    from collections.abc import Callable

NONE = "-"


def _or_none(write: Callable[[float], str]) -> Callable[[float | None], str]:
    """Extend a format to missing values, which become `NONE`."""

    def text(value: float | None) -> str:
        return NONE if value is None or not math.isfinite(value) else write(value)

    return text


number = _or_none(number_text)
"""A measurement in about four digits: `0.9123`, `47,541`, `12.30`, `0.000213`."""
size = _or_none(format_size)
"""Bytes with their unit."""


@_or_none
def short(value: float) -> str:
    """A tick of an axis without trailing zeros: `0.9`, `20k`, `2M`."""
    for power, letter in reversed(list(enumerate("kMG", start=1))):
        unit = THOUSAND**power
        if abs(value) >= unit:
            return f"{value / unit:.4g}{letter}"
    return f"{value:.5g}"


@_or_none
def seconds(value: float) -> str:
    """`0.012 s`, `1.5 s`, `340 s`."""
    digits = 3 if value < 0.1 else 2 if value < 1 else 1 if value < 100 else 0
    return f"{value:,.{digits}f} s"


@_or_none
def share(value: float) -> str:
    """A share as a percentage."""
    return "0%" if value == 0 else f"{100 * value:.1f}%"


def between(low: float | None, high: float | None) -> str:
    """`(0.91 to 0.93)`; empty if there is no interval."""
    return "" if low is None or high is None else f"({number(low)} to {number(high)})"


def axis_name(axis: str) -> str:
    """Name of the quantity along the curves of a `scaling.json`."""
    return "training rows" if axis == "rows" else axis


def anchor(axis: str, n: float) -> str:
    """A value on the axis of a `scaling.json`: `11,314`, `0.25`."""
    return f"{n:,.0f}" if axis == "rows" else f"{n:g}"


def at(axis: str, n: float) -> str:
    """A value on the axis of a `scaling.json` with its unit: `11,314 training rows`."""
    return f"{anchor(axis, n)} {axis_name(axis)}"
