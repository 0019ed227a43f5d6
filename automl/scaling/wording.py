"""How sentences spell differences, places on an axis, and the two sides of a contrast."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Literal

from automl.units import about

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.scaling.judge import Judged
    from automl.scaling.points import Regime, Study
    from automl.scaling.verdict import Decision

AXES: Mapping[str, tuple[str, str]] = {
    "rows": ("{:,.0f} training rows", "rows"),
    "labels": ("{:.3g}% of the labels", "labels"),
    "label-noise": ("{:.3g}% wrong labels", "wrong labels"),
    "missingness": ("{:.3g}% of the cells blanked", "blanked cells"),
    "missing-by-value": ("{:.3g}% of the cells blanked by their value", "blanked cells"),
    "features": ("{:,.0f} feature columns", "columns"),
    "noise-columns": ("{:,.0f} noise columns", "noise columns"),
    "cardinality": ("{:,.0f} levels a category", "levels of categories"),
    "model-size": ("{:.3g} times the usual model size", "model size"),
    "budget": ("{:,.0f} configurations", "configurations"),
    "workers": ("{:,.0f} CPUs", "CPUs"),
}
"""Axis -> a value on it, and what is doubled, in words."""

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

    As many decimals as half the interval needs for one significant digit, or for two below 2.5 of
    its unit.
    """
    low, high = sorted((abs(decision.low), abs(decision.high)))
    if decision.low * decision.high < 0:
        low = -low
    unit = 100.0 if study.bounded else 1.0
    half = unit * (decision.high - decision.low) / 2
    if not (math.isfinite(half) and half > 0):
        return amount(study, decision.value)
    decimals = min(max(0, -math.floor(math.log10(half / 2.5))), 6)
    value, first, last = (
        f"{unit * number:,.{decimals}f}" for number in (abs(decision.value), low, high)
    )
    what = "points" if study.bounded else f"in {study.metric}"
    return f"{value} {what} ({first} to {last})"


def place(study: Study, n: float) -> str:
    """Where on the axis: `39,073 training rows`."""
    return AXES[study.axis][0].format(n) if study.axis in AXES else f"{study.axis} {n:g}"


def sides(one: Judged) -> tuple[str, str]:
    """How a sentence calls the deep and the classical side."""
    if one.contrast.kind == "family":
        return "the best deep learner", "the best classical learner"
    rivals = {point.learner for _, pick in one.contrast.pairs.values() for point in pick.points}
    several = len(rivals) > 1  # halves or repeats chose differently
    return one.contrast.deep, "the best classical learner" if several else one.contrast.classical


def capital(text: str) -> str:
    """A family's name begins a sentence with a capital; a learner's name stays as it is."""
    return text[0].upper() + text[1:] if text.startswith("the ") else text


def either(study: Study, open_: Decision, deep: str, classical: str) -> str:
    """Between what and what an undecided difference lies."""
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
    """What the time limit cut short, and what it would take to let it end."""
    seconds = math.fsum(cut.seconds for cut in one.contrast.cut)
    needs = f"; to let them end takes up to {about(seconds)} more" if math.isfinite(seconds) else ""
    cuts = [cut_text(study, one, side) for side in (0, 1) if one.contrast.cut[side]]
    return f"{capital(', and '.join(cuts))}{needs}."


def cut_text(study: Study, one: Judged, side: Literal[0, 1]) -> str:
    """What the time limit cut short: `the classical side was cut short in 4 of 6 fits`.

    Args:
        study: The study judged.
        one: The judged contrast.
        side: 0 for the deep one, 1 for the classical one.
    """
    cut = one.contrast.cut[side]
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
    """What grows along the axis: `rows`."""
    return AXES[study.axis][1] if study.axis in AXES else study.axis


def doubling(study: Study) -> str:
    """The unit of a rate: `per doubling of the rows`."""
    return f"per doubling of the {size(study)}"


def times(octaves: float) -> float:
    """By what a change of log2 multiplies; infinite where that is beyond all numbers."""
    return math.inf if octaves > sys.float_info.max_exp - 1 else 2.0**octaves


def number(study: Study, n: float) -> str:
    """A value on the axis without its unit."""
    return f"{n:,.0f}" if study.axis == "rows" else f"{n:.3g}"


def digits(value: float) -> str:
    """Two significant digits, and no exponent."""
    if value == 0:
        return "0"
    decimals = max(0, 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(decimals, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
