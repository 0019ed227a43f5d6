"""Estimates of several contrasts whose variances between repeats borrow from each other."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from automl.scaling.prior import moderate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.scaling.estimate import Estimate, Spread


def moderated(estimates: Sequence[Estimate], told: Sequence[bool]) -> list[Estimate]:
    """Moderate the variances between repeats of estimates of one kind.

    Args:
        estimates: One a contrast.
        told: Whether a contrast is of one learner. Those tell of the prior; the families', whose
            sides are some of them, is drawn to it too.
    """
    known = [(i, one.spread) for i, one in enumerate(estimates) if one.spread is not None]
    own = np.array([told[i] for i, _ in known], dtype=bool)
    if own.sum() < 2:
        return list(estimates)
    found = moderate(
        np.array([spread.variance for _, spread in known]),
        np.array([spread.df for _, spread in known]),
        most=together([spread for i, spread in known if told[i]]),
        told=own,
    )
    result = list(estimates)
    for (i, spread), variance, df in zip(known, *found, strict=True):
        error = spread.error(float(variance), float(df))
        result[i] = replace(estimates[i], errors=(error, *estimates[i].errors[1:]))
    return result


def together(spreads: Sequence[Spread]) -> float:
    """Degrees of freedom that several variances have together.

    Contrasts share their rival and its rows. The variances of two normal values that correlate by
    r correlate by r squared; what few repeats add to r squared by chance is taken off.

    Args:
        spreads: Of contrasts.
    """
    alike = [
        shared
        for one, other in combinations(spreads, 2)
        if (shared := _alike(one, other)) is not None
    ]
    common = float(np.clip(np.mean(alike), 0.0, 1.0)) if alike else 1.0
    return sum(spread.df for spread in spreads) / (1 + (len(spreads) - 1) * common)


def _alike(one: Spread, other: Spread) -> float | None:
    """Squared correlation, less what chance adds to it; None with too few repeats in common."""
    _, here, there = np.intersect1d(one.repeats, other.repeats, return_indices=True)
    a, b = one.residuals[here], other.residuals[there]
    df = min(one.df, other.df)
    square = float((a @ a) * (b @ b))
    if df < 2 or square <= 0:
        return None
    return (float(a @ b) ** 2 / square - 1 / df) / (1 - 1 / df)
