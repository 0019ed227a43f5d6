"""Anomaly detectors of scikit-learn, made fit for every table; low `score_samples` are strange."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import SGDOneClassSVM
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

from automl import category_levels, coded_matrix

_EXACT_ROWS = 5_000
_COMPONENTS = 300
_SVM_STEPS = 100_000
_EPOCHS = 20


class Constant(BaseEstimator):  # type: ignore[misc]
    """Calls every row equally strange: a ROC AUC of 0.5."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn nothing."""
        del X, y
        self.score_ = 0.0
        return self

    def score_samples(self, X: Any) -> Any:
        """(n,) zeros."""
        return np.full(len(X), self.score_)


class Isolation(BaseEstimator):  # type: ignore[misc]
    """Isolation forest (Liu et al. 2008) on a frame, categories as codes, gaps kept.

    Trees isolate on the values as they are, not on scaled ones: squeezing tails in would hide
    what is far out.
    """

    def __init__(
        self,
        n_estimators: int = 100,
        max_samples: int = 256,
        max_features: float = 1.0,
        warm_start: bool = False,
        random_state: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.max_features = max_features
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> Self:
        """Grow the forest to `n_estimators` trees; with `warm_start` keep those there are."""
        del y
        if not (self.warm_start and hasattr(self, "forest_")):
            self.levels_ = category_levels(X)
            self.forest_ = IsolationForest(
                max_samples=min(self.max_samples, len(X)),
                max_features=self.max_features,
                random_state=self.random_state,
                warm_start=True,
                n_jobs=self.n_jobs,
            )
        self.forest_.set_params(n_estimators=self.n_estimators)
        self.forest_.fit(coded_matrix(X, self.levels_))
        return self

    def score_samples(self, X: Any) -> Any:
        """(n,) minus the anomaly score of the paper."""
        return self.forest_.score_samples(coded_matrix(X, self.levels_))


class OneClass(BaseEstimator):  # type: ignore[misc]
    """One-class SVM (Schoelkopf et al. 2001) with an RBF kernel.

    Exact up to 5,000 rows; above, Nystroem features and stochastic gradient descent on the
    same objective.
    """

    def __init__(
        self, nu: float = 0.5, gamma_scale: float = 1.0, random_state: int | None = None
    ) -> None:
        self.nu = nu
        self.gamma_scale = gamma_scale
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit on (n, d) scaled `X`."""
        del y
        self.map_: Any = None
        some = X[:: 1 + X.size // 1_000_000]
        gamma = self.gamma_scale / (X.shape[1] * (float(some.var(dtype=np.float64)) or 1.0))
        if len(X) <= _EXACT_ROWS:
            self.machine_ = OneClassSVM(nu=self.nu, gamma=gamma, max_iter=_SVM_STEPS)
            self.machine_.random_state = self.random_state or 0  # else it draws on numpy's state
            self.machine_.fit(X)
            return self
        self.map_ = Nystroem(gamma=gamma, n_components=_COMPONENTS, random_state=self.random_state)
        self.machine_ = SGDOneClassSVM(
            nu=self.nu, max_iter=_EPOCHS, random_state=self.random_state, average=True
        )
        self.machine_.fit(self.map_.fit_transform(X))
        return self

    def score_samples(self, X: Any) -> Any:
        """(n,) the side of the border, and how far from it."""
        return self.machine_.score_samples(X if self.map_ is None else self.map_.transform(X))


class Outlyingness(BaseEstimator):  # type: ignore[misc]
    """Local outlier factor (Breunig et al. 2000) for rows that it was not fitted on."""

    def __init__(self, n_neighbors: int = 20, n_jobs: int | None = None) -> None:
        self.n_neighbors = n_neighbors
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> Self:
        """Remember the rows; the neighbourhood is capped by their number."""
        del y
        k = max(1, min(self.n_neighbors, len(X) - 1))
        self.model_ = LocalOutlierFactor(k, novelty=True, algorithm="brute", n_jobs=self.n_jobs)
        self.model_.fit(X)
        return self

    def score_samples(self, X: Any) -> Any:
        """(n,) minus the factor, log-scaled so that duplicates do not overflow float32."""
        return -np.log1p(-self.model_.score_samples(X))
