"""Back-test of extrapolation: hide the top octave, fit the other anchors, compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from automl.scaling.criteria import CRITERIA
from automl.scaling.curve import SLACK, fit_curves, window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.scaling.estimate import Series
    from automl.types import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """Errors of fitted curves at anchors that were hidden from them."""

    mae: float | None = None
    mae_last1: float | None = None
    """Mean absolute error of the assumption that losses stay as at the last anchor seen."""
    winner_accuracy: float | None = None
    """Share of deep-classical pairs whose winner at the top the fitted curves predicted."""
    leader_stays: float | None = None
    """Share of those pairs whose leader at the last anchor seen also led at the top."""
    extrapolation: Literal["shown", "withheld"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Hidden:
    """Losses of one curve at the hidden anchors: true, fitted, and the last one seen."""

    truth: Array
    fitted: Array
    last: float


def backtest(losses: Mapping[str, Series], families: Mapping[str, str]) -> Backtest:
    """Hide the top octave of every curve and predict it from the three octaves below.

    Args:
        losses: Learner -> its losses, at least 0.
        families: Learner -> family; winners are predicted for deep-classical pairs.
    """
    fewest = CRITERIA.backtest_anchors
    hidden = {
        name: _hide(s) for name, s in losses.items() if len(s.n) >= fewest and (s.mean >= 0).all()
    }
    if not hidden:
        reason = f"too few anchors: {fewest} are needed to hide some and predict them"
        return Backtest(extrapolation="withheld", reason=reason)
    mae = float(np.mean([np.abs(h.fitted - h.truth).mean() for h in hidden.values()]))
    last1 = float(np.mean([np.abs(h.last - h.truth).mean() for h in hidden.values()]))
    winner, stays = _winners(losses, hidden, families)
    missed = (
        f"fitted curves missed the hidden octave by {mae:.3g}, assuming no change by {last1:.3g}"
    )
    return Backtest(
        mae=mae,
        mae_last1=last1,
        winner_accuracy=winner,
        leader_stays=stays,
        extrapolation="shown" if mae < last1 else "withheld",
        reason="" if mae < last1 else missed,
    )


def _hide(series: Series) -> _Hidden:
    n, loss = series.n, series.mean
    seen = SLACK * n <= n[-1] / 2
    if not seen.any():
        seen = n < n[-1]
    fitted = seen & window(n, float(n[seen][-1]))
    curve = fit_curves(n[fitted], loss[fitted])
    predicted = np.array([curve(float(at))[0] for at in n[~seen]])
    return _Hidden(loss[~seen], predicted, float(loss[seen][-1]))


def _winners(
    losses: Mapping[str, Series], hidden: Mapping[str, _Hidden], families: Mapping[str, str]
) -> tuple[float | None, float | None]:
    """`winner_accuracy` and `leader_stays`, over pairs at least two standard errors apart."""
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
