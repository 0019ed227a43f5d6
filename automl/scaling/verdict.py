"""Verdicts: the vocabulary is closed, and every word of it has a rule.

Differences are losses, deep minus classical: > 0 where classical leads. `low` and `high` of a
verdict are the interval at the level it was tested at, so that the two never disagree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from automl.scaling.estimate import Estimate, Series

RateWord: TypeAlias = Literal[
    "deep scales better", "deep scales worse", "equivalent", "no evidence", "depends on tuning"
]
LevelWord: TypeAlias = Literal["deep ahead", "classical ahead", "practically equal", "undecided"]
CrossoverWord: TypeAlias = Literal["observed", "none up to N", "not within 2x", "unknown"]

ALPHA = 0.05
MARGIN = 0.005
"""Of metrics in [0, 1]; elsewhere 1% of the better loss."""
RELATIVE_MARGIN = 0.01
RATE_SHARE = 1 / 3
"""The margin of the rate, a doubling, as a share of the margin of the level."""


@dataclass(frozen=True, slots=True)
class Levels:
    """At which levels a contrast is tested; Holm's for one learner among several."""

    differ: float = ALPHA
    equal: float = ALPHA


@dataclass(frozen=True, slots=True)
class Decision:
    """An estimate, its interval and what follows: -1 deep, 1 classical, 0 equal, None open."""

    value: float
    low: float
    high: float
    sign: Literal[-1, 0, 1] | None

    @property
    def level(self) -> LevelWord:
        words: dict[int | None, LevelWord]
        words = {-1: "deep ahead", 1: "classical ahead", 0: "practically equal", None: "undecided"}
        return words[self.sign]

    @property
    def rate(self) -> RateWord:
        words: dict[int | None, RateWord]
        words = {-1: "deep scales better", 1: "deep scales worse", 0: "equivalent"}
        return words.get(self.sign, "no evidence")


@dataclass(frozen=True, slots=True)
class Crossover:
    """Where two curves cross: the set of n whose interval contains 0."""

    status: CrossoverWord
    low: float | None = None
    high: float | None = None
    above: Literal[-1, 1] | None = None
    """Who leads above it: -1 deep, 1 classical."""


def decide(estimate: Estimate, margin: float, levels: Levels = Levels()) -> Decision:
    """Equal where the 90% interval lies within +-margin, which wins; else by the 95% interval."""
    low, high = estimate.interval(levels.differ)
    sign: Literal[-1, 0, 1] | None = None
    if abs(estimate.value) + estimate.half(2 * levels.equal) <= margin:
        sign = 0
    elif (low > 0 or high < 0) and abs(estimate.value) > margin:
        sign = 1 if estimate.value > 0 else -1
    return Decision(estimate.value, low, high, sign)


def holm(estimates: Sequence[Estimate], margins: Sequence[float]) -> list[Levels]:
    """Levels at which plain intervals decide as Holm's step-down tests (1979) over all do."""
    differ = _holm([estimate.p for estimate in estimates])
    equal = _holm([e.p_equal(m) for e, m in zip(estimates, margins, strict=True)])
    return [Levels(d, e) for d, e in zip(differ, equal, strict=True)]


def _holm(p: Sequence[float]) -> list[float]:
    levels, level, stopped = [ALPHA] * len(p), ALPHA, False
    for place, index in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        if not stopped:
            level = ALPHA / (len(p) - place)
            stopped = p[index] > level
        levels[index] = level
    return levels


def crossover(gap: Series, alpha: float = ALPHA) -> Crossover:
    """Where the gap changes sign within the anchors.

    `observed` needs intervals that exclude 0 with one sign below and the other above;
    `none up to N` the same sign at every anchor of the top three octaves. What lies beyond the
    anchors is not judged here.
    """
    low, high = np.array([gap.at(place).interval(alpha) for place in range(len(gap.n))]).T
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


def _zero(x: np.ndarray, y: np.ndarray) -> float:
    """Where the line through two points is 0."""
    return float(x[0] + (x[1] - x[0]) * y[0] / (y[0] - y[1]))


def margin_of(*scores: float, bounded: bool, greater_is_better: bool) -> float:
    """The smallest difference that matters in practice; a loss is 1 - score as in `Study.loss`."""
    if bounded:
        return MARGIN
    better = 1.0 - max(scores) if greater_is_better else min(scores)
    return RELATIVE_MARGIN * abs(better) if math.isfinite(better) else 0.0


def across_regimes(words: Sequence[RateWord]) -> RateWord | None:
    """`depends on tuning` where regimes decide with opposite signs, else None."""
    opposite: set[RateWord] = {"deep scales better", "deep scales worse"}
    return "depends on tuning" if opposite <= set(words) else None
