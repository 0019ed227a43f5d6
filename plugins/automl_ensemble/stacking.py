"""Stacking: a small linear model over out-of-fold predictions (Wolpert 1992, Breiman 1996)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize, nnls
from scipy.special import log_softmax, softmax

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl import Metric

    Array: TypeAlias = np.ndarray[Any, Any]

CELLS = 3_000_000
"""Numbers (members x rows x classes) fitted on at most: a third of a second."""
LEAST_ROWS = 500
SURE = 0.5
"""Standard deviation of a weight about equal shares, as expected beforehand."""
TINY = 1e-5
"""Probability that every class has at least."""
STEPS = 60


def build(seed: int) -> Stacking:
    """The algorithm that the ensembler `stacking` names."""
    return Stacking(seed)


class Stacking:
    """Classes: softmax(sum of weights x log probabilities + an offset a class), fitted to log loss.

    Values: weights x predictions + an offset, fitted to the squared error. In both no weight is
    negative, and weights are drawn towards equal shares as by a normal prior, so that few rows
    give about the mean of the members and many rows what they say. Weights need not sum to one:
    their sum makes the blend as sure of itself as it should be. The metric is not used: every
    metric gains from probabilities that are right.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._weights: Array = np.empty(0)
        self._offset: Array = np.zeros(1)
        self._classes = False

    def fit(self, predictions: Array, y: Array, metric: Metric) -> Array:
        """Fit on (m, n) or (m, n, k) float32 out-of-fold predictions and (n,) truth.

        Returns:
            (m,) float64 weights, none negative; members of weight 0 are not needed.
        """
        del metric
        most = max(LEAST_ROWS, CELLS // (len(predictions) * int(predictions[0, 0].size)))
        if most < len(y):
            rng = np.random.default_rng(self._seed)
            drawn = np.sort(rng.choice(len(y), most, replace=False))
            predictions, y = predictions[:, drawn], y[drawn]
        self._classes = predictions.ndim > 2
        solve = _fit_classes if self._classes else _fit_values
        weights, self._offset = solve(predictions, y)
        self._weights = weights[weights > 0]
        return weights

    def combine(self, predictions: Array) -> Array:
        """(m, n, ...) predictions of the members whose weight is not 0 to (n, ...)."""
        if self._classes:
            margins = np.tensordot(self._weights, _logs(predictions), 1) + self._offset
            return np.asarray(softmax(margins, axis=1))
        return np.asarray(np.tensordot(self._weights, predictions, 1) + self._offset[0])

    def state(self) -> dict[str, Any]:
        """Weights and offsets."""
        return {
            "classes": self._classes,
            "weights": self._weights.tolist(),
            "offset": self._offset.tolist(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        self._classes = bool(state["classes"])
        self._weights = np.array(state["weights"], dtype=np.float64)
        self._offset = np.array(state["offset"], dtype=np.float64)


def _logs(predictions: Array) -> Array:
    return np.log(np.maximum(predictions, TINY))


def _fit_classes(predictions: Array, y: Array) -> tuple[Array, Array]:
    """(m,) weights and (k,) offsets with the least log loss, by L-BFGS-B."""
    m, n, k = predictions.shape
    logs = _logs(predictions).astype(np.float32).reshape(m, n * k)
    rows = np.arange(n)
    centre = np.concatenate([np.full(m, 1 / m), np.zeros(k)])
    strength = 1 / (n * SURE**2)

    def loss(point: Array) -> tuple[float, Array]:
        margins = (point[:m].astype(np.float32) @ logs).reshape(n, k) + point[m:]
        shares = log_softmax(margins, axis=1)
        value = -shares[rows, y].mean()
        residual = np.exp(shares)
        residual[rows, y] -= 1
        slope = np.empty(m + k)
        slope[:m] = logs @ residual.reshape(-1).astype(np.float32) / n
        slope[m:] = residual.mean(axis=0)
        off = point - centre
        return float(value + strength * (off @ off) / 2), slope + strength * off

    bounds = [(0.0, None)] * m + [(None, None)] * k
    start = centre.copy()
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS}
    ).x
    return _some(found[:m]), found[m:]


def _fit_values(predictions: Array, y: Array) -> tuple[Array, Array]:
    """(m,) weights and a (1,) offset with the least squared error."""
    m = len(predictions)
    members = predictions.astype(np.float64)
    middle, mean = members.mean(axis=1, keepdims=True), float(np.mean(y))
    centred = members - middle
    noise = float(np.var(y - members.mean(axis=0))) / SURE**2 + 1e-12 * float(np.var(y)) + 1e-300
    gram = centred @ centred.T + noise * np.eye(m)
    right = centred @ (y - mean) + noise / m
    root = cholesky(gram, lower=True)
    weights = _some(nnls(root.T, solve_triangular(root, right, lower=True))[0])
    return weights, np.array([mean - float(weights @ middle[:, 0])])


def _some(weights: Array) -> Array:
    """The weights; equal ones where none is left."""
    if weights.any():
        return np.asarray(weights, dtype=np.float64)
    return np.full(len(weights), 1 / len(weights))
