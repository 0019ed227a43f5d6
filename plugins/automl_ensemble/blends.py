"""Losses of many candidate blends at once, by what the metric allows.

Each function takes predictions (m, n, ...) and truth (n,), and gives a function from the (m,)
counts of members taken so far to the (m,) losses of the blends with one more of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl import Metric

    Array: TypeAlias = np.ndarray[Any, Any]
    Losses: TypeAlias = Callable[[Array], Array]

TINY = float(np.finfo(np.float32).eps)
FINER = 1e-5
"""Weight of the log loss beside a coarse metric: below the step of one label in 20,000."""


CELLS = 600_000
"""Numbers (members x rows x classes) looked at in a round, where no shortcut helps."""
_SQUARED = frozenset({"rmse", "r2", "brier"})


def rows_for(predictions: Array, metric: Metric) -> int:
    """Rows that keep the selection within half a second for the metric."""
    if metric.name in _SQUARED | {"log_loss"}:
        return int(predictions.shape[1])
    return max(CELLS // (len(predictions) * int(predictions[0, 0].size)), 500)


def blend_losses(predictions: Array, y: Array, metric: Metric) -> Losses:
    """The fastest exact way for the metric."""
    if metric.name == "log_loss":
        return _log_losses(predictions, y)
    if metric.name in {"rmse", "r2"}:
        return _square_losses(predictions - y)
    if metric.name == "brier":
        errors = predictions.copy()
        errors[:, np.arange(len(y)), y] -= 1
        return _square_losses(errors.reshape(len(errors), -1))
    return _any_losses(predictions, y, metric)


def _log_losses(predictions: Array, y: Array) -> Losses:
    """Only the probability of the true class counts."""
    given = predictions[:, np.arange(len(y)), y]
    given = np.clip(given / np.einsum("mnk->mn", predictions), TINY, 1 - TINY)

    def losses(counts: Array) -> Array:
        taken = np.flatnonzero(counts)
        total = np.einsum("m,mn->n", counts[taken].astype(np.float32), given[taken])
        blends = given + total
        np.log(blends, out=blends)
        return np.asarray(np.log(counts.sum() + 1) - blends.mean(axis=1, dtype=np.float64))

    return losses


def _square_losses(errors: Array) -> Losses:
    """The squared error of any blend follows from the inner products of the members' errors."""
    errors = errors.astype(np.float64)
    inner = errors @ errors.T / errors.shape[1]
    own = np.diag(inner)

    def losses(counts: Array) -> Array:
        with_taken = inner @ counts
        return np.asarray((counts @ with_taken + 2 * with_taken + own) / (counts.sum() + 1) ** 2)

    return losses


def _any_losses(predictions: Array, y: Array, metric: Metric) -> Losses:
    """By the metric itself; where it only counts labels, log loss tells equal blends apart."""
    sign = -1.0 if metric.greater_is_better else 1.0
    finer = _log_losses(predictions, y) if metric.stopping == "log_loss" else None

    def losses(counts: Array) -> Array:
        taken = np.flatnonzero(counts)
        weights = counts[taken].astype(np.float32)
        total = np.einsum("m,m...->...", weights, predictions[taken])
        share = np.float32(1 / (counts.sum() + 1))
        after = np.array([sign * metric.score(y, (total + p) * share) for p in predictions])
        return after if finer is None else after + FINER * finer(counts)

    return losses
