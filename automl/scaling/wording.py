"""Wording of differences, values on an axis, and the two sides of a contrast."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Literal

from automl.units import about

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.scaling.judge import Judged
    from automl.scaling.points import Study
    from automl.scaling.verdict import Decision
    from automl.types import Regime

MOST_DECIMALS = 6
"""Decimals of a tiny number; with more of them it reads no better than 0."""

AXES: Mapping[str, tuple[str, str]] = {
    "rows": ("{:,.0f} training rows", "rows"),
    "labels": ("{:.3g}% of the labels", "labels"),
    "label-noise": ("{:.3g}% wrong labels", "wrong labels"),
    "missingness": ("{:.3g}% of the cells blanked", "blanked cells"),
    "missing-by-value": ("{:.3g}% of the cells blanked by their value", "blanked cells"),
    "features": ("{:,.0f} feature columns", "columns"),
    "noise-columns": ("{:,.0f} noise columns", "noise columns"),
    "cardinality": ("{:,.0f} levels a category", "levels of categories"),
    "model-size": ("{:.3g} times the default model size", "model size"),
    "budget": ("{:,.0f} configurations", "configurations"),
    "workers": ("{:,.0f} CPUs", "CPUs"),
}
"""Axis -> format of a value on it, and name of the quantity that is doubled."""

SETTINGS: Mapping[Regime, str] = {
    "halving": "the settings that the search left at each number of rows",
    "default": "default settings",
    "transferred": "settings tuned once",
    "retuned": "settings tuned anew at every value",
}


def amount(study: Study, value: float) -> str:
    """A difference without its sign: `0.6 points` of a metric in [0, 1], else as a number."""
    size = abs(value)
    if study.bounded:
        text = digits(100 * size)
        return f"{text} point" if text == "1" else f"{text} points"
    return f"{digits(size)} in {study.metric}"


def sized(study: Study, decision: Decision) -> str:
    """The size of a difference whose sign is known: `0.6 points (0.3 to 0.9)`.

    Half the width of the interval gets one significant digit, or two if those are below 25.
    """
    low, high = sorted((abs(decision.low), abs(decision.high)))
    if decision.low * decision.high < 0:
        low = -low
    unit = 100.0 if study.bounded else 1.0
    half = unit * (decision.high - decision.low) / 2
    if not (math.isfinite(half) and half > 0):
        return amount(study, decision.value)
    decimals = _decimals(half / 2.5)
    value, first, last = (
        f"{unit * number:,.{decimals}f}" for number in (abs(decision.value), low, high)
    )
    what = "points" if study.bounded else f"in {study.metric}"
    return f"{value} {what} ({first} to {last})"


def place(study: Study, n: float) -> str:
    """A value on the axis with its unit: `39,073 training rows`."""
    if study.axis == "rows" and n == 1:
        return "1 training row"
    return AXES[study.axis][0].format(n) if study.axis in AXES else f"{study.axis} {n:g}"


def sides(one: Judged) -> tuple[str, str]:
    """Names of the deep and the classical side in sentences."""
    if one.contrast.kind == "family":
        return "the best deep learner", "the best classical learner"
    rivals = {point.learner for _, pick in one.contrast.pairs.values() for point in pick.points}
    several = len(rivals) > 1  # halves or repeats chose differently
    return one.contrast.deep, "the best classical learner" if several else one.contrast.classical


def capital(text: str) -> str:
    """Capitalise the name of a family; leave the name of a learner."""
    return text[0].upper() + text[1:] if text.startswith("the ") else text


def either(study: Study, open_: Decision, deep: str, classical: str) -> str:
    """Range of an undecided difference, in brackets."""
    if not (math.isfinite(open_.low) and math.isfinite(open_.high)):
        return ""
    if open_.low < 0 < open_.high:
        return (
            f" (anything between {amount(study, open_.low)} in favour of {deep} and "
            f"{amount(study, open_.high)} in favour of {classical})"
        )
    favoured = classical if open_.value > 0 else deep
    return (
        f" ({sized(study, open_)} in favour of {favoured}: too little to be sure that it matters)"
    )


def limit(study: Study, one: Judged) -> str:
    """A sentence on the fits that the time limit cut short, and the time to complete them."""
    seconds = math.fsum(cut.seconds for cut in one.contrast.cut_short)
    needs = f"; to let them end takes up to {about(seconds)} more" if math.isfinite(seconds) else ""
    cuts = [cut_text(study, one, side) for side in (0, 1) if one.contrast.cut_short[side]]
    return f"{capital(', and '.join(cuts))}{needs}."


def cut_text(study: Study, one: Judged, side: Literal[0, 1]) -> str:
    """Describe the fits of a side that were cut short: `... was cut short in 4 of 6 fits`.

    Args:
        study: The judged study.
        one: The judged contrast.
        side: 0 for the deep side, 1 for the classical side.
    """
    cut = one.contrast.cut_short[side]
    alone = one.contrast.kind == "learner" and side == 0
    told = []
    if cut.learners:
        names = "" if alone else f" ({', '.join(cut.learners)})"
        fits = f"{cut.censored} of {cut.fits} fits{names}"
        told.append(f"was cut short by the time limit in {fits}")
    if cut.left_behind:
        *others, last = cut.left_behind
        names = f"{', '.join(others)} and {last}" if others else last
        told.append(f"lacks {names}, which time kept from {place(study, one.n)}")
    who = one.contrast.deep if alone else f"the {('deep', 'classical')[side]} side"
    return f"{who} {' and '.join(told)}"


def size(study: Study) -> str:
    """Name of the quantity along the axis: `rows`."""
    return AXES[study.axis][1] if study.axis in AXES else study.axis


def doubling(study: Study) -> str:
    """The unit of a rate: `per doubling of the rows`."""
    return f"per doubling of the {size(study)}"


def times(octaves: float) -> float:
    """2 to the power of `octaves`; infinite where that exceeds the largest float."""
    return math.inf if octaves > sys.float_info.max_exp - 1 else 2.0**octaves


def number(study: Study, n: float) -> str:
    """A value on the axis without its unit."""
    return f"{n:,.0f}" if study.axis == "rows" else f"{n:.3g}"


def digits(value: float) -> str:
    """A number with two significant digits and no exponent."""
    if value == 0:
        return "0"
    text = f"{value:,.{_decimals(abs(value) / 10)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimals(unit: float) -> int:
    """Decimals that show a multiple of `unit`, at most `MOST_DECIMALS`."""
    return min(max(0, -math.floor(math.log10(unit))), MOST_DECIMALS)
