"""LightGBM as an engine of the booster adapter, through its native interface."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

from automl import BoosterModel, BoosterTerms

if TYPE_CHECKING:
    import automl

_GROWN_OUT = 20
"""Rounds without a split in a row after which there is nothing more to split."""
_BINS, _FEWEST_BINS = 255, 31
_LEAST_LEAVES = 20
"""Leaves that the rows must always suffice for, whatever `min_data_in_leaf` says."""

_TERMS = BoosterTerms(
    rounds="n_estimators",
    # Near the library's own, slower and with a little taken at random from columns and rows. On
    # 3,000 rows ahead of the tuned defaults of Holzmueller et al. 2024 (arXiv 2407.04491) on most
    # tables tried; on 15,000 level with them or ahead, but behind on metro_traffic.
    defaults={
        "n_estimators": 10_000,
        "learning_rate": 0.05,
        "num_leaves": 40,
        "min_data_in_leaf": 5,
        "min_sum_hessian_in_leaf": 1e-3,
        "lambda_l2": 0.3,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
    },
    enough={"binary": 12.0, "regression": 12.0, "multiclass": 20.0},
)


def build(config: dict[str, Any], task: automl.Task, n_classes: int) -> BoosterModel:
    """An unfitted model; settings not in `config` are the defaults above."""
    return BoosterModel(Engine, _TERMS, config, task, n_classes)


class Engine:
    """Trees grown leaf by leaf."""

    def __init__(self, problem: automl.BoosterProblem) -> None:
        self._problem = problem
        self._booster: Any = None

    def data(self, X: Any, y: Any, like: Any, weights: Any = None) -> Any:
        """Binned rows."""
        rows = lgb.Dataset(
            X,
            label=y,
            weight=weights,
            reference=like,
            categorical_feature=self._problem.categories,
            feature_name=[f"c{i}" for i in range(X.shape[1])],
            params=self._parameters(),
        )
        return rows.construct()

    def train(self, data: Any, stop: Any, rounds: automl.BoosterRounds) -> int:
        """Update until the rounds are over, or nothing is left to split.

        A round that drew rows and columns without a split adds no trees, and the next may again.
        """
        booster, empty = lgb.Booster(self._parameters(), data), 0
        if stop is not None:
            booster.add_valid(stop, "stop")
        while not rounds.over:
            empty = _update(booster, empty)
            rounds.tick(last=empty >= _GROWN_OUT)
            if rounds.due:
                rounds.report(booster.current_iteration(), _cached(booster))
            if not empty and (changes := rounds.changes()):
                booster.reset_parameter(changes)
        self._booster = booster.free_dataset()
        return int(booster.current_iteration())

    def predict(self, X: Any, rounds: int) -> Any:
        """(n, k) or (n,) class probabilities, or (n,) values."""
        threads = self._problem.threads
        return self._booster.predict(
            X, num_iteration=rounds, num_threads=threads, validate_features=False
        )

    def save(self, folder: Path, rounds: int) -> None:
        """Write LightGBM's text format."""
        text = self._booster.model_to_string(num_iteration=rounds)
        (folder / "model.txt").write_text(text, encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        text = (folder / "model.txt").read_text(encoding="utf-8")
        self._booster = lgb.Booster(model_str=text)

    def _parameters(self) -> dict[str, Any]:
        problem = self._problem
        objective: dict[str, Any] = {"objective": "binary" if problem.classes else "regression"}
        if problem.classes > 2:
            objective = {"objective": "multiclass", "num_class": problem.classes}
        most = max(1, problem.rows // _LEAST_LEAVES)
        leaf = {"min_data_in_leaf": min(problem.settings["min_data_in_leaf"], most)}
        return {
            "num_threads": problem.threads,
            "seed": problem.seed,
            "deterministic": True,
            # Settled here: LightGBM would settle it by timing both, at random.
            "force_col_wise": True,
            "verbosity": -1,
            "metric": "None",
            "max_bin": problem.bins(_BINS, _FEWEST_BINS),
            "bagging_freq": 1,
            **objective,
            **problem.settings,
            **leaf,
        }


def _update(booster: Any, empty: int) -> int:
    """Add a round; returns how many rounds in a row found no split, `empty` before this one."""
    try:
        return empty + 1 if booster.update() else 0
    except lgb.basic.LightGBMError:
        if not empty:
            raise
        return _GROWN_OUT  # no column can be split at all


def _cached(booster: Any) -> Any:
    """Predictions of the early-stopping rows, which the booster keeps up to date by itself."""
    caught: list[Any] = []

    def catch(prediction: Any, _: Any) -> tuple[str, float, bool]:
        caught.append(np.array(prediction))  # LightGBM goes on writing into its own
        return "", 0.0, False

    booster.eval_valid(catch)
    return caught[0]
