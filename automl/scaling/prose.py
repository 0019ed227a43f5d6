"""Verdicts in plain sentences that join level and rate, so that neither is read alone."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.scaling.judge import Judged
    from automl.scaling.picks import Pick
    from automl.scaling.points import Study
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


def sentence(study: Study, one: Judged) -> str:
    """What one contrast says: level, rate, crossover, what could go unseen, who was left out.

    Args:
        study: The study judged; it says how differences are spelled.
        one: The judged contrast.
    """
    return " ".join(
        part
        for part in (
            _level(study, one),
            _rate(study, one),
            _crossover(study, one),
            _unseen(study, one),
            "" if study.single else _absent(one),
        )
        if part
    )


def amount(study: Study, value: float) -> str:
    """A difference without its sign: `0.6 points` of a metric in [0, 1], else as a number."""
    size = abs(value)
    if study.bounded:
        text = _digits(100 * size)
        return f"{text} point" if text == "1" else f"{text} points"
    return f"{_digits(size)} in {study.metric}"


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


def _digits(value: float) -> str:
    """Two significant digits, and no exponent."""
    if value == 0:
        return "0"
    decimals = max(0, 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(decimals, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _standing(one: Judged) -> tuple[str, str]:
    """The sides, a family with the learners that stand for it where the level is told."""
    here = [pair for cell, pair in one.contrast.pairs.items() if cell.n == one.n]
    deep, classical = sides(one)
    return _who(deep, [pick for pick, _ in here]), _who(classical, [pick for _, pick in here])


def _who(family: str, picks: Sequence[Pick]) -> str:
    """A family and its learners, several where halves or repeats chose differently."""
    if not family.startswith("the "):
        return family
    chosen = Counter(point.learner for pick in picks for point in pick.points)
    names = " or ".join(learner for learner, _ in chosen.most_common())
    return f"{family} ({names}, as validation chose)" if len(chosen) > 1 else f"{family} ({names})"


def _level(study: Study, one: Judged) -> str:
    deep, classical = _standing(one)
    at, level = place(study, one.n), one.level
    preposition = "On" if study.axis == "rows" else "At"
    if level.sign in (-1, 1):
        leader, other = (classical, deep) if level.sign == 1 else (deep, classical)
        return f"{preposition} {at}, {leader} leads {other} by {sized(study, level)}."
    if level.sign == 0:
        return (
            f"{preposition} {at}, {deep} and {classical} are practically equal: they differ by "
            f"less than {amount(study, one.margin)}."
        )
    return (
        f"{preposition} {at}, {deep} or {classical}: which is better cannot be told"
        f"{_either(study, level, *sides(one))}."
    )


def _either(study: Study, open_: Decision, deep: str, classical: str) -> str:
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


def _rate(study: Study, one: Judged) -> str:
    deep, classical = sides(one)
    rate = one.rate
    if one.rate_word == "depends on tuning":
        return "Which of them gains with size depends on tuning: the regimes disagree."
    if one.rate_word == "no evidence":
        unknown = f"Whether the difference changes with {_size(study)} cannot be told"
        if not (one.enough and math.isfinite(rate.low)):
            if study.single:
                return f"{unknown} from one fit of so few rows; 'automl scale' looks at more sizes."
            return f"{unknown}: there are too few anchors or repeats."
        return f"{unknown}{_either(study, rate, deep, classical)}."
    if one.rate_word == "equivalent":
        return f"The difference stays practically the same as {_size(study)} grow{_s(study)}."
    better = one.rate_word == "deep scales better"
    grow = f"{_size(study)} grow{_s(study)}"
    how = {
        (1, True): f"{capital(deep)} is behind and catches up: the gap closes",
        (1, False): f"{capital(deep)} is behind and falls further behind: the gap grows",
        (-1, True): f"{capital(deep)} leads and pulls ahead: its lead grows",
        (-1, False): f"{capital(deep)} leads by less as {grow} (both may approach one floor): "
        "its lead shrinks",
    }
    gains, over = (deep, classical) if better else (classical, deep)
    said = how.get((one.level.sign or 0, better), f"{capital(gains)} gains on {over}")
    return f"{said} by {sized(study, rate)} {_doubling(study)}."


def _crossover(study: Study, one: Judged) -> str:
    deep, classical = sides(one)
    crossed, top = one.crossover, place(study, one.n)
    if crossed.status == "observed":
        leader = deep if crossed.above == -1 else classical
        where = f"{_number(study, crossed.low or 0)} and {place(study, crossed.high or 0)}"
        if one.level.sign == crossed.above:
            return f"They cross between {where}; above, {leader} leads."
        return f"They cross between {where}; above, {leader} led, but no longer clearly on {top}."
    if crossed.status == "none up to N":
        first = _number(study, one.contrast.gap.n[one.contrast.gap.inside][0])
        return f"There is no crossover between {first} and {top}; what lies beyond is unknown."
    if crossed.status == "not within 2x":
        return "No crossover is observed, and none is to be expected within 2x."
    return "No crossover is observed; whether one lies within 2x is unknown."


def _number(study: Study, n: float) -> str:
    """A value on the axis without its unit."""
    return f"{n:,.0f}" if study.axis == "rows" else f"{n:.3g}"


def _absent(one: Judged) -> str:
    """Who does not stand for a family, because it did not get as far."""
    names = one.contrast.absent
    if not names:
        return ""
    every = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    return f"Not among the candidates, for they did not get this far: {every}."


def _unseen(study: Study, one: Judged) -> str:
    if one.rate_word not in {"no evidence", "equivalent"} or not one.enough:
        return ""
    if one.detectable == 0 or not math.isfinite(one.detectable):
        return ""
    size = amount(study, one.detectable)
    return f"A change below {size} {_doubling(study)} could have gone unseen."


def _size(study: Study) -> str:
    return AXES[study.axis][1] if study.axis in AXES else study.axis


def _s(study: Study) -> str:
    """The verb's ending: rows grow, a size grows."""
    return "" if _size(study).endswith("s") else "s"


def _doubling(study: Study) -> str:
    return f"per doubling of the {_size(study)}"
