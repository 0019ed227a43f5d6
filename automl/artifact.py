"""The model on disk: a folder that predicts in a fresh process without reading a pickle."""

from __future__ import annotations

import json
import warnings
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.data.schema import decode_labels, schema_from_json, schema_to_json, to_features
from automl.data.views import load_view
from automl.errors import ArtifactError
from automl.hooks.manager import get_host, resolve
from automl.search.objective import read_scale
from automl.search.record import Record
from automl.types import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pandas as pd

    from automl.types import Array, Rung, Schema

NAME = "artifact.json"
FORMAT = 1
WATCHED = (
    "automl-crossover",
    "numpy",
    "pandas",
    "scikit-learn",
    "skops",
    "skrub",
    "xgboost",
    "lightgbm",
    "catboost",
    "torch",
    "keras",
)
"""Libraries whose versions may change what a saved model predicts."""


def versions(names: Iterable[str] = WATCHED) -> dict[str, str]:
    """Installed versions of the libraries that are there."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write_artifact(
    run: Path,
    schema: Schema,
    rungs: Iterable[Rung],
    best: Mapping[str, str],
    metric: str,
    *,
    default: str,
    refit: bool = False,
    contamination: float | None = None,
) -> None:
    """Write `model/artifact.json`: what each member is and how members combine.

    Args:
        run: The run directory; models and views of its members are saved already.
        schema: How rows are read.
        rungs: The journal.
        best: Learner -> its best trial, for predictions by one learner.
        metric: Name of the metric that was optimised.
        default: The learner or ensemble that predicts unless another is named.
        refit: Whether a trial's fit on every row stands alone, as its fold 1.
        contamination: Share of the training rows beyond the threshold of an anomaly detector;
            None for other tasks.
    """
    model = run / "model"
    ensembles = json.loads((model / "ensembles.json").read_text(encoding="utf-8"))
    wanted = set(best.values()) | {m["trial"] for e in ensembles for m in e["members"]}
    members = _members(model, [r for r in rungs if r.trial in wanted], refit=refit)
    content = {
        "format": FORMAT,
        "default": default,
        "schema": schema_to_json(schema),
        "metric": metric,
        "versions": versions(),
        "members": members,
        "best": {learner: trial for learner, trial in best.items() if trial in members},
        "ensembles": {
            e["name"]: {m["trial"]: m["weight"] for m in e["members"]}
            for e in ensembles
            if e["members"] and not e.get("combiner")
        },
        "combiners": {e["name"]: e["combiner"] for e in ensembles if e.get("combiner")},
    }
    if contamination is not None:
        content["contamination"] = contamination
        content["thresholds"] = _thresholds(run, content, contamination)
    (model / NAME).write_text(json.dumps(content, indent=1), encoding="utf-8")


def _thresholds(run: Path, content: Mapping[str, Any], share: float) -> dict[str, float]:
    """Ensemble or learner -> the score that so many training rows exceed, out of fold."""
    record = Record(run)
    alone = {learner: {trial: 1.0} for learner, trial in content["best"].items()}
    found = {}
    for name, weights in {**alone, **content["ensembles"]}.items():
        scores = sum(w * record.prediction(t).astype(np.float64) for t, w in weights.items())
        found[name] = float(np.quantile(scores, 1 - share))
    return found


def _members(model: Path, rungs: Iterable[Rung], *, refit: bool) -> dict[str, Any]:
    """Trial -> learner, configuration and the folds that have a saved model."""
    members: dict[str, Any] = {}
    for rung in rungs:
        if rung.status == "ok" and (model / "members" / f"{rung.trial}-f{rung.fold}").is_dir():
            member = members.setdefault(
                rung.trial, {"learner": rung.learner, "config": dict(rung.config), "folds": []}
            )
            if refit and rung.fold:
                member["folds"] = [rung.fold]
            elif rung.fold not in member["folds"]:
                member["folds"].append(rung.fold)
    return members


class Predictor:
    """Predicts new rows from a saved model."""

    def __init__(self, folder: Path, content: dict[str, Any]) -> None:
        self._folder = folder
        self._content = content
        self.schema: Schema = schema_from_json(content["schema"])
        self._model = lru_cache(maxsize=None)(self._load_model)
        self._view = lru_cache(maxsize=None)(load_view)

    @classmethod
    def load(cls, path: str | Path) -> Predictor:
        """Open a run directory or its `model` folder.

        Raises:
            ArtifactError: There is no model, or one of a newer format.
        """
        root = Path(path)
        folder = root / "model" if (root / "model" / NAME).exists() else root
        if not (folder / NAME).exists():
            what = "holds no finished model" if root.exists() else "does not exist"
            msg = f"{root} {what}; give the directory that `automl fit` printed"
            raise ArtifactError(msg)
        try:
            content = json.loads((folder / NAME).read_text(encoding="utf-8"))
        except ValueError as error:
            msg = f"{folder / NAME} is damaged ({error}); fit again"
            raise ArtifactError(msg) from error
        if content["format"] > FORMAT:
            msg = f"{folder} was written by a newer automl; upgrade automl-crossover to read it"
            raise ArtifactError(msg)
        _warn_of_other_versions(content["versions"])
        return cls(folder, content)

    @property
    def classes(self) -> tuple[Any, ...]:
        """Labels in the order of the probability columns; empty for regression."""
        return self.schema.classes

    @property
    def names(self) -> tuple[str, ...]:
        """What can predict: the ensembles, then every learner with a saved model."""
        return (*self._content["ensembles"], *self._combiners, *self._content["best"])

    @property
    def default(self) -> str:
        """What predicts unless another is named."""
        known: str | None = self._content.get("default")
        return known if known in self.names else next(iter(self.names), "")

    @property
    def _combiners(self) -> dict[str, Any]:
        """Ensemble -> the trials it combines, in order, and its saved state."""
        return self._content.get("combiners", {})

    def predict(self, table: pd.DataFrame, learner: str | None = None) -> Array:
        """(n,) labels, spelled and typed as in the training table, or values.

        Where anomalies are looked for, int64: 1 for rows beyond the threshold, 0 for others.

        Args:
            table: Rows with the columns of training, in any order; the target may be missing.
            learner: An ensemble or a learner; the one that the fit chose unless given.

        Raises:
            DataError: Columns are missing.
            ArtifactError: There is no such learner in this model.
        """
        raw = self.raw(table, learner)
        if self.schema.task == "anomaly":
            return self.flag(raw, learner)
        return decode_labels(self.schema, raw.argmax(axis=1)) if raw.ndim > 1 else raw

    def flag(self, scores: Array, learner: str | None = None) -> Array:
        """(n,) int64: 1 for anomaly scores of `raw` beyond the threshold, 0 for others.

        Args:
            scores: (n,) from `raw`.
            learner: Whose scores they are, as in `raw`.
        """
        threshold = self._content["thresholds"][learner or self.default]
        return (scores > threshold).astype(np.int64)

    def predict_proba(self, table: pd.DataFrame, learner: str | None = None) -> Array:
        """(n, k) class probabilities in the order of `classes`.

        Raises:
            ArtifactError: The model predicts numbers, or has no such learner.
        """
        raw = self.raw(table, learner)
        if raw.ndim == 1:
            what = "an anomaly score" if self.schema.task == "anomaly" else self.schema.target
            msg = f"{what} is a number: there are no class probabilities"
            raise ArtifactError(msg)
        return raw

    def raw(self, table: pd.DataFrame, learner: str | None = None) -> Array:
        """(n, k) probabilities, (n,) values or anomaly scores in bits, as float64."""
        found = self._mixed(table, learner or self.default)
        if found.ndim > 1:
            # rows of single precision add up to 1 - 1e-7, which scikit-learn's metrics warn about
            found = found / found.sum(axis=1, keepdims=True)
        return found

    def _mixed(self, table: pd.DataFrame, name: str) -> Array:
        """(n, k) or (n,) float64, as the members and their weights give it."""
        encoded: dict[Path, Any] = {}
        if name in self._combiners:
            combine = self._combine(name)
            X = to_features(self.schema, table)
            trials = self._combiners[name]["trials"]
            parts = [self._predict_trial(trial, X, encoded) for trial in trials]
            return np.asarray(combine(np.stack(parts).astype(np.float32)), dtype=np.float64)
        weights = self._weights(name)
        X = to_features(self.schema, table)
        total: Array | None = None
        for trial, weight in weights.items():
            part = weight * self._predict_trial(trial, X, encoded)
            total = part if total is None else total + part
        if total is None:
            msg = f"{self._folder} has no member to predict with; fit again"
            raise ArtifactError(msg)
        return total

    def _combine(self, name: str) -> Callable[[Array], Array]:
        """What the ensembler of that name does with its members' predictions."""
        ensembler = get_host().ensemblers().get(name)
        if ensembler is None:
            msg = f"no installed plugin declares the ensembler {name!r}; install the one that did"
            raise ArtifactError(msg)
        algorithm = resolve(ensembler.factory)(0)
        algorithm.restore(self._combiners[name]["state"])
        combine: Callable[[Array], Array] = algorithm.combine
        return combine

    def _weights(self, name: str) -> dict[str, float]:
        ensembles, best = self._content["ensembles"], self._content["best"]
        if name in ensembles:
            return dict(ensembles[name])
        if name in best:
            return {best[name]: 1.0}
        msg = f"this model has no {name!r}; choose one of {', '.join(self.names)}"
        raise ArtifactError(msg)

    def _predict_trial(self, trial: str, X: pd.DataFrame, encoded: dict[Path, Any]) -> Array:
        """The mean over the models of the trial's folds."""
        member = self._content["members"][trial]
        kind = get_host().learner(member["learner"]).view
        parts = []
        for fold in sorted(member["folds"]):
            folder = self._folder / "views" / f"{kind}-f{fold}"
            if folder not in encoded:
                encoded[folder] = self._view(folder).transform(X)
            view = View(encoded[folder], None, self.schema.task, self.schema.n_classes)
            part = np.asarray(self._model(trial, fold).predict(view), dtype=np.float64)
            parts.append(part if self.schema.task != "anomaly" else self._bits(trial, fold, part))
        return np.mean(parts, axis=0)

    def _bits(self, trial: str, fold: int, scores: Array) -> Array:
        """A detector's scores on the scale that all share."""
        scale = read_scale(self._folder / "members" / f"{trial}-f{fold}")
        return scale.apply(scores.astype(np.float32))

    def _load_model(self, trial: str, fold: int) -> Any:
        member = self._content["members"][trial]
        learner = get_host().learner(member["learner"])
        build = resolve(learner.factory)
        model = build(member["config"], self.schema.task, self.schema.n_classes)
        model.load(self._folder / "members" / f"{trial}-f{fold}")
        return model


def _warn_of_other_versions(saved: Mapping[str, str]) -> None:
    here = versions(saved)
    other = [
        f"{name} {was} (here {here.get(name, 'none')})"
        for name, was in saved.items()
        if here.get(name) != was
    ]
    if other:
        warnings.warn(
            f"the model was saved with {', '.join(other)}; predictions may differ",
            stacklevel=3,
        )
