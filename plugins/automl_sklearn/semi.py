"""Self-training: a classifier labels what it is sure of and learns from it (Yarowsky 1995).

It grows surer with every label that it gives itself, of its mistakes too; its probabilities are
therefore tempered (Guo et al. 2017, arXiv 1706.04599) on labelled rows that a first training did
not see.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.semi_supervised import SelfTrainingClassifier

from automl_sklearn.linear import Logistic

UNLABELLED = -1
"""Code of a row without a label, as in scikit-learn."""
HELD = 3
"""One labelled row of a class in so many finds the temperature."""
HOTTEST = 100.0


class SelfTraining(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression that goes on to learn from unlabelled rows.

    Round by round it takes the unlabelled rows whose class it gives at least `threshold`, labels
    them so, and fits anew, until no row is left that it is so sure of. Where every row has a label
    it is plain logistic regression.

    Attributes:
        classes_: (k,) classes among the labels.
        taken_: Unlabelled rows that were given a label.
        temperature_: What log odds are divided by.
    """

    def __init__(self, C: float = 1.0, threshold: float = 0.9, rounds: int = 10) -> None:
        self.C = C
        self.threshold = threshold
        self.rounds = rounds

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on (n, d) scaled `X` and (n,) codes, `UNLABELLED` where there is none."""
        y = np.asarray(y)
        self.temperature_ = 1.0
        if (y != UNLABELLED).all():
            self.model_, self.taken_ = Logistic(C=self.C).fit(X, y), 0
        else:
            held = (y != UNLABELLED) & (pd.Series(y).groupby(y).cumcount() % HELD == HELD - 1)
            if held.any():
                first = self._trained(X[~held], y[~held]).estimator_
                truth = np.searchsorted(first.classes_, y[held])
                self.temperature_ = _temperature(first.predict_proba(X[held]), truth)
            trainer = self._trained(X, y)
            self.model_ = trainer.estimator_
            self.taken_ = int((trainer.labeled_iter_ > 0).sum())
        self.classes_ = self.model_.classes_
        return self

    def _trained(self, X: Any, y: Any) -> SelfTrainingClassifier:
        trainer = SelfTrainingClassifier(
            Logistic(C=self.C), threshold=self.threshold, max_iter=self.rounds
        )
        return trainer.fit(X, y)

    def predict_proba(self, X: Any) -> Any:
        """(n, k) class probabilities."""
        found = self.model_.predict_proba(X)
        if self.temperature_ == 1.0:
            return found
        return softmax(_logarithms(found) / self.temperature_, axis=1)

    def predict(self, X: Any) -> Any:
        """(n,) classes."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def _logarithms(probabilities: Any) -> Any:
    return np.log(np.clip(probabilities, np.finfo(np.float32).tiny, 1.0))


def _temperature(probabilities: Any, y: Any) -> float:
    """Best divisor of the log odds of (n, k) `probabilities`, given the true (n,) columns."""
    logs, rows = _logarithms(probabilities), np.arange(len(y))

    def loss(heat: float) -> float:
        return float(-log_softmax(logs / np.exp(heat), axis=1)[rows, y].mean())

    bounds = (0.0, float(np.log(HOTTEST)))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))
