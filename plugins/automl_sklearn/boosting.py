"""Histogram gradient boosting whose rounds and stopping are the host's affair."""

from __future__ import annotations

from copy import copy
from itertools import pairwise
from typing import Any, Protocol, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

_MOST_ROUNDS = 10_000
_REPORT_GROWTH = 1.15
"""Ratio of the rounds of two reports; a report predicts with every tree so far."""
_REPORT_LEAST = 5
_PLANNED_AFTER = (4, 16)
"""Rounds after which the learning rate is settled anew for the time that is left."""
_ENOUGH = 12.0
"""Rounds times learning rate after which boosting has usually converged."""


class Monitor(Protocol):
    """The host's answers while a booster grows."""

    def __call__(self, steps: int, prediction: Any, /) -> bool:
        """True: stop now."""
        ...

    def paced(self, steps: int, rate: float, enough: float, /) -> float:
        """The learning rate for the steps to come."""
        ...


def boosting_classifier(
    learning_rate: float = 0.1,
    max_leaf_nodes: int = 31,
    min_samples_leaf: int = 20,
    l2_regularization: float = 0.0,
    max_features: float = 1.0,
    max_iter: int = _MOST_ROUNDS,
) -> Boosting:
    """A booster for classes."""
    return Boosting(
        HistGradientBoostingClassifier(
            learning_rate=learning_rate,
            max_leaf_nodes=max_leaf_nodes,
            min_samples_leaf=min_samples_leaf,
            l2_regularization=l2_regularization,
            max_features=max_features,
        ),
        max_iter,
    )


def boosting_regressor(
    learning_rate: float = 0.1,
    max_leaf_nodes: int = 31,
    min_samples_leaf: int = 20,
    l2_regularization: float = 0.0,
    max_features: float = 1.0,
    max_iter: int = _MOST_ROUNDS,
) -> Boosting:
    """A booster for values."""
    return Boosting(
        HistGradientBoostingRegressor(
            learning_rate=learning_rate,
            max_leaf_nodes=max_leaf_nodes,
            min_samples_leaf=min_samples_leaf,
            l2_regularization=l2_regularization,
            max_features=max_features,
        ),
        max_iter,
    )


class Boosting(BaseEstimator):  # type: ignore[misc]
    """scikit-learn's histogram booster, watched round by round.

    Growing it with `warm_start` bins all rows and predicts them anew at every call, which on
    large data costs more than the trees; instead its own early stopping is lent a scorer that
    asks `monitor`.
    """

    def __init__(
        self, booster: Any, max_iter: int = _MOST_ROUNDS, random_state: int | None = None
    ) -> None:
        self.booster = booster
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit all rounds."""
        return self.fit_steps(X, y, None, _Unwatched(), sample_weight)

    def fit_steps(
        self, X: Any, y: Any, X_stop: Any, monitor: Monitor, sample_weight: Any = None
    ) -> Self:
        """Fit until `monitor(rounds, prediction)` answers True.

        It is called after every round; `prediction` is the one for `X_stop` when a report is
        due and None otherwise. Where time is short the learning rate is raised on the way.
        """
        own = float(self.booster.learning_rate)
        watch = _Watch(monitor, self.max_iter, own, has_stop=X_stop is not None)
        self.booster.set_params(
            max_iter=self.max_iter,
            random_state=self.random_state,
            categorical_features="from_dtype",
            early_stopping=True,
            validation_fraction=None,
            n_iter_no_change=1,
            tol=0.0,
            scoring=watch.score,
        )
        # The labels of the early-stopping rows are the host's business: any known one will do.
        stop = {} if X_stop is None else {"X_val": X_stop, "y_val": np.repeat(y[:1], len(X_stop))}
        if stop and sample_weight is not None:
            stop["sample_weight_val"] = np.ones(len(X_stop))
        self.booster.fit(X, y, sample_weight, **stop)
        # Not part of the model, and not to be saved with it. Predicting needs the bins of
        # categories alone; saving thousands of arrays takes longer than the fit.
        self.booster.set_params(scoring="loss", learning_rate=own)
        self.booster._scorer = None  # noqa: SLF001
        mapper = self.booster._bin_mapper  # noqa: SLF001
        none = np.empty(0)
        mapper.bin_thresholds_ = [
            edges if categorical else none
            for edges, categorical in zip(
                mapper.bin_thresholds_, mapper.is_categorical_, strict=True
            )
        ]
        return self

    def __getstate__(self) -> dict[str, Any]:
        """The parameters, and a booster with its trees apart, as a few arrays.

        In a skops file each of thousands of objects would be several members.
        """
        booster = copy(self.booster)
        trees = vars(booster).pop("_predictors", None)
        state = {**super().__getstate__(), "booster": booster}
        return state if trees is None else {**state, "trees": _packed(trees)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the trees apart again."""
        trees = state.pop("trees", None)
        super().__setstate__(state)
        if trees is not None:
            self.booster._predictors = _unpacked(trees)  # noqa: SLF001

    def keep_steps(self, steps: int) -> None:
        """Drop the trees after the given round."""
        del self.booster._predictors[steps:]  # noqa: SLF001 - there is no public way

    @property
    def n_iter_(self) -> int:
        """Rounds kept."""
        return int(self.booster.n_iter_)

    def predict(self, X: Any) -> Any:
        """(n,) classes or values."""
        return self.booster.predict(X)

    def predict_proba(self, X: Any) -> Any:
        """(n, k) class probabilities."""
        return self.booster.predict_proba(X)


_PARTS = ("nodes", "binned_left_cat_bitsets", "raw_left_cat_bitsets")
"""Arrays of a tree."""


def _packed(rounds: list[list[Any]]) -> dict[str, Any]:
    """The arrays of all trees one after the other, their lengths, and the trees of a round."""
    trees = [tree for each in rounds for tree in each]
    packed: dict[str, Any] = {"of_a_round": len(rounds[0]) if rounds else 1}
    for part in _PARTS if trees else ():
        arrays = [getattr(tree, part) for tree in trees]
        packed[part] = np.concatenate(arrays)
        packed[f"{part}_lengths"] = np.array([len(array) for array in arrays], dtype=np.int64)
    return packed


def _unpacked(packed: dict[str, Any]) -> list[list[Any]]:
    """The trees of every round."""
    if "nodes" not in packed:
        return []
    columns = []
    for part in _PARTS:
        ends = np.concatenate([[0], np.cumsum(packed[f"{part}_lengths"])])
        columns.append([packed[part][start:end].copy() for start, end in pairwise(ends)])
    trees = [TreePredictor(*arrays) for arrays in zip(*columns, strict=True)]
    wide = packed["of_a_round"]
    return [trees[i : i + wide] for i in range(0, len(trees), wide)]


class _Unwatched:
    """Nobody waits for the booster."""

    def __call__(self, _steps: int, _prediction: Any) -> bool:
        return False

    def paced(self, _steps: int, rate: float, _enough: float) -> float:
        return rate


class _Watch:
    """A scorer that asks the host whether to go on; what it returns only rises or falls."""

    def __init__(self, monitor: Monitor, last: int, own: float, *, has_stop: bool) -> None:
        self._own = own
        self._monitor = monitor
        self._last = last
        self._has_stop = has_stop
        self._on_stop_rows = True
        self._due = _REPORT_LEAST
        self._calls = 0

    def score(self, booster: Any, X: Any, _: Any, sample_weight: Any = None) -> float:
        """Called by the booster before the first round and after each, on binned rows.

        With early-stopping rows it is called twice: first on training rows, of no use here.
        """
        del sample_weight  # the host weighs the rows that it scores
        self._calls += 1
        if self._has_stop:
            self._on_stop_rows = not self._on_stop_rows
        if not booster.n_iter_:
            # Binning the rows is over, and not to be taken for the time of a round.
            self._monitor(0, None)
        elif self._on_stop_rows and self._is_over(booster, X):
            return float("-inf")
        return float(self._calls)

    def _is_over(self, booster: Any, X: Any) -> bool:
        steps = int(booster.n_iter_)
        over = self._monitor(steps, None)
        if steps in _PLANNED_AFTER or (over and steps < _PLANNED_AFTER[0]):
            self._pace(booster, steps)  # declines a fit that time ends at its beginning
        if self._has_stop and (over or steps >= min(self._due, self._last)):
            self._due = max(steps + _REPORT_LEAST, int(steps * _REPORT_GROWTH))
            predict = getattr(booster, "predict_proba", booster.predict)
            over |= self._monitor(steps, predict(X))
        return over

    def _pace(self, booster: Any, steps: int) -> None:
        """Set the learning rate for the rounds to come."""
        booster.set_params(learning_rate=self._monitor.paced(steps, self._own, _ENOUGH))
