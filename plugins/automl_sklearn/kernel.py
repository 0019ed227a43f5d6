"""Support vector machines where they are affordable, an approximation of the kernel above."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.svm import SVC, SVR

_EXACT_ROWS = 5_000
_EXACT_CELLS = 5e6
"""Cells above which support vectors take too long however few the rows."""
_WORK = 5e10
"""Multiplications that an approximate fit may take; a few seconds on one core."""
_COMPONENTS = 600
_STEPS = 60
_SVM_STEPS = 100_000
_FOLDS = 3


def kernel_classifier(C: float = 1.0, gamma_scale: float = 1.0) -> KernelClassifier:
    """A kernel machine for classes; the kernel's width is relative to scikit-learn's "scale"."""
    return KernelClassifier(C=C, gamma_scale=gamma_scale)


def kernel_regressor(C: float = 1.0, gamma_scale: float = 1.0) -> KernelRegressor:
    """A kernel machine for values."""
    return KernelRegressor(C=C, gamma_scale=gamma_scale)


class KernelClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """RBF classification with probabilities.

    Up to 5,000 rows: support vectors, their margins turned into probabilities by a logistic
    regression on margins from 3-fold cross-fitting (Platt 1999, for all classes at once).
    Above: Nystroem features (Williams and Seeger 2001) and logistic regression.
    """

    def __init__(
        self,
        C: float = 1.0,
        gamma_scale: float = 1.0,
        random_state: int | None = None,
    ) -> None:
        self.C = C
        self.gamma_scale = gamma_scale
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on (n, d) scaled `X` and (n,) codes."""
        self.classes_ = np.unique(y)
        self.map_: Any = None
        self.machine_: Any = None
        gamma = self.gamma_scale * _scale(X)
        if _is_exact(X):
            self.machine_ = SVC(
                C=self.C, gamma=gamma, max_iter=_SVM_STEPS, random_state=self.random_state
            )
            margins = _cross_margins(self.machine_, X, y, self.classes_, self.random_state)
            self.machine_.fit(X, y)
        else:
            self.map_ = _features(X, gamma, len(self.classes_), self.random_state)
            margins = self.map_.fit_transform(X)
        strength = 1.0 if self.machine_ is not None else 10.0 * self.C
        self.link_ = LogisticRegression(C=strength, max_iter=_STEPS, tol=1e-3).fit(margins, y)
        return self

    def predict_proba(self, X: Any) -> Any:
        """(n, k) class probabilities."""
        if self.machine_ is None:
            return self.link_.predict_proba(self.map_.transform(X))
        margins = _as_columns(self.machine_.decision_function(X))
        return self.link_.predict_proba(margins)

    def predict(self, X: Any) -> Any:
        """(n,) classes."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class KernelRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """RBF regression on a standardised target: support vectors, above 5,000 rows Nystroem."""

    def __init__(
        self,
        C: float = 1.0,
        gamma_scale: float = 1.0,
        random_state: int | None = None,
    ) -> None:
        self.C = C
        self.gamma_scale = gamma_scale
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on (n, d) scaled `X` and (n,) values."""
        self.map_: Any = None
        self.mean_ = float(np.mean(y))
        self.spread_ = float(np.std(y)) or 1.0
        target = (y - self.mean_) / self.spread_
        gamma = self.gamma_scale * _scale(X)
        if _is_exact(X):
            self.machine_ = SVR(C=self.C, gamma=gamma, max_iter=_SVM_STEPS)
            # No parameter of SVR, but libsvm's seed is drawn from it: None is the global generator.
            self.machine_.random_state = self.random_state
            self.machine_.fit(X, target)
        else:
            self.map_ = _features(X, gamma, 1, self.random_state)
            features = self.map_.fit_transform(X)
            self.machine_ = Ridge(alpha=0.1 / self.C).fit(features, target)
        return self

    def predict(self, X: Any) -> Any:
        """(n,) values."""
        features = X if self.map_ is None else self.map_.transform(X)
        return self.machine_.predict(features) * self.spread_ + self.mean_


def _is_exact(X: Any) -> bool:
    return len(X) <= _EXACT_ROWS and X.size <= _EXACT_CELLS


def _scale(X: Any) -> float:
    """scikit-learn's `gamma="scale"`, on at most a million cells."""
    some = X[:: 1 + X.size // 1_000_000]
    return 1.0 / (X.shape[1] * (float(some.var(dtype=np.float64)) or 1.0))


def _features(X: Any, gamma: float, outputs: int, seed: int | None) -> Nystroem:
    """Nystroem features, as many as the work allowed pays for."""
    each = X.shape[1] + 2 * _STEPS * (outputs if outputs > 2 else 1)
    budget = _WORK / len(X)
    affordable = int(np.sqrt(budget + each**2 / 4) - each / 2)
    components = min(_COMPONENTS, len(X), max(20, affordable))
    return Nystroem(gamma=gamma, n_components=components, random_state=seed)


def _as_columns(margins: Any) -> Any:
    return margins[:, None] if margins.ndim == 1 else margins


def _cross_margins(machine: SVC, X: Any, y: Any, classes: Any, seed: int | None) -> Any:
    """Margins of every row by machines that did not see it; -1 for classes they did not see."""
    from sklearn.base import clone

    enough = np.unique(y, return_counts=True)[1].min() >= _FOLDS
    deal = StratifiedKFold if enough else KFold
    folds = deal(min(_FOLDS, len(X)), shuffle=True, random_state=seed)
    width = len(classes) if len(classes) > 2 else 1
    margins = np.full((len(X), width), -1.0)
    for train, rest in folds.split(X, y):
        seen = np.unique(y[train])
        if len(seen) < 2:
            continue
        own = _as_columns(clone(machine).fit(X[train], y[train]).decision_function(X[rest]))
        if own.shape[1] == width:
            margins[rest] = own
        else:
            if own.shape[1] == 1:
                own = np.hstack([-own, own])
            margins[np.ix_(rest, np.searchsorted(classes, seen))] = own
    return margins
