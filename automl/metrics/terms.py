"""Per-row terms whose mean is the score: losses, or linearised by the delta method."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from automl.errors import DataError
from automl.metrics.ranking import unbiased

if TYPE_CHECKING:
    from automl.types import Array

TINY = float(np.finfo(np.float32).eps)
"""Probabilities are clipped to [TINY, 1 - TINY] in the log loss: predictions are float32."""


def log_losses(y: Array, prediction: Array) -> Array:
    """Minus the log of the probability given to the truth; rows are scaled to sum to one."""
    given: Array = prediction[np.arange(len(y)), y].astype(np.float64)
    given /= np.maximum(np.einsum("ij->i", prediction), TINY)
    losses: Array = -np.log(np.clip(given, TINY, 1 - TINY))
    return losses


def brier_losses(y: Array, prediction: Array) -> Array:
    """Half the squared distance to the one-hot truth: in [0, 1] for any number of classes."""
    given = prediction[np.arange(len(y)), y].astype(np.float64)
    squares = np.einsum("ij,ij->i", prediction, prediction)
    losses: Array = np.maximum(squares - 2 * given + 1, 0.0) / 2
    return losses


def hits(y: Array, prediction: Array) -> Array:
    """1.0 where the most probable class is the true one."""
    return np.asarray(labels_of(prediction) == y, dtype=np.float64)


def labels_of(prediction: Array) -> Array:
    """(n,) codes of the most probable classes."""
    if prediction.shape[1] == 2:
        return np.asarray(prediction[:, 1] > prediction[:, 0], dtype=np.int64)
    return np.asarray(prediction.argmax(axis=1))


def balanced_terms(y: Array, prediction: Array) -> Array:
    """Mean recall of the classes that the rows hold, as stratified means."""
    hit = hits(y, prediction)
    rows = np.bincount(y, minlength=prediction.shape[1])
    held = np.count_nonzero(rows)
    recall = np.bincount(y, hit, len(rows)) / np.maximum(rows, 1)
    weight = len(y) * unbiased(rows) / (np.maximum(rows, 1) * held)
    return np.asarray(recall.sum() / held + (hit - recall[y]) * weight[y])


def f1_terms(y: Array, prediction: Array) -> Array:
    """Delta method on 2 TP / (true + predicted), a ratio of two means, per class."""
    label, k = labels_of(prediction), prediction.shape[1]
    correct = label == y
    marked = np.bincount(y, minlength=k) + np.bincount(label, minlength=k)
    f1 = 2 * np.bincount(y, correct, k) / np.maximum(marked, 1)
    counted = marked > 0
    if k == 2:
        counted = np.array([False, True])
    weight = np.where(counted, len(y) / np.maximum(marked, 1), 0.0) / np.count_nonzero(counted)
    moved = 2 * correct * weight[y] - (f1 * weight)[y] - (f1 * weight)[label]
    return np.asarray(f1[counted].mean() + moved)


def _squares(y: Array, prediction: Array) -> Array:
    return (y - prediction.astype(np.float64)) ** 2


def rmse(y: Array, prediction: Array) -> float:
    """Root of the mean squared error, in the units of `y`."""
    return math.sqrt(_squares(y, prediction).mean())


def rmse_terms(y: Array, prediction: Array) -> Array:
    """Delta method on the root of a mean."""
    squares = _squares(y, prediction)
    mean = squares.mean()
    root = math.sqrt(mean)
    return root + (squares - mean) / (2 * root) if root > 0 else np.zeros(len(y))


def r2_terms(y: Array, prediction: Array) -> Array:
    """Delta method on the ratio of the squared errors to the squares about the mean."""
    spread = (y - y.mean()) ** 2
    variance = spread.mean()
    if variance == 0:
        return np.full(len(y), math.nan)
    squares = _squares(y, prediction)
    share = squares.mean() / variance
    return np.asarray(1 - share - (squares - share * spread) / variance)


def relative_errors(y: Array, prediction: Array) -> Array:
    """Absolute errors as shares of the truth; a truth of 0 makes them huge."""
    return np.asarray(np.abs(y - prediction) / np.maximum(np.abs(y), np.finfo(np.float64).eps))


def log1p(y: Array, prediction: Array) -> tuple[Array, Array]:
    """Both on the scale of log(1 + value), predictions below 0 taken for 0.

    Raises:
        DataError: a target is negative.
    """
    if y.min() < 0:
        msg = "rmsle needs targets of at least 0; choose rmse or mae for this target"
        raise DataError(msg)
    return np.log1p(y), np.log1p(np.maximum(prediction.astype(np.float64), 0.0))
