"""CatBoost behind the host's `Model` protocol."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import catboost as cb
import numpy as np

from automl import category_levels, hastened, spread_classes
from automl_catboost.watch import Watch

if TYPE_CHECKING:
    import automl

_ROUNDS = 1000
_REPORT_EVERY = 5
_PILOT = 4
"""Rounds that are timed, where there is a deadline, before the learning rate is settled."""
_HASTY = 0.3
"""Learning rate of the pilot, which is kept where there is no time for more."""
_ENOUGH = 30.0
"""Rounds times learning rate after which boosting has usually converged."""
_HELD_BACK = 3.0
"""CatBoost's own L2 penalty of leaves, and the least when steps are made larger."""
_SPARE = 0.9
"""Share of the time left that rounds are planned for."""
_BINS, _FEWEST_BINS, _ALL_BINS = 254, 32, 256_000
"""Borders of a column, and about how many of all: histograms of wide tables fill memory."""
_MANY_CLASSES = 10
"""Classes above which leaves are settled by gradients: Newton steps cost their number squared."""

# Near the library's own, its leaves held back less and its steps larger, since there is less time.
# On 3,000 rows ahead of the tuned defaults of Holzmueller et al. 2024 (arXiv 2407.04491); on 15,000
# some tables favour those (metro_traffic, covertype averaged over folds): a later default.
_BASE = {
    "learning_rate": 0.08,
    "depth": 6,
    "l2_leaf_reg": 1.0,
    "random_strength": 1.0,
    "one_hot_max_size": 15,
    "leaf_estimation_iterations": 2,
    "subsample": 0.8,
}


def build(config: dict[str, Any], task: str, n_classes: int) -> BoosterModel:
    """An unfitted model; settings not in `config` are the defaults above."""
    return BoosterModel({**_BASE, **config}, task, n_classes)


class BoosterModel:
    """Boosted symmetric trees; keeps the rounds up to the best step that the host saw."""

    def __init__(self, settings: dict[str, Any], task: str, n_classes: int) -> None:
        self._rounds = int(settings.pop("iterations", _ROUNDS))
        self._settings = settings
        self._task = task
        self._n_classes = n_classes
        self._booster: Any = None
        self._levels: list[int] = []
        self._seen: list[int] = []
        self._prior: list[float] = [1.0]
        self._shift, self._scale = 0.0, 1.0
        self._threads = -1
        self._hastened = False
        self._kept = 0
        """Trees that predict; 0 for all."""

    def fit(self, train: automl.View, stop: automl.View | None, run: automl.Run) -> None:
        """Boost until the host says stop, time runs out, or all rounds are done."""
        self._threads = run.threads
        self._levels = category_levels(train.X)
        label = self._labels(np.asarray(train.y))
        constant = self._task == "regression" and np.ptp(label) == 0
        if len(self._seen) == 1 or constant or not _varies(train.X):
            return
        parameters = self._parameters(train.X.shape[1], run)
        data = self._pool(train.X, label)
        if math.isfinite(run.seconds_left()) and not self._plan(parameters, data, run):
            return
        watch = Watch(run, self._shaped, self._rounds)
        watched = None
        if stop is not None:
            # The labels of the stop rows are the host's business: any known one will do.
            watched = self._pool(stop.X, np.resize(label, len(stop)))
            watched.set_weight(np.full(len(stop), watch.MARK))
            parameters |= {"eval_metric": watch, "metric_period": _REPORT_EVERY}
        self._booster = _boosted(parameters, data, watched, watch)
        if self._hastened:
            run.cut_short(self._booster.tree_count_ / self._rounds)
        if stop is not None and run.best_step >= 0:
            self._kept = run.best_step + 1
            if self._settings.get("grow_policy", "SymmetricTree") == "SymmetricTree":
                self._booster.shrink(self._kept)  # others can only be cut when predicting

    def _plan(self, parameters: dict[str, Any], data: Any, run: automl.Run) -> bool:
        """Time a few rounds, settle the learning rate; False if they are all there is time for.

        The rate of a fit cannot be changed on the way. Larger steps need leaves that are held
        back; without that they overfit at once.
        """
        held_back = {"l2_leaf_reg": max(_HELD_BACK, self._settings["l2_leaf_reg"])}
        pilot = {**parameters, **held_back, "learning_rate": _HASTY, "iterations": _PILOT}
        watch = Watch(run, self._shaped, self._rounds)
        started = perf_counter()
        self._booster = _boosted(pilot, data, None, watch)
        affordable = (run.seconds_left() * _SPARE - (watch.first - started)) / watch.pace
        if affordable < 2 * _PILOT:
            run.cut_short(_PILOT / self._rounds)
            return False
        own = self._settings["learning_rate"]
        rate = hastened(own, min(self._rounds, affordable), _ENOUGH)
        self._hastened = rate > own and affordable < self._rounds
        parameters |= {"learning_rate": rate, **(held_back if rate > own else {})}
        return True

    def predict(self, view: automl.View) -> Any:
        """(n, k) class probabilities or (n,) values."""
        if self._booster is None:
            some = np.tile(np.array(self._prior), (len(view), 1))
        else:
            kind = "Probability" if self._seen else "RawFormulaVal"
            rows = self._pool(view.X)
            some = self._booster.predict(
                rows, prediction_type=kind, ntree_end=self._kept, thread_count=self._threads
            )
        if self._seen:
            return spread_classes(some, self._seen, self._n_classes)
        return (some if self._booster else np.zeros(len(view))) * self._scale + self._shift

    def save(self, folder: Path) -> None:
        """Write the booster in CatBoost's binary format beside a small JSON file."""
        if self._booster is not None:
            self._booster.save_model(str(folder / "model.cbm"), format="cbm")
        fitted = {
            "levels": self._levels,
            "seen": self._seen,
            "prior": self._prior,
            "shift": self._shift,
            "scale": self._scale,
            "kept": self._kept,
        }
        (folder / "model.json").write_text(json.dumps(fitted), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        fitted = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self._levels, self._seen, self._prior = fitted["levels"], fitted["seen"], fitted["prior"]
        self._shift, self._scale = fitted["shift"], fitted["scale"]
        self._kept = fitted["kept"]
        if (folder / "model.cbm").exists():
            self._booster = cb.CatBoost()
            self._booster.load_model(str(folder / "model.cbm"), format="cbm")

    def _labels(self, y: Any) -> Any:
        """Positions among the classes seen, or standardised values: labels are kept in float32."""
        if self._task == "regression":
            self._shift, self._scale = float(y.mean()), float(y.std()) or 1.0
            return (y - self._shift) / self._scale
        seen, label, counts = np.unique(y, return_inverse=True, return_counts=True)
        self._seen = [int(code) for code in seen]
        self._prior = [float(share) for share in counts / len(y)]
        return label

    def _pool(self, X: Any, label: Any = None) -> Any:
        """Rows as CatBoost wants them: numbers, then categories; a missing one is a level too."""
        import pandas as pd

        numbers = [i for i, count in enumerate(self._levels) if not count]
        parts = [pd.DataFrame(X.iloc[:, numbers].to_numpy(np.float32), columns=numbers)]
        for i, count in enumerate(self._levels):
            if count:
                codes = X.iloc[:, i].cat.codes.to_numpy()
                codes = np.where((codes < 0) | (codes >= count), count, codes)
                names = pd.Index([str(code) for code in range(count + 1)])
                parts.append(pd.DataFrame({i: pd.Categorical.from_codes(codes.tolist(), names)}))
        categories = list(range(len(numbers), len(self._levels)))
        frame = pd.concat(parts, axis=1) if categories else parts[0].to_numpy()
        return cb.Pool(frame, label, cat_features=categories, thread_count=self._threads)

    def _parameters(self, columns: int, run: automl.Run) -> dict[str, Any]:
        loss: dict[str, Any] = {"loss_function": "Logloss" if self._seen else "RMSE"}
        if len(self._seen) > 2:
            loss = {"loss_function": "MultiClass", "classes_count": len(self._seen)}
        if len(self._seen) > _MANY_CLASSES:
            loss["leaf_estimation_method"] = "Gradient"
        return {
            "iterations": self._rounds,
            "thread_count": run.threads,
            "random_seed": run.seed,
            "boosting_type": "Plain",
            "bootstrap_type": "Bernoulli",
            "border_count": max(_FEWEST_BINS, min(_BINS, _ALL_BINS // columns)),
            "allow_writing_files": False,
            "use_best_model": False,
            "logging_level": "Silent",
            **loss,
            **self._settings,
        }

    def _shaped(self, margins: Any) -> Any:
        """(outputs, n) margins as (n, k) class probabilities or (n,) values."""
        if self._task == "regression":
            return margins[0] * self._scale + self._shift
        if len(margins) == 1:
            margins = np.vstack([np.zeros_like(margins[0]), margins[0]])
        shares = np.exp(margins - margins.max(axis=0)).T
        return spread_classes(
            shares / shares.sum(axis=1, keepdims=True), self._seen, self._n_classes
        )


def _boosted(parameters: dict[str, Any], data: Any, watched: Any, watch: Watch) -> Any:
    with warnings.catch_warnings():
        # Watching needs no compiled metric.
        warnings.filterwarnings("ignore", "Failed to import numba", UserWarning)
        warnings.filterwarnings("ignore", "Failed to optimize metric", UserWarning)
        return cb.CatBoost(parameters).fit(data, eval_set=watched, callbacks=[watch])


def _varies(frame: Any) -> bool:
    """Whether any column has two values, a missing one counting: CatBoost refuses all others."""
    return any(len(frame.iloc[:, i].unique()) > 1 for i in range(frame.shape[1]))
