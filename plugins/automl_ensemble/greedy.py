"""Greedy ensemble selection with replacement (Caruana et al. 2004)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from automl_ensemble.blends import blend_losses

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl import Metric

    Array: TypeAlias = np.ndarray[Any, Any]

TIE = 1e-6
"""Losses this close, relative to their size, count as equal."""


def build(seed: int) -> Greedy:
    """The algorithm that the ensemblers of this plugin name."""
    return Greedy(seed)


@dataclass(frozen=True, slots=True)
class Greedy:
    """Adds, one at a time, the member that helps the blend most, and keeps the best prefix.

    On small tables the selection is bagged: it runs on random halves of the rows and the
    weights are averaged, since a single greedy path over few rows fits their noise.
    """

    seed: int
    rounds: int = 25
    max_rows: int = 20_000
    bags: int = 20
    """Selections averaged at most; one suffices from `max_rows` / 4 rows on."""
    least: float = 0.02
    """Weights below this are dropped: such members cost more than they add."""

    def fit(self, predictions: Array, y: Array, metric: Metric) -> Array:
        """Weights of the members.

        Args:
            predictions: (m, n) or (m, n, k) float32 out-of-fold predictions of m members.
            y: (n,) codes or values.
            metric: What the blend should do best.

        Returns:
            (m,) float64 weights, none negative, that sum to one.
        """
        rng = np.random.default_rng(self.seed)
        n = len(y)
        if n > self.max_rows:
            drawn = np.sort(rng.choice(n, self.max_rows, replace=False))
            predictions, y, n = predictions[:, drawn], y[drawn], self.max_rows
        total = np.zeros(len(predictions))
        for rows in self._bags(n, rng):
            losses = blend_losses(predictions[:, rows], y[rows], metric)
            total += select(losses, len(predictions), self.rounds)
        total[total < min(self.least * total.sum(), total.max())] = 0
        weights: Array = total / total.sum()
        return weights

    def _bags(self, n: int, rng: np.random.Generator) -> list[Array | slice]:
        """The rows of each selection: all of them, or random halves of a small table."""
        bags = min(self.bags, self.max_rows // max(n, 1))
        if bags < 4 or n < 8:
            return [slice(None)]
        return [np.sort(rng.permutation(n)[: n // 2]) for _ in range(bags)]


def select(losses: Callable[[Array], Array], members: int, rounds: int) -> Array:
    """How often each member is taken on the best prefix of the greedy path, as shares.

    Args:
        losses: From (m,) counts of the members taken so far to the (m,) losses of the blends
            with one more of each.
        members: m.
        rounds: Length of the path.
    """
    counts = np.zeros(members)
    best: Array = counts
    best_loss = math.inf
    for _ in range(rounds):
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
