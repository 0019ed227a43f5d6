"""From the effect on every table to one word, as docs/claims.md explains it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GENERAL = 12
"""Tables that a general verdict needs."""
LEVEL = 0.05
EACH_WAY = 2
"""Tables that must decide for it, and against it, before a claim is called mixed: by chance that
happens to fewer than one claim in a hundred."""


@dataclass(frozen=True)
class Effect:
    """Effect on one table; above 0 it speaks for the claim."""

    value: float
    error: float
    """Its standard error within the table; NaN where it is not known."""
    freedom: float = math.inf
    """Degrees of freedom of the error."""


@dataclass(frozen=True)
class Judged:
    """Verdict of all tables together."""

    tables: int
    typical: float
    """Hodges and Lehmann's estimate: the median of the means of all pairs of tables."""
    low: float
    high: float
    p: float
    p_alike: float
    """P-value of the two one-sided tests that the typical effect lies within the margin."""
    detectable: float
    ahead: int
    """Tables that decide for the claim by themselves, each at 95%."""
    behind: int


def pool(effects: Mapping[str, Effect], kind: Literal["more", "not less"], margin: float) -> Judged:
    """Typical effect over tables, Wilcoxon's signed-rank p, and the 95% interval that goes with it.

    One table on which a learner fails altogether weighs no more than any other: ranks count, not
    sizes.

    Args:
        effects: Table -> its effect.
        kind: Whether the claim says that something is more, or only that it is not less.
        margin: Of practical equivalence; a claim of "not less" is tested against minus it.
    """
    values = np.array([effect.value for effect in effects.values()])
    half = np.array([stats.t.ppf(1 - LEVEL / 2, e.freedom) * e.error for e in effects.values()])
    null = -margin if kind == "not less" else 0.0
    count = len(values)
    pairs = _pairs(values)
    low, high = _interval(pairs, count, LEVEL)
    error = (high - low) / 2 / stats.norm.ppf(0.975)
    return Judged(
        tables=count,
        typical=float(np.median(pairs)),
        low=low,
        high=high,
        p=float(stats.wilcoxon(values - null).pvalue),
        p_alike=max(
            float(stats.wilcoxon(values + margin, alternative="greater").pvalue),
            float(stats.wilcoxon(values - margin, alternative="less").pvalue),
        ),
        detectable=float((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * error),
        ahead=int((values - half > (null if kind == "not less" else margin)).sum()),
        behind=int((values + half < -margin).sum()),
    )


def on_both_scales(one: Judged, other: Judged) -> Judged:
    """An effect that counts only if it goes the same way on another scale."""
    agree = one.typical * other.typical > 0
    return replace(one, p=max(one.p, other.p) if agree else 1.0)


def _pairs(values: np.ndarray) -> np.ndarray:
    """Walsh averages in order: the mean of every pair, each value paired with itself too."""
    one, other = np.triu_indices(len(values))
    return np.sort((values[one] + values[other]) / 2)


def _interval(pairs: np.ndarray, count: int, alpha: float) -> tuple[float, float]:
    """Interval of the exact signed-rank test; without end where tables are too few.

    Hollander, Wolfe and Chicken (2014), Nonparametric Statistical Methods, section 3.3.
    """
    ways = np.ones(1)
    for rank in range(1, count + 1):  # the null distribution of the sum of positive ranks
        ways = np.convolve(ways, [1.0] + [0.0] * (rank - 1) + [1.0])
    cut = int((np.cumsum(ways) / 2.0**count <= alpha / 2).sum())
    if cut == 0:
        return -np.inf, np.inf
    return float(pairs[cut - 1]), float(pairs[-cut])


def verdicts(
    judged: Sequence[Judged], kinds: Sequence[str], margins: Sequence[float], claims: int
) -> list[tuple[str, float]]:
    """The word of each claim with its p adjusted for the length of the ledger.

    Benjamini-Hochberg over all its claims; one not judged yet counts as if it had shown nothing.
    "mixed" where tables decide for a claim and others against it; "supported" and "contradicted"
    need twelve tables. A claim of "more" needs an effect above the margin.
    """
    differ = _adjusted([one.p for one in judged], claims)
    alike = _adjusted([one.p_alike for one in judged], claims)
    told = zip(judged, kinds, margins, differ, alike, strict=True)
    return [(_word(one, kind, margin, p, q), p) for one, kind, margin, p, q in told]


def _adjusted(p: Sequence[float], claims: int) -> list[float]:
    every = [*p, *[1.0] * (claims - len(p))]
    return [float(q) for q in multipletests(every, alpha=LEVEL, method="fdr_bh")[1][: len(p)]]


def _word(one: Judged, kind: str, margin: float, p: float, p_alike: float) -> str:
    null, least = (-margin, -margin) if kind == "not less" else (0.0, margin)
    if min(one.ahead, one.behind) >= EACH_WAY:
        return "mixed"
    if one.tables < GENERAL:
        return "underpowered"
    if kind == "more" and p_alike <= LEVEL:
        return "contradicted"  # shown to make no difference that matters
    if p <= LEVEL and one.low > null and one.typical > least:
        return "supported"
    return "contradicted" if p <= LEVEL and one.high < null else "underpowered"
