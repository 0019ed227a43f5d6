"""Linear models that scale to large tables."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression

_COARSE_WORK = 2e7
"""Rows times columns times classes of the sample that starting coefficients come from."""
_COARSE_STEPS = 60
_STRIP = 1 << 22
"""Cells converted to float64 at a time."""


def linear_classifier(C: float = 1.0, max_iter: int = 300) -> Logistic:
    """Logistic regression; a larger `C` regularises less."""
    return Logistic(C=C, max_iter=max_iter)


def linear_regressor(C: float = 1.0, max_iter: int = 1) -> Linear:
    """Ridge regression with penalty `1 / C`, in one step."""
    return Linear(C=C, max_iter=max_iter)


class Logistic(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Multinomial logistic regression by L-BFGS that can be grown iteration by iteration.

    On large data it starts from the solution on a sample of the rows. With `warm_start`, a
    further fit with a larger `max_iter` goes on where the last one ended; `n_iter_` counts all
    iterations on the whole data and stays below `max_iter` once converged.
    """

    def __init__(self, C: float = 1.0, max_iter: int = 300, warm_start: bool = False) -> None:
        self.C = C
        self.max_iter = max_iter
        self.warm_start = warm_start

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit on (n, d) float32 or float64 `X`."""
        if not (self.warm_start and hasattr(self, "model_")):
            self.model_ = LogisticRegression(tol=1e-3, warm_start=True)
            self.n_iter_ = 0
            self.classes_ = np.unique(y)
            rows = _sample(X, y, len(self.classes_))
            if rows is not None:
                some = None if sample_weight is None else sample_weight[rows]
                self._advance(X[rows], y[rows], some, _COARSE_STEPS, len(X) / len(rows))
        self.n_iter_ += self._advance(X, y, sample_weight, self.max_iter - self.n_iter_, 1.0)
        return self

    def _advance(self, X: Any, y: Any, sample_weight: Any, steps: int, share: float) -> int:
        if steps <= 0:
            return 0
        self.model_.set_params(max_iter=steps, C=self.C * share)
        return int(np.max(self.model_.fit(X, y, sample_weight).n_iter_))

    def decision_function(self, X: Any) -> Any:
        """(n,) or (n, k) margins."""
        return self.model_.decision_function(X)

    def predict_proba(self, X: Any) -> Any:
        """(n, k) class probabilities."""
        return self.model_.predict_proba(X)

    def predict(self, X: Any) -> Any:
        """(n,) classes."""
        return self.model_.predict(X)


def _sample(X: Any, y: Any, classes: int) -> Any:
    """Rows, every class among them, to start from; None where all rows are few enough."""
    outputs = classes if classes > 2 else 1
    size = max(2000, int(_COARSE_WORK / (X.shape[1] * outputs)))
    if size > len(X) // 2:
        return None
    _, first = np.unique(y, return_index=True)
    return np.union1d(np.arange(0, len(X), len(X) // size), first)


class Linear(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Ridge regression in closed form, summed in float64 whatever the input.

    `n_iter_` is 0: there is nothing to continue. `X` is (n, d) and `y` (n,); the smaller of the
    (d, d) and (n, n) systems is solved.
    """

    def __init__(self, C: float = 1.0, max_iter: int = 1) -> None:
        self.C = C
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Solve for the coefficients."""
        from scipy.linalg import solve

        self.n_iter_ = 0
        if sample_weight is None:
            mean = X.mean(axis=0, dtype=np.float64)
            root = np.ones((len(X), 1), X.dtype)
        else:
            mean = sample_weight @ X.astype(np.float64) / sample_weight.sum()
            root = np.sqrt(np.asarray(sample_weight, X.dtype))[:, None]
        offset = float(np.average(y, weights=sample_weight))
        centred = (np.asarray(y, np.float64) - offset) * root[:, 0]
        rows, columns = X.shape
        penalty = np.full(min(rows, columns), 1.0 / self.C + 1e-9)
        if rows <= columns:
            wide = (X - mean) * root
            coefficients = wide.T @ solve(wide @ wide.T + np.diag(penalty), centred, assume_a="pos")
        else:
            gram, right = np.zeros((columns, columns)), np.zeros(columns)
            step = max(1, _STRIP // columns)
            for start in range(0, rows, step):
                strip = (X[start : start + step] - mean) * root[start : start + step]
                gram += strip.T @ strip
                right += strip.T @ centred[start : start + step]
            coefficients = solve(gram + np.diag(penalty), right, assume_a="pos")
        self.coef_ = coefficients
        self.intercept_ = offset - float(mean @ coefficients)
        return self

    def predict(self, X: Any) -> Any:
        """(n,) values."""
        return X @ self.coef_.astype(X.dtype) + self.intercept_
