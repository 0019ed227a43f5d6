"""Self-training: a classifier labels what it is sure of and learns from it (Yarowsky 1995)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.semi_supervised import SelfTrainingClassifier

from automl_sklearn.linear import Logistic

UNLABELLED = -1
"""Code of a row without a label, as in scikit-learn."""


class SelfTraining(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression that goes on to learn from unlabelled rows.

    Round by round it takes the unlabelled rows whose class it gives at least `threshold`, labels
    them so, and fits anew, until no row is left that it is so sure of. Where every row has a label
    it is plain logistic regression.

    Attributes:
        classes_: (k,) classes among the labels.
        taken_: Unlabelled rows that were given a label.
    """

    def __init__(self, C: float = 1.0, threshold: float = 0.9, rounds: int = 10) -> None:
        self.C = C
        self.threshold = threshold
        self.rounds = rounds

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on (n, d) scaled `X` and (n,) codes, `UNLABELLED` where there is none."""
        y = np.asarray(y)
        base = Logistic(C=self.C)
        if (y != UNLABELLED).all():
            self.model_, self.taken_ = base.fit(X, y), 0
        else:
            trainer = SelfTrainingClassifier(
                base, threshold=self.threshold, max_iter=self.rounds
            ).fit(X, y)
            self.model_ = trainer.estimator_
            self.taken_ = int((trainer.labeled_iter_ > 0).sum())
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X: Any) -> Any:
        """(n, k) class probabilities."""
        return self.model_.predict_proba(X)

    def predict(self, X: Any) -> Any:
        """(n,) classes."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
