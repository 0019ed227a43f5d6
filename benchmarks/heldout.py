"""Scores on rows that no fit saw, beside untuned gradient boosting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DRAWS = 200
"""Bootstrap draws of the held-out rows."""


def split(table: pd.DataFrame, target: str, *, numeric: bool, seed: int = 0) -> list[pd.DataFrame]:
    """Three quarters of the rows and the rest, which keeps to classes that the former have."""
    few = numeric or table[target].value_counts().min() < 2
    strata = None if few else table[target]
    train, test = train_test_split(table, test_size=0.25, random_state=seed, stratify=strata)
    return [train, test if numeric else test[test[target].isin(train[target].unique())]]


def untuned_model(
    train: pd.DataFrame, target: str, *, numeric: bool
) -> tuple[Any, Callable[[pd.DataFrame], pd.DataFrame]]:
    """scikit-learn's boosting with its defaults, fitted on ordinal codes, and what makes them."""
    kinds = {
        c: pd.CategoricalDtype(sorted(train[c].dropna().astype(str).unique()))
        for c in train.columns
        if not pd.api.types.is_numeric_dtype(train[c]) and c != target
    }

    def codes(frame: pd.DataFrame) -> pd.DataFrame:
        made = {
            c: frame[c].astype(str).astype(kinds[c]).cat.codes if c in kinds else frame[c]
            for c in frame.columns
            if c != target
        }
        return pd.DataFrame(made)

    model = (HistGradientBoostingRegressor if numeric else HistGradientBoostingClassifier)(
        random_state=0
    )
    return model.fit(codes(train), train[target]), codes


def untuned(train: pd.DataFrame, test: pd.DataFrame, target: str, *, numeric: bool) -> np.ndarray:
    """Predictions of scikit-learn's defaults; classes in sorted order."""
    model, codes = untuned_model(train, target, numeric=numeric)
    return np.asarray(model.predict(codes(test)) if numeric else model.predict_proba(codes(test)))


def score(task: str, truth: pd.Series, raw: np.ndarray, classes: Sequence[Any]) -> float:
    """RMSE, ROC AUC or log loss.

    Args:
        task: Of the table.
        truth: (n,) answers.
        raw: (n,) numbers or (n, k) probabilities.
        classes: (k,) labels of the columns of `raw`.
    """
    if task == "regression":
        return float(root_mean_squared_error(truth, raw))
    own = np.asarray(pd.Index(classes).get_indexer(truth))
    if len(classes) == 2:
        return float(roc_auc_score(own, raw[:, 1]))
    return float(log_loss(own, raw, labels=range(len(classes))))


def ahead(
    task: str, truth: pd.Series, ours: np.ndarray, plain: np.ndarray, classes: Sequence[Any]
) -> float:
    """Lead of the first prediction in standard errors of the difference; columns alike."""
    if task == "regression":
        y, terms = np.zeros(len(truth)), [(p - truth.to_numpy()) ** 2 for p in (plain, ours)]
    else:
        y = np.asarray(pd.Index(classes).get_indexer(truth))
        column = 1 if len(classes) == 2 else y
        terms = [np.maximum(p[np.arange(len(y)), column], 1e-15) for p in (ours, plain)]

    def gain(rows: np.ndarray) -> float:
        one, other = (values[rows] for values in terms)
        if task == "regression":
            return float(np.sqrt(one.mean()) - np.sqrt(other.mean()))
        if len(classes) > 2:
            return float(np.mean(np.log(one) - np.log(other)))
        return float(roc_auc_score(y[rows], one) - roc_auc_score(y[rows], other))

    rng, n = np.random.default_rng(0), len(truth)
    draws = [gain(rng.integers(n, size=n)) for _ in range(DRAWS)]
    return gain(np.arange(n)) / float(np.std(draws, ddof=1))
