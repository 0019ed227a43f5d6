"""AUC and average precision, with their per-row terms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.types import Array


def _dot(a: Array, b: Array) -> float:
    """Inner product without the threads of BLAS, which cost more than so short a sum."""
    return float(np.einsum("i,i->", a, b))


def _groups(values: Array) -> tuple[Array, Array, Array]:
    """Ascending order, the start of each group of equal values in it, and each one's group."""
    order = np.argsort(values)
    ordered = values[order]
    new = np.ones(len(values), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return order, np.flatnonzero(new), np.cumsum(new) - 1


def _fast_auc(positive: Array, values: Array) -> float:
    """AUC of non-negative float32 scores by one plain sort.

    The bits of such numbers sort like the numbers and leave room for the label, and sorting
    is several times faster than finding the order.
    """
    keys = ((values + np.float32(0)).view(np.uint32) << np.uint32(1)) | positive
    keys.sort()
    places = np.flatnonzero(keys & np.uint32(1))
    p = len(places)
    won = float(places.sum()) - p * (p - 1) / 2
    # where equal scores bear both labels, the negative ones come first: half of those wins go
    mixed = np.flatnonzero((keys[1:] ^ keys[:-1]) == 1)
    misses = mixed + 1 - np.searchsorted(keys, keys[mixed])
    hits = np.searchsorted(keys, keys[mixed + 1], side="right") - mixed - 1
    return (won - float((hits * misses).sum()) / 2) / (p * (len(keys) - p))


def auc(positive: Array, values: Array) -> float:
    """Area under the ROC curve of scores; both classes must be there."""
    if values.dtype == np.float32 and values.min() >= 0:
        return _fast_auc(positive, values)
    return float(auc_terms(positive, values).mean())


def auc_terms(positive: Array, values: Array) -> Array:
    """DeLong's components (1988) from one sort, after Sun and Xu (2014)."""
    order, starts, group = _groups(values)
    label = positive[order]
    n, p = len(label), int(label.sum())
    q = n - p
    hits = np.add.reduceat(label.astype(np.float64), starts)
    misses = np.diff(starts, append=n) - hits
    won = (np.cumsum(misses) - misses / 2) / q
    lost = (p - np.cumsum(hits) + hits / 2) / p
    value = _dot(hits, won) / p
    up = (won - value) * (n / p) * unbiased(p)
    down = (lost - value) * (n / q) * unbiased(q)
    terms = np.empty(n)
    terms[order] = value + np.where(label, up[group], down[group])
    return terms


def average_precision(positive: Array, values: Array) -> float:
    """Sum over positives of the precision at their score, divided by their number."""
    order, starts, _ = _groups(values)
    hits = np.add.reduceat(positive[order].astype(np.float64), starts)
    above = len(values) - starts
    return _dot(hits, np.cumsum(hits[::-1])[::-1] / above) / float(hits.sum())


def average_precision_terms(positive: Array, values: Array) -> Array:
    """Influence function of AP = mean over positives of the precision at their own score.

    A row moves AP by its own precision if it is positive, and by the precision of every
    positive scored at or below it.
    """
    order, starts, group = _groups(values)
    label = positive[order].astype(np.float64)
    hits = np.add.reduceat(label, starts)
    n, p = len(label), label.sum()
    above = n - starts
    precision = np.cumsum(hits[::-1])[::-1] / above
    value = _dot(hits, precision) / p
    gain = np.cumsum(hits / above)
    pull = np.cumsum(hits * precision / above)
    terms = np.empty(n)
    own = label * (precision[group] - value + gain[group])
    terms[order] = value + (own - pull[group]) * (n / p)
    return terms


def unbiased(count: Array | int) -> Array:
    """Factor on deviations that makes the variance over `count` rows unbiased."""
    count = np.asarray(count, dtype=np.float64)
    factor: Array = np.sqrt(count / np.maximum(count - 1, 1))
    return factor


def splits(y: Array, prediction: Array) -> list[tuple[Array, Array]]:
    """(is positive, score) of each one-vs-rest problem with both classes among the rows."""
    if prediction.ndim == 1:
        problems = [(y > 0, prediction)]
    elif prediction.shape[1] == 2:
        problems = [(y == 1, np.ascontiguousarray(prediction[:, 1]))]
    else:
        held = np.unique(y)
        columns = np.ascontiguousarray(prediction[:, held].T)
        problems = [(y == c, column) for c, column in zip(held, columns, strict=True)]
    return [(hit, values) for hit, values in problems if 0 < np.count_nonzero(hit) < len(y)]


def ranking(one: Callable[[Array, Array], float]) -> Callable[[Array, Array], float]:
    """Extend a binary score to any number of classes: the mean over the classes of the rows."""

    def score(y: Array, prediction: Array) -> float:
        values = [one(hit, column) for hit, column in splits(y, prediction)]
        return float(np.mean(values)) if values else math.nan

    return score


def ranking_terms(one: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """Extend binary per-row terms to any number of classes."""

    def terms(y: Array, prediction: Array) -> Array:
        problems = splits(y, prediction)
        if not problems:
            return np.full(len(y), math.nan)
        total: Array = np.zeros(len(y))
        for hit, column in problems:
            total += one(hit, column) / len(problems)
        return total

    return terms
