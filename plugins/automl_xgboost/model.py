"""XGBoost behind the host's `Model` protocol, through its native interface."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost as xgb

from automl import RoundClock, category_levels, coded_matrix, hastened

if TYPE_CHECKING:
    import automl

_ROUNDS = 1000
_REPORT_EVERY = 5
_ENOUGH = {"binary": 12.0, "regression": 12.0, "multiclass": 20.0}
"""Rounds times learning rate after which boosting has usually converged; larger steps than
these call for overfit, and several classes share what a round learns."""
_HELD_BACK = {"reg_lambda": 1.0, "min_child_weight": 1.0}
"""XGBoost's own defaults, and the least of each when steps are made larger."""
_BINS, _FEWEST_BINS, _ALL_BINS = 256, 32, 256_000
"""Bins of a column, and about how many of all columns: histograms of wide tables fill memory."""

# Level with the tuned defaults of Holzmueller et al. 2024 (arXiv 2407.04491) or ahead of them on
# the tables tried, 3,000 and 15,000 rows, most so where there is time for few rounds.
_BASE = {
    "learning_rate": 0.05,
    "max_depth": 7,
    "min_child_weight": 1.0,
    "reg_lambda": 1.0,
    "colsample_bylevel": 0.7,
    "subsample": 0.8,
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
        self._levels: list[int] = []
        self._absent: list[int] = []
        self._shift, self._scale = 0.0, 1.0
        self._threads = 0

    def fit(self, train: automl.View, stop: automl.View | None, run: automl.Run) -> None:
        """Boost until the host says stop, time runs out, or all rounds are done."""
        self._threads = run.threads
        self._levels = category_levels(train.X)
        if self._task != "regression":
            counts = np.bincount(_target(train), minlength=self._n_classes)
            self._absent = [int(code) for code in np.flatnonzero(counts == 0)]
        data = self._quantised(train, run, None)
        watched = None if stop is None else self._quantised(stop, run, data)
        cache = [data] if watched is None else [data, watched]
        booster = xgb.Booster(self._parameters(train, run), cache=cache)
        done = self._boost(booster, data, watched, run)
        kept = run.best_step + 1 if watched is not None and run.best_step >= 0 else done
        booster.reset()
        self._booster = booster[:kept] if kept < done else booster

    def _boost(self, booster: Any, data: Any, watched: Any, run: automl.Run) -> int:
        """Run the rounds; returns how many."""
        clock = RoundClock(run, self._rounds)
        while True:
            booster.update(data, clock.done)
            last = clock.tick()
            if watched is not None and (last or clock.done % _REPORT_EVERY == 0):
                # The booster caches the margins of `watched`: this adds the new rounds only.
                last |= run.report(clock.done - 1, self._shaped(booster.predict(watched)))
            if last:
                clock.close()
                return clock.done
            if (rounds := clock.forecast()) is not None:
                clock.hastened = self._plan(booster, rounds)

    def _plan(self, booster: Any, rounds: float) -> bool:
        """Set the learning rate that the rounds left by the clock call for; True if it is higher.

        Larger steps need leaves that are held back; without that they overfit at once.
        """
        settings = {**_HELD_BACK, **self._settings}
        own = settings["learning_rate"]
        settings["learning_rate"] = hastened(own, rounds, _ENOUGH[self._task])
        if settings["learning_rate"] > own:
            settings |= {key: max(least, settings[key]) for key, least in _HELD_BACK.items()}
        names = ("learning_rate", *_HELD_BACK)
        booster.set_param({name: settings[name] for name in names})
        return bool(settings["learning_rate"] > own)

    def predict(self, view: automl.View) -> Any:
        """(n, k) class probabilities or (n,) values."""
        data = xgb.DMatrix(
            coded_matrix(view.X, self._levels),
            feature_types=_kinds(self._levels),
            enable_categorical=True,
            nthread=self._threads or None,
        )
        return self._shaped(self._booster.predict(data))

    def save(self, folder: Path) -> None:
        """Write the booster as UBJSON beside a small JSON file."""
        self._booster.save_model(folder / "model.ubj")
        fitted = {
            "levels": self._levels,
            "absent": self._absent,
            "shift": self._shift,
            "scale": self._scale,
        }
        (folder / "model.json").write_text(json.dumps(fitted), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        fitted = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self._levels, self._absent = fitted["levels"], fitted["absent"]
        self._shift, self._scale = fitted["shift"], fitted["scale"]
        self._booster = xgb.Booster(model_file=folder / "model.ubj")

    def _quantised(self, view: automl.View, run: automl.Run, like: Any) -> Any:
        label = _target(view)
        if self._task == "regression":
            if like is None:
                self._shift, self._scale = float(label.mean()), float(label.std()) or 1.0
            label = (label - self._shift) / self._scale
        return xgb.QuantileDMatrix(
            coded_matrix(view.X, self._levels),
            label=label,
            feature_types=_kinds(self._levels),
            enable_categorical=True,
            nthread=run.threads,
            max_bin=_bins(view.X.shape[1]),
            ref=like,
        )

    def _parameters(self, train: automl.View, run: automl.Run) -> dict[str, Any]:
        objective: dict[str, Any] = {"objective": "reg:squarederror", "base_score": 0.0}
        if self._task == "binary":
            objective = {"objective": "binary:logistic"}
            share = float(_target(train).mean())
            objective["base_score"] = min(max(share, 1e-6), 1 - 1e-6)
        if self._task == "multiclass":
            objective = {"objective": "multi:softprob", "num_class": self._n_classes}
        return {
            "tree_method": "hist",
            "max_bin": _bins(train.X.shape[1]),
            "device": run.device,
            "nthread": run.threads,
            "seed": run.seed,
            "verbosity": 0,
            **objective,
            **self._settings,
        }

    def _shaped(self, raw: Any) -> Any:
        if self._task == "regression":
            return raw.astype(np.float64) * self._scale + self._shift
        if self._task == "binary":
            raw = np.column_stack([1 - raw, raw])
        if self._absent:
            raw = raw.copy()
            raw[:, self._absent] = 0
            raw /= raw.sum(axis=1, keepdims=True)
        return raw


def _target(view: automl.View) -> Any:
    return np.asarray(view.y)


def _bins(columns: int) -> int:
    return max(_FEWEST_BINS, min(_BINS, _ALL_BINS // columns))


def _kinds(levels: list[int]) -> list[str]:
    return ["c" if count else "q" for count in levels]
