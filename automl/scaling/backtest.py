"""Would extrapolation have worked here? Hide the top octave, fit what is left, compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from automl.scaling.curve import fit_curves, window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.scaling.estimate import Series
    from automl.types import Array

FEWEST = 6
"""Anchors below which nothing can be hidden."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """How far off fitted curves would have been at rows that were hidden from them."""

    extrapolation: Literal["shown", "withheld"]
    reason: str = ""
    mae: float | None = None
    mae_last1: float | None = None
    """Of assuming that nothing changes after the last anchor that was seen."""
    winner_accuracy: float | None = None
    """How often the fitted curves named the winner at the top, over deep-classical pairs."""
    leader_stays: float | None = None
    """How often whoever led at the last anchor seen did."""


@dataclass(frozen=True, slots=True)
class _Hidden:
    """One curve: its losses at the hidden anchors, predicted and assumed."""

    truth: Array
    fitted: Array
    last: float


def backtest(losses: Mapping[str, Series], families: Mapping[str, str]) -> Backtest:
    """Hide the top octave of every curve and predict it from the three octaves below.

    Args:
        losses: Learner -> its losses, at least 0.
        families: Learner -> family; winners are called between deep and classical ones.
    """
    hidden = {
        name: _hide(s) for name, s in losses.items() if len(s.n) >= FEWEST and (s.mean >= 0).all()
    }
    if not hidden:
        reason = f"too few anchors: {FEWEST} are needed to hide some and predict them"
        return Backtest("withheld", reason)
    mae = float(np.mean([np.abs(h.fitted - h.truth).mean() for h in hidden.values()]))
    last1 = float(np.mean([np.abs(h.last - h.truth).mean() for h in hidden.values()]))
    winner, stays = _winners(losses, hidden, families)
    if mae < last1:
        return Backtest("shown", "", mae, last1, winner, stays)
    reason = (
        f"fitted curves missed the hidden octave by {mae:.3g}, assuming no change by {last1:.3g}"
    )
    return Backtest("withheld", reason, mae, last1, winner, stays)


def _hide(series: Series) -> _Hidden:
    n, loss = series.n, series.mean
    seen = n <= 1.01 * n[-1] / 2
    if not seen.any():
        seen = n < n[-1]
    fitted = seen & window(n, float(n[seen][-1]))
    curve = fit_curves(n[fitted], loss[fitted])
    predicted = np.array([curve(float(at))[0] for at in n[~seen]])
    return _Hidden(loss[~seen], predicted, float(loss[seen][-1]))


def _winners(
    losses: Mapping[str, Series], hidden: Mapping[str, _Hidden], families: Mapping[str, str]
) -> tuple[float | None, float | None]:
    """Shares of pairs that differ by more than two standard errors at the top."""
    called, stayed = [], []
    for a, b in ((a, b) for a in hidden for b in hidden):
        if (families.get(a), families.get(b)) != ("deep", "classical"):
            continue
        first, second = losses[a], losses[b]
        if not np.array_equal(first.n, second.n) or first.values.shape != second.values.shape:
            continue
        apart = first.values[:, -1] - second.values[:, -1]
        error = apart.std(ddof=1) / np.sqrt(len(apart)) if len(apart) > 1 else 0.0
        if abs(apart.mean()) <= 2 * error:
            continue
        winner = np.sign(apart.mean())
        called.append(np.sign(hidden[a].fitted[-1] - hidden[b].fitted[-1]) == winner)
        stayed.append(np.sign(hidden[a].last - hidden[b].last) == winner)
    if not called:
        return None, None
    return float(np.mean(called)), float(np.mean(stayed))
