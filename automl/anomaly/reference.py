"""Reference detectors, whose agreement stands in for labels that are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from automl.data.views import Views

if TYPE_CHECKING:
    import pandas as pd

    from automl.types import Array, Schema

NEIGHBOURS = 10
MOST_POINTS = 1_000
"""Rows that neighbours are looked for among."""
SHARE = 0.1
"""Share of the rows that are labelled, however few anomalies there are: agreement on the highest
tenth of the scores tells detectors apart better than agreement on fewer rows."""
FEWEST = 20
"""Rows labelled at least."""
MOST_COLUMNS = 300
"""Columns above which distances are taken in a random projection."""


def pseudo_labels(X: pd.DataFrame, schema: Schema, seed: int) -> Array:
    """Label the rows that reference detectors score highest on average.

    Three detectors that no learner is built on score every row: the tails of its columns (ECOD,
    Li et al. 2022, arXiv 2201.00382), its Mahalanobis distance under a shrunken covariance
    (Chen et al. 2010), and its mean distance to ten neighbours (Angiulli and Pizzuti 2002).
    Their mean calibrated score is the pseudo ground truth of consensus-based selection (Rayana
    and Akoglu 2016, SELECT; among the strategies that Ma et al. 2023, arXiv 2104.01422, compare).

    Args:
        X: (n, columns) typed rows, as in `Dataset.X`.
        schema: of the table.
        seed: of samples and projections.

    Returns:
        (n,) int64, 1 for the tenth of the rows with the highest scores, 0 for the others; at
        least 20 rows, or half of the table, so that every fold has some.
    """
    n = len(X)
    if n < 2:
        return np.zeros(n, dtype=np.int64)
    matrix = Views(X, np.zeros(n, dtype=np.int64), schema, seed).train("matrix")
    scores = reference_scores(np.asarray(matrix, dtype=np.float32), seed)
    count = max(round(SHARE * n), min(FEWEST, n // 2))
    labels = np.zeros(n, dtype=np.int64)
    labels[np.argsort(-scores, kind="stable")[:count]] = 1
    return labels


def reference_scores(matrix: Array, seed: int) -> Array:
    """(n,) mean calibrated score of the detectors at (n, d) scaled rows without gaps."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # the same result whatever the number of threads
        near = _projected(matrix, seed)
        scores = (_tails(matrix), _distance(near), _neighbours(near, seed))
    return np.mean([_calibrated(each) for each in scores], axis=0)


def _calibrated(scores: Array) -> Array:
    """-log2 of the share of rows that score at least as high."""
    from scipy.stats import rankdata

    n = len(scores)
    return np.asarray(-np.log2((n + 1 - rankdata(scores)) / (n + 1)))


def _projected(matrix: Array, seed: int) -> Array:
    if matrix.shape[1] <= MOST_COLUMNS:
        return matrix
    axes = np.random.default_rng(seed).normal(size=(matrix.shape[1], MOST_COLUMNS))
    return np.asarray(matrix @ (axes / np.sqrt(MOST_COLUMNS)).astype(np.float32))


def _tails(matrix: Array) -> Array:
    """ECOD: summed negative log of the columns' tails: left, right, or each one's longer one."""
    sums = np.zeros((3, len(matrix)))
    for column in matrix.T:
        ordered = np.sort(column)
        n = len(ordered)
        left = -np.log(np.searchsorted(ordered, column, side="right") / n)
        right = -np.log((n - np.searchsorted(ordered, column, side="left")) / n)
        centred = column - column.mean(dtype=np.float64)
        sums += np.stack([left, right, left if (centred**3).mean() < 0 else right])
    return np.asarray(sums.max(axis=0))


def _distance(matrix: Array) -> Array:
    from sklearn.covariance import OAS

    found: Array = OAS().fit(matrix).mahalanobis(matrix)
    return found


def _neighbours(matrix: Array, seed: int) -> Array:
    """Mean distance to the nearest of at most 1,000 rows, the row itself left out."""
    from sklearn.neighbors import NearestNeighbors

    n = len(matrix)
    chosen = np.random.default_rng(seed).permutation(n)[:MOST_POINTS]
    k = min(NEIGHBOURS, len(chosen) - 1)
    near = NearestNeighbors(n_neighbors=k + 1, algorithm="brute").fit(matrix[chosen])
    distances: Array = near.kneighbors(matrix)[0]
    own = np.isin(np.arange(n), chosen)
    return np.where(own, distances[:, 1:].mean(axis=1), distances[:, :-1].mean(axis=1))
