"""Numbers as people read them."""

from __future__ import annotations

import math
from typing import Any

from automl.units import format_size

NONE = "-"


def number(value: float | None) -> str:
    """A measurement in about four digits: `0.9123`, `47,541`, `12.30`, `0.000213`."""
    if value is None or not math.isfinite(value):
        return NONE
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if 0 < size < 0.001:
        return f"{value:.3g}"
    digits = 1 if size >= 100 else 2 if size >= 10 else 4
    return f"{value:.{digits}f}"


def short(value: float | None) -> str:
    """The same for the ticks of an axis, no trailing zeros: `0.9`, `20k`, `2M`."""
    if value is None or not math.isfinite(value):
        return NONE
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.4g}{letter}"
    return f"{value:.5g}"


def seconds(value: float | None) -> str:
    """`0.012 s`, `1.5 s`, `340 s`."""
    if value is None or not math.isfinite(value):
        return NONE
    digits = 3 if value < 0.1 else 2 if value < 1 else 1 if value < 100 else 0
    return f"{value:,.{digits}f} s"


def size(value: float | None) -> str:
    """Bytes with their unit."""
    return NONE if value is None or not math.isfinite(value) else format_size(value)


def between(low: float | None, high: float | None) -> str:
    """`(0.91 to 0.93)`, nothing where there is no interval."""
    return "" if low is None or high is None else f"({number(low)} to {number(high)})"


def share(value: float | None) -> str:
    """A part of one as a percentage."""
    if value is None or not math.isfinite(value):
        return NONE
    return "0%" if value == 0 else f"{100 * value:.1f}%"


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def axis_name(document: dict[str, Any]) -> str:
    """What grows along the curves of a `scaling.json`."""
    return "training rows" if document["axis"] == "rows" else str(document["axis"])


def anchor(document: dict[str, Any], n: float) -> str:
    """A place on that axis: `11,314`, `0.25`."""
    return f"{n:,.0f}" if document["axis"] == "rows" else f"{n:g}"


def at(document: dict[str, Any], n: float) -> str:
    """The same with its unit: `11,314 training rows`."""
    return f"{anchor(document, n)} {axis_name(document)}"
