"""From the effect on every table to one word, as docs/claims.md explains it."""

from __future__ import annotations

from dataclasses import dataclass
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
"""Tables that must decide for it, and against it, before a claim is called mixed."""


@dataclass(frozen=True)
class Effect:
    """What one table says; above 0 it speaks for the claim."""

    value: float
    error: float
    """Its standard error within the table; NaN where it is not known."""


@dataclass(frozen=True)
class Judged:
    """What all tables say together."""

    tables: int
    mean: float
    low: float
    high: float
    p: float
    detectable: float
    ahead: int
    """Tables that decide for the claim by themselves."""
    behind: int


def pool(effects: Mapping[str, Effect], kind: Literal["more", "not less"], margin: float) -> Judged:
    """Mean effect over tables with its 95% t interval, and Wilcoxon's signed-rank p.

    Args:
        effects: Table -> its effect.
        kind: Whether the claim says that something is more, or only that it is not less.
        margin: Of practical equivalence; a claim of "not less" is tested against minus it.
    """
    values = np.array([effect.value for effect in effects.values()])
    errors = np.array([effect.error for effect in effects.values()])
    null = -margin if kind == "not less" else 0.0
    count = len(values)
    error = values.std(ddof=1) / np.sqrt(count)
    half = stats.t.ppf(0.975, count - 1) * error
    sure = stats.norm.ppf(1 - LEVEL / 2 / count) * errors  # Bonferroni: the tables are many
    return Judged(
        tables=count,
        mean=float(values.mean()),
        low=float(values.mean() - half),
        high=float(values.mean() + half),
        p=float(stats.wilcoxon(values - null).pvalue),
        detectable=float((stats.t.ppf(0.975, count - 1) + stats.t.ppf(0.8, count - 1)) * error),
        ahead=int((values - sure > max(null, 0 if kind == "not less" else margin)).sum()),
        behind=int((values + sure < -margin).sum()),
    )


def verdicts(
    judged: Sequence[Judged], kinds: Sequence[str], margins: Sequence[float]
) -> list[tuple[str, float]]:
    """The word of each claim with its p adjusted for the length of the ledger.

    Benjamini-Hochberg over all rows. "mixed" where tables decide for a claim and others against
    it; "supported" and "contradicted" need twelve tables.
    """
    adjusted = multipletests([one.p for one in judged], alpha=LEVEL, method="fdr_bh")[1]
    told = zip(judged, kinds, margins, adjusted, strict=True)
    return [(_word(one, kind, margin, p), float(p)) for one, kind, margin, p in told]


def _word(one: Judged, kind: str, margin: float, p: float) -> str:
    null = -margin if kind == "not less" else 0.0
    if min(one.ahead, one.behind) >= EACH_WAY:
        return "mixed"
    if one.tables < GENERAL:
        return "underpowered"
    if p <= LEVEL and (one.low > null or one.high < null):
        return "supported" if one.mean > null else "contradicted"
    narrow = stats.t.ppf(0.95, one.tables - 1) / stats.t.ppf(0.975, one.tables - 1)
    if kind == "more" and abs(one.mean) + narrow * (one.high - one.mean) < margin:
        return "contradicted"  # shown to make no difference that matters
    return "underpowered"
