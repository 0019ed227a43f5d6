"""Nearest neighbours that also work on tables smaller than the neighbourhood."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import BaseEstimator
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor


def neighbours_classifier(n_neighbors: int = 20, weights: str = "distance") -> Neighbours:
    """Neighbours vote for classes."""
    return Neighbours(n_neighbors, weights, task="classification")


def neighbours_regressor(n_neighbors: int = 20, weights: str = "distance") -> Neighbours:
    """Neighbours' values are averaged."""
    return Neighbours(n_neighbors, weights, task="regression")


class Neighbours(BaseEstimator):  # type: ignore[misc]
    """k nearest neighbours by exhaustive search, with k capped by the training rows.

    Exhaustive search on float32 is a blocked matrix product: on a handful of columns a tree
    would be quicker, above a dozen it is not, and the saved form needs no tree.
    """

    def __init__(
        self,
        n_neighbors: int = 20,
        weights: str = "distance",
        task: str = "classification",
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.task = task
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any) -> Self:
        """Remember the rows."""
        kind = KNeighborsClassifier if self.task == "classification" else KNeighborsRegressor
        k = min(self.n_neighbors, len(X))
        self.model_ = kind(k, weights=self.weights, algorithm="brute", n_jobs=self.n_jobs)
        self.model_.fit(X, y)
        return self

    def predict(self, X: Any) -> Any:
        """(n,) classes or values."""
        return self.model_.predict(X)

    def predict_proba(self, X: Any) -> Any:
        """(n, k) weighted shares of the neighbours' classes."""
        return self.model_.predict_proba(X)
