"""Naive Bayes for numbers and categories side by side, gaps left out of the sum."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Self

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin

_BINS = 32
"""Most bins of a number; fewer where rows are few."""
_ROWS_PER_BIN = 10
_EDGE_ROWS = 50_000
"""Rows that bin edges are read off at most."""
_CAREFUL = 1e-3
"""Share of a column's variance added to that of every class."""
_HELD_OUT = 5
"""One row in so many settles the exponent."""


class NaiveBayes(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Columns independent given the class; made for the `frame` view.

    Categories have smoothed frequencies. Numbers are normal within each class, or fall into bins
    of equal counts that are then smoothed like categories (Dougherty et al. 1995). What is missing
    says nothing and is left out of the sum. As columns are never quite independent the sum is
    too sure of itself; all evidence is raised to a power in (0, 1], chosen by the log loss of a
    fifth of the rows under a model of the others (Hand and Yu 2001 on the effect).
    """

    def __init__(
        self, numbers: str = "bins", smoothing: float = 1.0, random_state: int | None = None
    ) -> None:
        self.numbers = numbers
        self.smoothing = smoothing
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Count, on an (n, d) frame of numbers and categories and (n,) codes."""
        self.classes_, y = np.unique(y, return_inverse=True)
        self.levels_ = np.array([_levels(kind) for kind in X.dtypes], dtype=np.int64)
        self.edges_ = np.empty((0, 0))
        if self.numbers == "bins":
            self._set_edges(_numbers(X))
        codes, values = self._coded(X)
        self.power_ = 1.0
        held_out = np.random.default_rng(self.random_state).permutation(len(y))[::_HELD_OUT]
        rest = np.setdiff1d(np.arange(len(y)), held_out)
        if len(held_out) >= 10 and len(np.unique(y[rest])) == len(self.classes_):
            self._count(codes[rest], values[rest], y[rest])
            evidence = self._evidence(codes[held_out], values[held_out])
            self.power_ = _best_power(evidence, self.prior_, y[held_out])
        self._count(codes, values, y)
        return self

    def predict_proba(self, X: Any) -> Any:
        """(n, k) class probabilities."""
        evidence = self._evidence(*self._coded(X))
        return np.exp(log_softmax(self.power_ * evidence + self.prior_, axis=1))

    def predict(self, X: Any) -> Any:
        """(n,) classes."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _set_edges(self, numbers: Any) -> None:
        """Inner edges of bins of equal counts, (d, bins - 1); repeated ones leave bins empty."""
        some = numbers[:: 1 + len(numbers) // _EDGE_ROWS]
        bins = int(np.clip(len(some) // _ROWS_PER_BIN, 2, _BINS))
        inner = np.arange(1, bins) / bins
        filled = np.where(np.isnan(some).all(axis=0), 0.0, some)
        cuts = np.nanquantile(filled, inner, axis=0) if filled.size else np.empty((len(inner), 0))
        self.edges_ = cuts.T

    def _coded(self, X: Any) -> tuple[Any, Any]:
        """(n, c) codes of categories and bins, -1 where missing; (n, d) values to be normal."""
        columns = [
            np.where(codes < count, codes, -1)
            for i, count in enumerate(self.levels_)
            if count and (codes := X.iloc[:, i].cat.codes.to_numpy(np.int32)) is not None
        ]
        values = _numbers(X)
        if self.numbers == "bins":
            for j, edges in enumerate(self.edges_):
                found = np.searchsorted(edges, values[:, j]).astype(np.int32)
                columns.append(np.where(np.isnan(values[:, j]), -1, found))
            values = values[:, :0]
        codes = np.column_stack(columns) if columns else np.empty((len(X), 0), np.int32)
        return codes, values

    def _count(self, codes: Any, values: Any, y: Any) -> None:
        k = len(self.classes_)
        sizes = [int(count) for count in self.levels_ if count]
        sizes += [self.edges_.shape[1] + 1] * (codes.shape[1] - len(sizes))
        shares = np.bincount(y, minlength=k)
        self.prior_ = np.log(shares / shares.sum())
        # One table for all columns: saving takes as long as there are arrays.
        self.starts_ = np.cumsum([0, *(size + 1 for size in sizes)])
        self.table_ = np.empty((int(self.starts_[-1]), k))
        for j, size in enumerate(sizes):
            own = slice(self.starts_[j], self.starts_[j + 1])
            self.table_[own] = _log_shares(codes[:, j], y, k, size, self.smoothing)
        member = np.eye(k)[y]
        known = ~np.isnan(values)
        filled = np.where(known, values, 0.0)
        counts = member.T @ known
        whole = np.maximum(known.sum(axis=0), 1)
        mean = filled.sum(axis=0) / whole
        spread = np.where(known, (filled - mean) ** 2, 0.0)
        variance = spread.sum(axis=0) / whole + 1e-12
        # A class with few values leans on the whole column, by as much as one row.
        self.means_ = (member.T @ filled + self.smoothing * mean) / (counts + self.smoothing)
        about = member.T @ spread - counts * (self.means_ - mean) ** 2
        own = (np.maximum(about, 0) + self.smoothing * variance) / (counts + self.smoothing)
        self.variances_ = own + _CAREFUL * variance

    def _evidence(self, codes: Any, values: Any) -> Any:
        """(n, k) log likelihoods of the classes, all columns summed."""
        total = np.zeros((len(codes), len(self.classes_)))
        for j, (start, end) in enumerate(pairwise(self.starts_)):
            total += self.table_[np.where(codes[:, j] < 0, end - 1, start + codes[:, j])]
        for j in range(values.shape[1]):
            off = values[:, j, None] - self.means_[:, j]
            terms = -0.5 * (off**2 / self.variances_[:, j] + np.log(self.variances_[:, j]))
            total += np.where(np.isnan(off), 0.0, terms)
        return total


def _levels(kind: Any) -> int:
    return len(kind.categories) if hasattr(kind, "categories") else 0


def _numbers(X: Any) -> Any:
    """(n, d) float64 of the columns that are numbers."""
    numeric = [i for i, kind in enumerate(X.dtypes) if not hasattr(kind, "categories")]
    return X.iloc[:, numeric].to_numpy(np.float64)


def _log_shares(codes: Any, y: Any, k: int, size: int, smoothing: float) -> Any:
    """(size + 1, k) log frequencies of the levels within each class; the last row, code -1, is 0.

    Smoothed towards the frequencies in all classes, so that a rare level is evidence of little.
    """
    known = codes >= 0
    flat = codes[known].astype(np.int64) * k + y[known]
    counts = np.bincount(flat, minlength=size * k).reshape(size, k).astype(np.float64)
    overall = (counts.sum(axis=1, keepdims=True) + 1.0) / (counts.sum() + size)
    weight = smoothing * np.sqrt(size)
    shares = (counts + weight * overall) / (counts.sum(axis=0) + weight)
    return np.vstack([np.log(shares), np.zeros((1, k))])


def _best_power(evidence: Any, prior: Any, y: Any) -> float:
    """The exponent of the evidence with the least log loss."""

    def loss(power: float) -> float:
        chosen = log_softmax(power * evidence + prior, axis=1)[np.arange(len(y)), y]
        return float(-chosen.mean())

    found = minimize_scalar(loss, bounds=(0.01, 1.0), method="bounded", options={"xatol": 0.005})
    return float(found.x)
