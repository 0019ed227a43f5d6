"""CatBoost as an engine of the booster adapter."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import catboost as cb
import numpy as np
import pandas as pd

from automl import BoosterModel, BoosterTerms
from automl_catboost.watch import Watch

if TYPE_CHECKING:
    import automl

_PILOT = 4
"""Rounds that are timed, where there is a deadline, before the learning rate is settled."""
_BINS, _FEWEST_BINS = 254, 32
_FEWEST_SAMPLED = 32
"""Rows below which none are left out: a round that draws no row at all ends a fit with an error."""
_MANY_CLASSES = 10
"""Classes above which leaves are settled by gradients: Newton steps cost their number squared."""

_TERMS = BoosterTerms(
    rounds="iterations",
    # Near the library's own, its leaves held back less and its steps larger, since there is less
    # time. On 3,000 rows ahead of the tuned defaults of Holzmueller et al. 2024 (arXiv
    # 2407.04491); on 15,000 some tables favour those (metro_traffic, covertype averaged over
    # folds): a later default.
    defaults={
        "iterations": 10_000,
        "learning_rate": 0.08,
        "depth": 6,
        "grow_policy": "SymmetricTree",
        "l2_leaf_reg": 1.0,
        "random_strength": 1.0,
        "one_hot_max_size": 15,
        "leaf_estimation_iterations": 2,
        "subsample": 0.8,
    },
    enough={"binary": 30.0, "regression": 30.0, "multiclass": 30.0},
)


def build(config: dict[str, Any], task: automl.Task, n_classes: int) -> BoosterModel:
    """An unfitted model; settings not in `config` are the defaults above."""
    return BoosterModel(Engine, _TERMS, config, task, n_classes)


class Engine:
    """Symmetric trees on ordered statistics of categories."""

    def __init__(self, problem: automl.BoosterProblem) -> None:
        self._problem = problem
        self._threads = problem.threads or -1
        self._booster: Any = None

    def data(self, X: Any, y: Any, like: Any, weights: Any = None) -> Any:
        """A pool; that of early-stopping rows is marked by their weight."""
        pool = self._pool(X, y)
        if weights is not None:
            pool.set_weight(weights)
        if like is not None:
            pool.set_weight(np.full(len(X), Watch.MARK))
        return pool

    def train(self, data: Any, stop: Any, rounds: automl.BoosterRounds) -> int:
        """Let CatBoost boost while it is watched.

        The learning rate of a fit cannot be changed on the way. Where there is a deadline a few
        rounds are timed first.
        """
        parameters, watch = self._parameters(rounds.total), Watch(rounds, self._problem.classes)
        if data.num_row() < _FEWEST_SAMPLED:
            del parameters["subsample"]
            parameters["bootstrap_type"] = "No"
        if rounds.limited:
            _boosted({**parameters, "iterations": _PILOT}, data, None, watch)
            parameters |= rounds.restart()
        if stop is not None:
            parameters |= {"eval_metric": watch, "metric_period": rounds.every}
        self._booster = _boosted(parameters, data, stop, watch)
        return int(self._booster.tree_count_)

    def predict(self, X: Any, rounds: int) -> Any:
        """(n, k) class probabilities or (n,) values."""
        kind = "Probability" if self._problem.classes else "RawFormulaVal"
        return self._booster.predict(
            self._pool(X),
            prediction_type=kind,
            ntree_end=max(rounds, 0),
            thread_count=self._threads,
        )

    def save(self, folder: Path, rounds: int) -> None:
        """Write CatBoost's binary format."""
        if self._problem.settings.get("grow_policy") == "SymmetricTree":
            self._booster.shrink(rounds)  # others can only be cut when predicting
        self._booster.save_model(str(folder / "model.cbm"), format="cbm")

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        self._booster = cb.CatBoost()
        self._booster.load_model(str(folder / "model.cbm"), format="cbm")

    def _pool(self, X: Any, y: Any = None) -> Any:
        rows, places = _arranged(X, self._problem.levels)
        return cb.Pool(rows, y, cat_features=places, thread_count=self._threads)

    def _parameters(self, rounds: int) -> dict[str, Any]:
        problem = self._problem
        loss: dict[str, Any] = {"loss_function": "Logloss" if problem.classes else "RMSE"}
        if problem.classes > 2:
            loss = {"loss_function": "MultiClass", "classes_count": problem.classes}
        if problem.classes > _MANY_CLASSES:
            loss["leaf_estimation_method"] = "Gradient"
        return {
            "iterations": rounds,
            "thread_count": problem.threads,
            "random_seed": problem.seed,
            "boosting_type": "Plain",
            "bootstrap_type": "Bernoulli",
            "border_count": problem.bins(_BINS, _FEWEST_BINS),
            "allow_writing_files": False,
            "use_best_model": False,
            "logging_level": "Silent",
            **loss,
            **problem.settings,
        }


def _arranged(X: Any, levels: Sequence[int]) -> tuple[Any, list[int]]:
    """Numbers, then categories, a missing one being a level too; and where the categories are."""
    numbers = [i for i, count in enumerate(levels) if not count]
    if len(numbers) == len(levels):
        return X, []
    parts = [pd.DataFrame(X[:, numbers], columns=numbers)]
    for i, count in enumerate(levels):
        if count:
            codes = np.where(np.isnan(X[:, i]), count, X[:, i]).astype(np.int64)
            names = pd.Index([str(code) for code in range(count + 1)])
            parts.append(pd.DataFrame({i: pd.Categorical.from_codes(codes.tolist(), names)}))
    return pd.concat(parts, axis=1), list(range(len(numbers), len(levels)))


def _boosted(parameters: dict[str, Any], data: Any, watched: Any, watch: Watch) -> Any:
    with warnings.catch_warnings():
        # Watching needs no compiled metric.
        warnings.filterwarnings("ignore", "Failed to import numba", UserWarning)
        warnings.filterwarnings("ignore", "Failed to optimize metric", UserWarning)
        return cb.CatBoost(parameters).fit(data, eval_set=watched, callbacks=[watch])
