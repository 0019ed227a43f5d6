"""Histogram gradient boosting; rounds and stopping are the host's affair."""

from __future__ import annotations

from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

_ROUNDS = 500


def boosting_classifier(
    learning_rate: float = 0.1,
    max_leaf_nodes: int = 31,
    min_samples_leaf: int = 20,
    l2_regularization: float = 0.0,
    max_features: float = 1.0,
) -> Any:
    """A booster for classes, without early stopping of its own."""
    return HistGradientBoostingClassifier(
        learning_rate=learning_rate,
        max_iter=_ROUNDS,
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=min_samples_leaf,
        l2_regularization=l2_regularization,
        max_features=max_features,
        categorical_features="from_dtype",
        early_stopping=False,
    )


def boosting_regressor(
    learning_rate: float = 0.1,
    max_leaf_nodes: int = 31,
    min_samples_leaf: int = 20,
    l2_regularization: float = 0.0,
    max_features: float = 1.0,
) -> Any:
    """A booster for values, without early stopping of its own."""
    return HistGradientBoostingRegressor(
        learning_rate=learning_rate,
        max_iter=_ROUNDS,
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=min_samples_leaf,
        l2_regularization=l2_regularization,
        max_features=max_features,
        categorical_features="from_dtype",
        early_stopping=False,
    )
