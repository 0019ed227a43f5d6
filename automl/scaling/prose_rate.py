"""Sentences on the rate: the change of a difference with a doubling, on two scales."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from automl.scaling.verdict import Decision
from automl.scaling.wording import (
    amount,
    capital,
    digits,
    doubling,
    either,
    limit,
    sides,
    size,
    sized,
    times,
)

if TYPE_CHECKING:
    from automl.scaling.judge import Judged
    from automl.scaling.points import Study


def rate(study: Study, one: Judged) -> str:
    """State which side gains with a doubling and by how much, or why that is open."""
    tell = {
        "deep scales better": _gain,
        "deep scales worse": _gain,
        "depends on the scale": _scales,
        "depends on tuning": _tuning,
        "equivalent": _same,
        "no evidence": _nothing,
        "undecided": _undecided,
    }
    return tell[one.rate.word](study, one)


def _gain(study: Study, one: Judged) -> str:
    deep, classical = sides(one)
    better = one.rate.word == "deep scales better"
    floor = "(both may be nearing one floor)"
    how = {
        (1, True): f"{capital(deep)} is behind and catches up {floor}: the gap closes",
        (1, False): f"{capital(deep)} is behind and falls further behind: the gap grows",
        (-1, True): f"{capital(deep)} leads and pulls ahead: its lead grows",
        (-1, False): f"{capital(deep)} leads and is caught up {floor}: its lead shrinks",
    }
    gains, over = (deep, classical) if better else (classical, deep)
    said = how.get((one.level.sign or 0, better), f"{capital(gains)} gains on {over}")
    by = f"{sized(study, one.rate.difference)} {doubling(study)}"
    return f"{said} by {by}, {_ratio(one)}."


def _ratio(one: Judged) -> str:
    """Change of the ratio of the losses: `and the ratio of the losses falls by 4% (2 to 6)`."""
    ratio = one.rate.ratio
    ends = sorted(abs(times(end) - 1) for end in (ratio.low, ratio.high))
    value, low, high = (digits(100 * share) for share in (abs(times(ratio.value) - 1), *ends))
    goes = "falls" if ratio.value < 0 else "rises"
    return f"and the ratio of the losses, deep over classical, {goes} by {value}% ({low} to {high})"


def _scales(study: Study, one: Judged) -> str:
    """State that one scale shows a gain which the other does not."""
    deep, classical = sides(one)
    difference, ratio = one.rate.difference, one.rate.ratio
    gainer = {-1: deep, 1: classical}
    if difference.sign:
        by = f"{sized(study, difference)} {doubling(study)}"
        first = f"by the difference {gainer[difference.sign]} gains {by}"
    else:
        range_ = either(study, difference, deep, classical)
        first = f"by the difference neither is shown to gain{range_}"
    low, high = (f"{times(end):.3g}" for end in (ratio.low, ratio.high))
    if not math.isfinite(ratio.value):
        second = "the ratio of the losses is not defined, for not all of them are above 0"
    elif ratio.sign:
        by = f"a doubling multiplies deep loss over classical loss by {times(ratio.value):.3g}"
        second = f"by the ratio {gainer[ratio.sign]} gains: {by} ({low} to {high})"
    else:
        by = f"a doubling multiplies deep loss over classical loss by {low} to {high}"
        second = f"by the ratio neither is shown to gain: {by}"
    return f"Who gains with {size(study)} depends on the scale: {first}; {second}."


def _tuning(study: Study, one: Judged) -> str:
    del study, one
    return "Which of them gains with size depends on tuning: the regimes disagree."


def _same(study: Study, one: Judged) -> str:
    text = (
        f"The difference stays practically the same: a doubling of the {size(study)} changes it "
        f"by less than {amount(study, one.margin)}"
    )
    return f"{text}, {_ratio(one)}." if one.rate.ratio.sign else f"{text}."


def _nothing(study: Study, one: Judged) -> str:
    unknown = f"Whether the difference changes with {size(study)} cannot be told"
    difference = one.rate.difference
    if one.enough and math.isfinite(difference.low):
        return f"{unknown}{either(study, difference, *sides(one))}."
    if study.single:
        return f"{unknown} by one fit at so few sizes; 'automl scale' looks at more of them."
    return f"{unknown}: there are too few anchors or repeats."


def _undecided(study: Study, one: Judged) -> str:
    unknown = f"Whether the difference changes with {size(study)} is undecided"
    if one.level.sign is None and one.level.bound:
        return f"{unknown} for the same reason."
    return f"{unknown}. {limit(study, one)}"


def envelope(study: Study, one: Judged) -> str:
    """Describe the rate when each side's best is chosen anew at every anchor."""
    if one.contrast.envelope is None or not one.enough or any(one.contrast.cut_short):
        return ""
    slope = one.contrast.envelope.slope()
    if not math.isfinite(slope.value):
        return ""
    found = Decision(slope.value, *slope.interval(), None)
    gainer = sides(one)[0 if slope.value < 0 else 1]
    gains = f"{gainer} gains {sized(study, found)} {doubling(study)}"
    if found.low < 0 < found.high:
        gains = f"neither is seen to gain{either(study, found, *sides(one))}"
    return (
        f"If each side's best is chosen anew at every value (its envelope), {gains}; this "
        "describes and was not tested."
    )


def detectable(study: Study, one: Judged) -> str:
    """State the smallest change that would have been found, where none was."""
    if one.rate.word not in {"no evidence", "equivalent"} or not one.enough:
        return ""
    if one.detectable == 0 or not math.isfinite(one.detectable):
        return ""
    size = amount(study, one.detectable)
    return f"A true change of {size} {doubling(study)} would have been found four times in five."
