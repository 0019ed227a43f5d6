"""XGBoost as an engine of the booster adapter, through its native interface."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost as xgb

from automl import BoosterModel, BoosterTerms

if TYPE_CHECKING:
    import automl

_BINS, _FEWEST_BINS = 256, 32

_TERMS = BoosterTerms(
    rounds="n_estimators",
    # Level with the tuned defaults of Holzmueller et al. 2024 (arXiv 2407.04491) or ahead of them
    # on the tables tried, 3,000 and 15,000 rows, most so where there is time for few rounds.
    defaults={
        "n_estimators": 10_000,
        "learning_rate": 0.05,
        "max_depth": 7,
        "min_child_weight": 1.0,
        "reg_lambda": 1.0,
        "colsample_bylevel": 0.7,
        "subsample": 0.8,
    },
    # Several classes share what a round learns.
    enough={"binary": 12.0, "regression": 12.0, "multiclass": 20.0},
)


def build(config: dict[str, Any], task: automl.Task, n_classes: int) -> BoosterModel:
    """An unfitted model; settings not in `config` are the defaults above."""
    return BoosterModel(Engine, _TERMS, config, task, n_classes)


class Engine:
    """Boosted trees."""

    def __init__(self, problem: automl.BoosterProblem) -> None:
        self._problem = problem
        self._kinds = ["c" if count else "q" for count in problem.levels]
        self._booster: Any = None

    def data(self, X: Any, y: Any, like: Any, weights: Any = None) -> Any:
        """Binned rows."""
        if self._problem.task == "multiclass":
            y = np.asarray(self._problem.target.seen)[y]
        return xgb.QuantileDMatrix(
            X,
            label=y,
            weight=weights,
            feature_types=self._kinds,
            enable_categorical=True,
            nthread=self._problem.threads,
            max_bin=self._problem.bins(_BINS, _FEWEST_BINS),
            ref=like,
        )

    def train(self, data: Any, stop: Any, rounds: automl.BoosterRounds) -> int:
        """Update until the rounds are over."""
        cache = [data] if stop is None else [data, stop]
        booster = xgb.Booster(self._parameters(), cache=cache)
        while not rounds.over:
            booster.update(data, rounds.done)
            rounds.tick()
            if rounds.due:
                # The booster caches the margins of `stop`: this adds the new rounds only.
                rounds.report(rounds.done, self._of_seen(booster.predict(stop)))
            if changes := rounds.changes():
                booster.set_param(changes)
        booster.reset()
        self._booster = booster
        return rounds.done

    def predict(self, X: Any, rounds: int) -> Any:
        """(n, k) or (n,) class probabilities, or (n,) values."""
        data = xgb.DMatrix(
            X,
            feature_types=self._kinds,
            enable_categorical=True,
            nthread=self._problem.threads or None,
        )
        return self._of_seen(self._booster.predict(data, iteration_range=(0, max(rounds, 0))))

    def save(self, folder: Path, rounds: int) -> None:
        """Write UBJSON."""
        self._booster[:rounds].save_model(folder / "model.ubj")

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        self._booster = xgb.Booster(model_file=folder / "model.ubj")

    def _parameters(self) -> dict[str, Any]:
        problem = self._problem
        objective: dict[str, Any] = {"objective": "reg:squarederror", "base_score": 0.0}
        if problem.task == "binary":
            share = min(max(problem.target.prior[1], 1e-6), 1 - 1e-6)  # float32 rounds to 1
            objective = {"objective": "binary:logistic", "base_score": share}
        if problem.task == "multiclass":
            objective = {"objective": "multi:softprob", "num_class": problem.target.n_classes}
        return {
            "tree_method": "hist",
            "max_bin": problem.bins(_BINS, _FEWEST_BINS),
            "device": problem.device,
            "nthread": problem.threads,
            "seed": problem.seed,
            "verbosity": 0,
            **objective,
            **problem.settings,
        }

    def _of_seen(self, raw: Any) -> Any:
        """Predictions of a booster for all classes, of those that the training rows have."""
        seen = self._problem.target.seen
        if raw.ndim == 1 or raw.shape[1] == len(seen):
            return raw
        some = np.zeros_like(raw)
        some[:, seen] = raw[:, seen]
        return (some / some.sum(axis=1, keepdims=True))[:, seen]
