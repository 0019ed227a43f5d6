"""Greedy ensemble selection with replacement (Caruana et al. 2004)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from automl_ensemble.blends import blend_losses, rows_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl import Metric

    Array: TypeAlias = np.ndarray[Any, Any]

EQUAL_ROWS = 100
"""Rows on which equal weights and selected ones are worth the same."""
FEWEST = 3
"""Members that share equally, at least."""
LEAST_SHRUNK = 0.15
"""Shrinkage below which the weights stay as selected."""
TIE = 1e-6
"""Losses this close, relative to their size, count as equal."""


def build(seed: int) -> Greedy:
    """The algorithm that the ensemblers of this plugin name."""
    return Greedy(seed)


@dataclass(frozen=True, slots=True)
class Greedy:
    """Adds, one at a time, the member that helps the blend most, and keeps the best prefix.

    Few rows say little about which blend is best, so there the weights shrink towards equal ones
    of the better third: by `EQUAL_ROWS / (EQUAL_ROWS + rows)`, rows of rare classes counting more
    than others. On many rows that would only keep members that add nothing.
    """

    seed: int
    rounds: int = 25
    patience: int = 12
    """Rounds without a better blend before the path ends early."""
    max_rows: int = 20_000

    def fit(self, predictions: Array, y: Array, metric: Metric) -> Array:
        """Weights of the members; equal ones for anomaly detectors.

        There is no truth to weigh detectors by, and the plain mean of diverse ones on one scale
        is hard to beat (Aggarwal and Sathe 2015, Theoretical foundations of outlier ensembles).

        Args:
            predictions: (m, n) or (m, n, k) float32 out-of-fold predictions of m members.
            y: (n,) codes or values.
            metric: What the blend should do best.

        Returns:
            (m,) float64 weights, none negative, that sum to one.
        """
        if metric.tasks <= {"anomaly"}:
            return np.full(len(predictions), 1 / len(predictions))
        equal = _shrinkage(y, classes=predictions.ndim == 3)
        n = min(self.max_rows, rows_for(predictions, metric))
        if n < len(y):
            rng = np.random.default_rng(self.seed)
            drawn = np.sort(rng.choice(len(y), n, replace=False))
            predictions, y = predictions[:, drawn], y[drawn]
        losses = blend_losses(predictions, y, metric)
        members = len(predictions)
        shares = select(losses, members, self.rounds, self.patience)
        if not equal:
            return shares
        good = np.argsort(losses(np.zeros(members)), kind="stable")[: max(FEWEST, members // 3)]
        even = np.zeros(members)
        even[good] = 1 / len(good)
        return (1 - equal) * shares + equal * even


def _shrinkage(y: Array, *, classes: bool) -> float:
    """Part of the weights that is shared out equally.

    A row counts by how far the classes are from one holding all: 1 where they are equal.
    """
    rows = float(len(y))
    if classes:
        shares = np.unique(y, return_counts=True)[1] / len(y)
        rows *= (1 - np.square(shares).sum()) / max(1 - 1 / len(shares), 1e-12)
    equal = EQUAL_ROWS / (EQUAL_ROWS + rows)
    return equal if equal > LEAST_SHRUNK else 0.0


def select(losses: Callable[[Array], Array], members: int, rounds: int, patience: int) -> Array:
    """Frequency of each member on the best prefix of the greedy path, as shares.

    Args:
        losses: From (m,) counts of the members taken so far to the (m,) losses of the blends
            with one more of each.
        members: m.
        rounds: Length of the path.
        patience: Rounds without a better blend that end it.
    """
    counts = np.zeros(members)
    best: Array = counts
    best_loss = math.inf
    while counts.sum() < min(rounds, best.sum() + patience):
        after = losses(counts)
        if not np.isfinite(after).any():
            break
        after = np.where(np.isfinite(after), after, math.inf)
        slack = TIE * max(abs(float(after.min())), TIE)
        tied = np.flatnonzero(after <= after.min() + slack)
        taken = tied[counts[tied] > 0]
        choice = (taken if len(taken) else tied)[0]
        counts = counts.copy()
        counts[choice] += 1
        if after[choice] < best_loss - slack:
            best, best_loss = counts, float(after[choice])
    if not best.any():
        best = np.ones(members)
    shares: Array = best / best.sum()
    return shares
