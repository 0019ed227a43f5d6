"""Weights of an ensemble's members, and the members that there is time for."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from automl.hooks.calls import resolve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.ensemble.pool import Pool
    from automl.types import Array, Combiner, Ensembler


@dataclass(frozen=True, slots=True)
class Blend:
    """The result of one fit of an ensembler."""

    weights: dict[str, float]
    """Trial -> weight, greatest first."""
    trials: tuple[str, ...]
    """The keys of `weights` in the order of the fit."""
    combiner: Combiner | None = None
    """None: the weighted mean."""
    pruned_from: Blend | None = None
    """The blend before members were left out that there was no time for; None if none were."""

    def of(self, predictions: Mapping[str, Array], rows: Array | None = None) -> Array:
        """The blend of some rows of its members' predictions, as precise as they are."""
        taken = slice(None) if rows is None else rows
        dtype = predictions[self.trials[0]].dtype
        if self.combiner is None:
            parts = (predictions[t][taken] * dtype.type(w) for t, w in self.weights.items())
            return np.asarray(sum(parts), dtype)
        stack = np.stack([predictions[trial][taken] for trial in self.trials])
        return np.asarray(self.combiner.combine(stack), dtype)


def fit_blend(
    pool: Pool, ensembler: Ensembler, fit: int, seed: int, row_seconds: float = math.inf
) -> Blend | None:
    """Fit an ensembler to the rows of one fit, with members that predict a row in time.

    While they take too long, the member with the most seconds per weight is left out and the
    others are weighed anew.

    Args:
        pool: The candidates.
        ensembler: Weighs them.
        fit: Which of the pool's fits.
        seed: Seed of the ensembler.
        row_seconds: Seconds that all members together may take for a row.

    Returns:
        The blend; None where no candidate is fast enough.
    """
    members = pool.members(pool.allowed(ensembler), fit)
    first: Blend | None = None
    while members:
        found, weights = _weighed(pool, ensembler, members, fit, seed)
        first = first or found
        seconds, used = pool.seconds[members], np.flatnonzero(weights)
        if seconds[used].sum() <= row_seconds:
            return found if found is first else replace(found, pruned_from=first)
        dearest = max(used, key=lambda place: seconds[place] / abs(weights[place]))
        members = [
            member
            for place, member in enumerate(members)
            if place != dearest and seconds[place] <= row_seconds
        ]
    return None


def _weighed(
    pool: Pool, ensembler: Ensembler, members: Sequence[int], fit: int, seed: int
) -> tuple[Blend, Array]:
    """The blend of some members, and the weight of each."""
    if len(members) == 1:
        alone = pool.trials[members[0]]
        return Blend({alone: 1.0}, (alone,)), np.ones(1)
    rows = pool.fits[fit]
    stack = pool.predictions[np.ix_(np.array(members), rows)]
    algorithm = resolve(ensembler.factory)(seed)
    weights = np.asarray(algorithm.fit(stack, pool.y[rows], pool.metric), dtype=np.float64)
    if weights.shape != (len(members),) or not np.isfinite(weights).all() or not weights.any():
        msg = f"the ensembler gave weights {weights!r} for {len(members)} members"
        raise ValueError(msg)
    order = np.argsort(-weights, kind="stable")
    found = Blend(
        {pool.trials[members[i]]: float(weights[i]) for i in order if weights[i] != 0},
        tuple(pool.trials[m] for m, w in zip(members, weights, strict=True) if w != 0),
        algorithm if hasattr(algorithm, "combine") else None,
    )
    return found, weights
