"""Trees and forests, with what every configuration of theirs shares."""

from __future__ import annotations

from typing import Any

from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

_LEAVES = 15_000
"""Most leaves of a tree of a forest, which bounds time and memory on large data."""
_TREES = 100
"""Twice as many score hardly better, and take twice the time to save."""


def tree_classifier(max_leaf_nodes: int = 128, min_samples_leaf: int = 15) -> Any:
    """One classification tree, grown best split first."""
    return DecisionTreeClassifier(max_leaf_nodes=max_leaf_nodes, min_samples_leaf=min_samples_leaf)


def tree_regressor(max_leaf_nodes: int = 128, min_samples_leaf: int = 15) -> Any:
    """One regression tree, grown best split first."""
    return DecisionTreeRegressor(max_leaf_nodes=max_leaf_nodes, min_samples_leaf=min_samples_leaf)


def extra_trees_classifier(
    max_features: float | None = None,
    min_samples_leaf: int = 2,
    entropy: bool = False,
    trees: int = _TREES,
) -> Any:
    """Extremely randomised trees; `max_features` None is the square root."""
    return ExtraTreesClassifier(
        n_estimators=trees,
        max_features=max_features or "sqrt",
        min_samples_leaf=min_samples_leaf,
        max_leaf_nodes=_LEAVES,
        criterion="entropy" if entropy else "gini",
    )


def extra_trees_regressor(
    max_features: float | None = None,
    min_samples_leaf: int = 2,
    entropy: bool = False,  # noqa: ARG001 - shares the classifier's settings
    trees: int = _TREES,
) -> Any:
    """Extremely randomised trees; `max_features` None is one half."""
    return ExtraTreesRegressor(
        n_estimators=trees,
        max_features=max_features or 0.5,
        min_samples_leaf=min_samples_leaf,
        max_leaf_nodes=_LEAVES,
    )


def random_forest_classifier(
    max_features: float | None = None,
    min_samples_leaf: int = 2,
    max_samples: float = 1.0,
    entropy: bool = False,
    trees: int = _TREES,
) -> Any:
    """Random forest; `max_features` None is the square root."""
    return RandomForestClassifier(
        n_estimators=trees,
        max_features=max_features or "sqrt",
        min_samples_leaf=min_samples_leaf,
        max_samples=max_samples,
        max_leaf_nodes=_LEAVES,
        criterion="entropy" if entropy else "gini",
    )


def random_forest_regressor(
    max_features: float | None = None,
    min_samples_leaf: int = 2,
    max_samples: float = 1.0,
    entropy: bool = False,  # noqa: ARG001 - shares the classifier's settings
    trees: int = _TREES,
) -> Any:
    """Random forest; `max_features` None is one half."""
    return RandomForestRegressor(
        n_estimators=trees,
        max_features=max_features or 0.5,
        min_samples_leaf=min_samples_leaf,
        max_samples=max_samples,
        max_leaf_nodes=_LEAVES,
    )
