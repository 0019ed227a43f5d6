"""Verdicts from a closed vocabulary, with a rule for every word.

Differences are losses, deep minus classical: > 0 where classical leads. `low` and `high` of a
verdict are the interval at the level of its test, so that the two never disagree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from automl.scaling.criteria import CRITERIA

if TYPE_CHECKING:
    from automl.scaling.estimate import Estimate, Series, Sign
    from automl.types import Array

RateWord: TypeAlias = Literal[
    "deep scales better",
    "deep scales worse",
    "equivalent",
    "no evidence",
    "undecided",
    "depends on tuning",
    "depends on the scale",
]
LevelWord: TypeAlias = Literal["deep ahead", "classical ahead", "practically equal", "undecided"]
CrossoverWord: TypeAlias = Literal[
    "observed", "none up to N", "not within 2x", "unknown", "undecided"
]


@dataclass(frozen=True, slots=True)
class SignificanceLevels:
    """Significance levels of the tests of a contrast; Holm's for one learner among several."""

    differ: float = CRITERIA.alpha
    equal: float = CRITERIA.alpha


@dataclass(frozen=True, slots=True)
class Decision:
    """An estimate, its interval and the decision: -1 deep, 1 classical, 0 equal, None open."""

    value: float
    low: float
    high: float
    sign: Sign | None
    bound: bool = False
    """True if fits that were cut short make the value a bound."""

    @property
    def level(self) -> LevelWord:
        words: dict[int | None, LevelWord]
        words = {-1: "deep ahead", 1: "classical ahead", 0: "practically equal", None: "undecided"}
        return words[self.sign]


@dataclass(frozen=True, slots=True)
class Rate:
    """Change of a difference with a doubling, on two scales, and the verdict.

    If two losses fall by equal shares at every doubling, their difference shrinks and their ratio
    stays; if they fall by equal amounts, their difference stays and their ratio changes. So
    "better" and "worse" need both: an interaction on one scale alone is removable (Loftus 1978).
    """

    difference: Decision
    """Change of the difference of the losses: > 0 where classical gains."""
    ratio: Decision
    """Change of log2 of deep loss over classical loss."""
    word: RateWord


@dataclass(frozen=True, slots=True)
class Crossover:
    """The crossing of two curves: the range of n whose interval contains 0."""

    status: CrossoverWord
    low: float | None = None
    high: float | None = None
    above: Literal[-1, 1] | None = None
    """The leader above the crossing: -1 deep, 1 classical."""


def decide(
    estimate: Estimate, margin: float, levels: SignificanceLevels = SignificanceLevels()
) -> Decision:
    """Decide on a difference.

    *Equal*, which takes precedence: two one-sided tests put the difference within the margin.
    *Apart*: the interval excludes 0, and a one-sided test at that level puts the difference beyond
    the margin. Neither is decided against a side whose fits were cut short.
    """
    sign: Sign | None = None
    if estimate.p_within(margin) <= levels.equal:
        sign = None if estimate.bound else 0
    elif estimate.p_beyond(margin) <= levels.differ:
        sign = estimate.sign(levels.differ) or None
    return _decision(estimate, sign, levels)


def decide_rate(
    difference: Estimate,
    ratio: Estimate,
    margin: float,
    levels: SignificanceLevels = SignificanceLevels(),
) -> Rate:
    """Decide on a change per doubling.

    Args:
        difference: Slope of the difference of the losses.
        ratio: Slope of log2 of their ratio.
        margin: Smallest change of the difference by one doubling that matters.
        levels: Significance levels of the tests.
    """
    signs = [one.sign(levels.differ) for one in (difference, ratio)]
    bound = difference.bound or ratio.bound
    word: RateWord = "no evidence"
    sign: Sign | None = None
    if difference.p_within(margin) <= levels.equal and not bound:
        word, sign = "equivalent", 0
    elif signs[0] == signs[1] != 0:
        word, sign = ("deep scales better", -1) if signs[0] < 0 else ("deep scales worse", 1)
    elif bound:
        word = "undecided"
    elif any(signs):
        word = "depends on the scale"
    return Rate(
        _decision(difference, signs[0] or None if sign is None else sign, levels),
        _decision(ratio, signs[1] or None, levels),
        word,
    )


def _decision(estimate: Estimate, sign: Sign | None, levels: SignificanceLevels) -> Decision:
    return Decision(estimate.value, *estimate.interval(levels.differ), sign, estimate.bound)


def described(estimate: Estimate, alpha: float) -> Decision:
    """An estimate with its `1 - alpha` interval, and no decision."""
    return _decision(estimate, None, SignificanceLevels(differ=alpha))


def p_apart(estimate: Estimate, margin: float) -> float:
    """p-value of the test that a difference is not 0 and lies beyond the margin."""
    return max(estimate.p, estimate.p_beyond(margin))


def holm(differ: Sequence[float], equal: Sequence[float]) -> list[SignificanceLevels]:
    """Levels at which single tests decide as Holm's step-down procedure (1979) does.

    Args:
        differ: p-values of the tests that each contrast differs from 0 (beyond the margin).
        equal: p-values of the tests that each contrast is too small to matter.
    """
    pairs = zip(_holm(differ), _holm(equal), strict=True)
    return [SignificanceLevels(*pair) for pair in pairs]


def _holm(p: Sequence[float]) -> list[float]:
    alpha = CRITERIA.alpha
    levels, level, stopped = [alpha] * len(p), alpha, False
    for place, index in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        if not stopped:
            level = alpha / (len(p) - place)
            stopped = p[index] > level
        levels[index] = level
    return levels


def crossover(
    gap: Series, anchors: Sequence[Estimate] | None = None, alpha: float = CRITERIA.alpha
) -> Crossover:
    """Find where the gap changes sign within the anchors.

    `observed` needs intervals that exclude 0 with one sign below and the other above;
    `none up to N` one sign at every anchor of the top three octaves; `undecided` would be one
    of the two if no fits had been cut short. Rows beyond the anchors are not judged here.

    Args:
        gap: The difference of the losses.
        anchors: It at each anchor, where its variance was moderated.
        alpha: Significance level of the intervals.
    """
    every = [gap.at(place) for place in range(len(gap.n))] if anchors is None else anchors
    found = _crossing(gap, every, alpha)
    if found.status == "unknown":
        blind = [replace(one, lower=False, higher=False) for one in every]
        if _crossing(gap, blind, alpha).status != "unknown":
            return Crossover("undecided")
    return found


def _crossing(gap: Series, anchors: Sequence[Estimate], alpha: float) -> Crossover:
    low, high = np.array([_reach(one, alpha) for one in anchors]).T
    sign = np.where(low > 0, 1, np.where(high < 0, -1, 0))
    decided = np.flatnonzero(sign)
    turns = [i for i in range(1, len(decided)) if sign[decided[i]] != sign[decided[i - 1]]]
    if len(turns) == 1:
        first, last = decided[turns[0] - 1], decided[turns[0]]
        x, down = np.log2(gap.n), sign[first] > 0
        begins = _zero(x[first : first + 2], (low if down else high)[first : first + 2])
        ends = _zero(x[last - 1 : last + 1], (high if down else low)[last - 1 : last + 1])
        return Crossover("observed", 2.0**begins, 2.0**ends, -1 if down else 1)
    inside = sign[gap.inside]
    if len(inside) > 1 and not turns and abs(int(inside.sum())) == len(inside):
        return Crossover("none up to N")
    return Crossover("unknown")


def _reach(estimate: Estimate, alpha: float) -> tuple[float, float]:
    """The interval of an anchor; infinite towards values that censored fits might have."""
    low, high = estimate.interval(alpha)
    return -math.inf if estimate.lower else low, math.inf if estimate.higher else high


def _zero(x: Array, y: Array) -> float:
    """Zero of the line through two points; if one value is infinite, the place of the other."""
    if math.isinf(y[0]) or math.isinf(y[1]):
        return float(x[1] if math.isinf(y[0]) else x[0])
    return float(x[0] + (x[1] - x[0]) * y[0] / (y[0] - y[1]))


def margin_of(*scores: float, bounded: bool, greater_is_better: bool) -> float:
    """Smallest difference that matters in practice; losses are those of `Study.loss`."""
    if bounded:
        return CRITERIA.margin
    better = 1.0 - max(scores) if greater_is_better else min(scores)
    return CRITERIA.relative_margin * abs(better) if math.isfinite(better) else 0.0


def across_regimes(words: Sequence[RateWord]) -> RateWord | None:
    """`depends on tuning` if regimes decide with opposite signs, else None."""
    opposite: set[RateWord] = {"deep scales better", "deep scales worse"}
    return "depends on tuning" if opposite <= set(words) else None
