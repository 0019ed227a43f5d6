"""LightGBM behind the host's `Model` protocol, through its native interface."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

from automl import RoundClock, category_levels, coded_matrix, hastened, spread_classes

if TYPE_CHECKING:
    import automl

_ROUNDS = 1000
_GROWN_OUT = 20
"""Rounds without a split in a row after which there is nothing more to split."""
_REPORT_EVERY = 5
_ENOUGH = {"binary": 12.0, "regression": 12.0, "multiclass": 20.0}
"""Rounds times learning rate after which boosting has usually converged."""
_HELD_BACK = {"lambda_l2": 1.0, "min_sum_hessian_in_leaf": 1e-3}
"""The least of each when steps are made larger."""
_BINS, _FEWEST_BINS, _ALL_BINS = 255, 31, 256_000
"""Bins of a column, and about how many of all columns: histograms of wide tables fill memory."""
_LEAST_LEAVES = 20
"""Leaves that the rows must always suffice for, whatever `min_data_in_leaf` says."""

# Near the library's own, slower and with a little taken at random from columns and rows. On 3,000
# rows ahead of the tuned defaults of Holzmueller et al. 2024 (arXiv 2407.04491) on most tables
# tried; on 15,000 level with them or ahead, but behind on metro_traffic.
_BASE = {
    "learning_rate": 0.05,
    "num_leaves": 40,
    "min_data_in_leaf": 5,
    "min_sum_hessian_in_leaf": 1e-3,
    "lambda_l2": 0.3,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
}


def build(config: dict[str, Any], task: str, n_classes: int) -> BoosterModel:
    """An unfitted model; settings not in `config` are the defaults above."""
    return BoosterModel({**_BASE, **config}, task, n_classes)


class BoosterModel:
    """Boosted trees; keeps the rounds up to the best step that the host saw."""

    def __init__(self, settings: dict[str, Any], task: str, n_classes: int) -> None:
        self._rounds = int(settings.pop("n_estimators", _ROUNDS))
        self._settings = settings
        self._task = task
        self._n_classes = n_classes
        self._booster: Any = None
        self._kept = 0
        self._levels: list[int] = []
        self._seen: list[int] = []
        self._shift, self._scale = 0.0, 1.0
        self._threads = 0

    def fit(self, train: automl.View, stop: automl.View | None, run: automl.Run) -> None:
        """Boost until the host says stop, time runs out, or all rounds are done."""
        self._threads = run.threads
        self._levels = category_levels(train.X)
        label = self._labels(np.asarray(train.y))
        if len(self._seen) == 1:
            return
        parameters = self._parameters(train.X.shape, run)
        data = self._dataset(train.X, label, parameters, None)
        booster = lgb.Booster(parameters, data)
        if stop is not None:
            # The labels of the stop rows are the host's business.
            watched = self._dataset(stop.X, np.zeros(len(stop)), parameters, data)
            booster.add_valid(watched, "stop")
        done = self._boost(booster, run, watched=stop is not None)
        self._kept = run.best_step + 1 if stop is not None and run.best_step >= 0 else done
        self._booster = booster.free_dataset()

    def _boost(self, booster: Any, run: automl.Run, *, watched: bool) -> int:
        """Run the rounds; returns how many have trees.

        A round that drew rows and columns without a split adds none, and the next may again.
        """
        clock, empty = RoundClock(run, self._rounds), 0
        while True:
            try:
                empty = empty + 1 if booster.update() else 0
            except lgb.basic.LightGBMError:
                if not empty:
                    raise
                empty = _GROWN_OUT  # no column can be split at all
            last = clock.tick() or empty >= _GROWN_OUT
            kept = int(booster.current_iteration())
            if watched and (last or clock.done % _REPORT_EVERY == 0):
                last |= run.report(max(kept - 1, 0), self._shaped(_cached(booster)))
            if last:
                clock.close()
                return kept
            if (rounds := clock.forecast()) is not None and not empty:
                clock.hastened = self._plan(booster, rounds)

    def _plan(self, booster: Any, rounds: float) -> bool:
        """Set the learning rate that the rounds left by the clock call for; True if it is higher.

        Larger steps need leaves that are held back; without that they overfit at once.
        """
        own = self._settings["learning_rate"]
        settings = {"learning_rate": hastened(own, rounds, _ENOUGH[self._task])}
        least = _HELD_BACK if settings["learning_rate"] > own else dict.fromkeys(_HELD_BACK, 0.0)
        for name, value in least.items():
            settings[name] = max(value, self._settings.get(name, 0.0))
        booster.reset_parameter(settings)
        return bool(settings["learning_rate"] > own)

    def predict(self, view: automl.View) -> Any:
        """(n, k) class probabilities or (n,) values."""
        if len(self._seen) == 1:
            return spread_classes(np.ones((len(view), 1)), self._seen, self._n_classes)
        rows = coded_matrix(view.X, self._levels)
        raw = self._booster.predict(
            rows, num_iteration=self._kept, num_threads=self._threads, validate_features=False
        )
        return self._shaped(raw)

    def save(self, folder: Path) -> None:
        """Write the booster in LightGBM's text format beside a small JSON file."""
        if self._booster is not None:
            text = self._booster.model_to_string(num_iteration=self._kept)
            (folder / "model.txt").write_text(text, encoding="utf-8")
        fitted = {
            "levels": self._levels,
            "seen": self._seen,
            "shift": self._shift,
            "scale": self._scale,
        }
        (folder / "model.json").write_text(json.dumps(fitted), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        fitted = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self._levels, self._seen = fitted["levels"], fitted["seen"]
        self._shift, self._scale = fitted["shift"], fitted["scale"]
        if len(self._seen) != 1:
            text = (folder / "model.txt").read_text(encoding="utf-8")
            self._booster = lgb.Booster(model_str=text)
            self._kept = self._booster.current_iteration()

    def _labels(self, y: Any) -> Any:
        """Positions among the classes seen, or standardised values: labels are kept in float32."""
        if self._task == "regression":
            self._shift, self._scale = float(y.mean()), float(y.std()) or 1.0
            return (y - self._shift) / self._scale
        seen, label = np.unique(y, return_inverse=True)
        self._seen = [int(code) for code in seen]
        return label

    def _dataset(self, X: Any, label: Any, parameters: dict[str, Any], like: Any) -> Any:
        return lgb.Dataset(
            coded_matrix(X, self._levels),
            label=label,
            reference=like,
            categorical_feature=[i for i, count in enumerate(self._levels) if count],
            feature_name=[f"c{i}" for i in range(X.shape[1])],
            params=parameters,
        )

    def _parameters(self, shape: tuple[int, int], run: automl.Run) -> dict[str, Any]:
        rows, columns = shape
        objective: dict[str, Any] = {"objective": "regression"}
        if self._seen:
            objective = {"objective": "binary"}
        if len(self._seen) > 2:
            objective = {"objective": "multiclass", "num_class": len(self._seen)}
        most = max(1, rows // _LEAST_LEAVES)
        leaf = {"min_data_in_leaf": min(self._settings["min_data_in_leaf"], most)}
        return {
            "num_threads": run.threads,
            "seed": run.seed,
            "deterministic": True,
            # Settled here: LightGBM would settle it by timing both, at random.
            "force_col_wise": True,
            "verbosity": -1,
            "metric": "None",
            "max_bin": max(_FEWEST_BINS, min(_BINS, _ALL_BINS // columns)),
            "bagging_freq": 1,
            **objective,
            **self._settings,
            **leaf,
        }

    def _shaped(self, raw: Any) -> Any:
        if self._task == "regression":
            return raw * self._scale + self._shift
        if raw.ndim == 1:
            raw = np.column_stack([1 - raw, raw])
        return spread_classes(raw, self._seen, self._n_classes)


def _cached(booster: Any) -> Any:
    """Predictions of the stop rows so far, which the booster keeps up to date by itself."""
    caught: list[Any] = []

    def catch(prediction: Any, _: Any) -> tuple[str, float, bool]:
        caught.append(np.array(prediction))  # LightGBM goes on writing into its own
        return "", 0.0, False

    booster.eval_valid(catch)
    return caught[0]
