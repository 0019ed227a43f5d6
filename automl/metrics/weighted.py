"""Scores of rows that count differently, where they are no plain means over the rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from automl.metrics.ranking import splits
from automl.metrics.terms import labels_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.types import Array


def rmse(y: Array, prediction: Array, weights: Array) -> float:
    """Root of the weighted mean of squared errors."""
    return math.sqrt(np.average((y - prediction) ** 2, weights=weights))


def r2(y: Array, prediction: Array, weights: Array) -> float:
    """Share of the weighted variance that is explained; NaN where there is none."""
    middle = np.average(y, weights=weights)
    variance = np.average((y - middle) ** 2, weights=weights)
    if variance == 0:
        return math.nan
    return float(1 - np.average((y - prediction) ** 2, weights=weights) / variance)


def balanced_accuracy(y: Array, prediction: Array, weights: Array) -> float:
    """Mean over the classes of the rows of their weighted recall."""
    hits = labels_of(prediction) == y
    rows = np.bincount(y, weights, prediction.shape[1])
    held = rows > 0
    return float((np.bincount(y, weights * hits, len(rows))[held] / rows[held]).mean())


def f1(y: Array, prediction: Array, weights: Array) -> float:
    """Weighted F1 of the second of two classes, or the mean over the classes that occur."""
    labels, k = labels_of(prediction), prediction.shape[1]
    marked = np.bincount(y, weights, k) + np.bincount(labels, weights, k)
    hits = np.bincount(y, weights * (labels == y), k)
    counted = marked > 0
    if k == 2:
        return float(2 * hits[1] / marked[1]) if counted[1] else 0.0
    return float((2 * hits[counted] / marked[counted]).mean())


def roc_auc(y: Array, prediction: Array, weights: Array) -> float:
    """Area under the weighted ROC curve, averaged over the classes of the rows."""
    from sklearn.metrics import roc_auc_score

    return _ranked(roc_auc_score, y, prediction, weights)


def average_precision(y: Array, prediction: Array, weights: Array) -> float:
    """Weighted average precision, averaged over the classes of the rows."""
    from sklearn.metrics import average_precision_score

    return _ranked(average_precision_score, y, prediction, weights)


def _ranked(one: Callable[..., float], y: Array, prediction: Array, weights: Array) -> float:
    values = [one(hit, column, sample_weight=weights) for hit, column in splits(y, prediction)]
    return float(np.mean(values)) if values else math.nan
