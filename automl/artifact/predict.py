"""Predicting with a saved model."""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.anomaly.scale import read_scale
from automl.anomaly.supervision import supervision_of
from automl.artifact.document import NAME, read, versions
from automl.data.schema import decode_labels, to_features
from automl.data.views import load_view
from automl.errors import ArtifactError
from automl.hooks.manager import get_host, resolve
from automl.types import View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from automl.artifact.document import Artifact, Combined
    from automl.types import Array


class Predictor:
    """Predicts new rows from a saved model."""

    def __init__(self, folder: Path, artifact: Artifact) -> None:
        self._folder = folder
        self._artifact = artifact
        self.schema = artifact.schema
        self.supervision = supervision_of(self.schema.task, artifact.contamination)
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
        artifact = read(folder)
        _warn_of_other_versions(artifact.versions)
        return cls(folder, artifact)

    @property
    def classes(self) -> tuple[Any, ...]:
        """Labels in the order of the probability columns; empty for regression."""
        return self.schema.classes

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the models: the ensembles, then every learner with a saved model."""
        artifact = self._artifact
        return (*artifact.ensembles, *artifact.combiners, *artifact.best)

    @property
    def default(self) -> str:
        """Name of the model that predicts by default."""
        known = self._artifact.default
        return known if known in self.names else next(iter(self.names), "")

    def predict(self, table: pd.DataFrame, learner: str | None = None) -> Array:
        """(n,) labels, spelled and typed as in the training table, or values.

        For anomalies int64: 1 for rows beyond the threshold, 0 for others.

        Args:
            table: Rows with the columns of training, in any order; the target may be missing.
            learner: An ensemble or a learner; default the choice of the fit.

        Raises:
            DataError: Columns are missing.
            ArtifactError: There is no such learner in this model.
        """
        raw = self.raw(table, learner)
        if not self.supervision.supervised:
            return self.flag(raw, learner)
        return decode_labels(self.schema, raw.argmax(axis=1)) if raw.ndim > 1 else raw

    def flag(self, scores: Array, learner: str | None = None) -> Array:
        """(n,) int64: 1 for anomaly scores of `raw` beyond the threshold, 0 for others.

        Args:
            scores: (n,) from `raw`.
            learner: The learner of the scores, as in `raw`.
        """
        threshold = self._artifact.thresholds[learner or self.default]
        return (scores > threshold).astype(np.int64)

    def predict_proba(self, table: pd.DataFrame, learner: str | None = None) -> Array:
        """(n, k) class probabilities in the order of `classes`.

        Raises:
            ArtifactError: The model predicts numbers, or has no such learner.
        """
        raw = self.raw(table, learner)
        if raw.ndim == 1:
            what = self.schema.target if self.supervision.supervised else "an anomaly score"
            msg = f"{what} is a number: there are no class probabilities"
            raise ArtifactError(msg)
        return raw

    def raw(self, table: pd.DataFrame, learner: str | None = None) -> Array:
        """(n, k) probabilities, (n,) values or calibrated anomaly scores, as float64."""
        name = learner or self.default
        if not len(table):
            return self._nothing(table, name)
        found = self._mixed(table, name)
        if found.ndim > 1:
            # rows of single precision add up to 1 - 1e-7, which scikit-learn's metrics warn about
            found = found / found.sum(axis=1, keepdims=True)
        return found

    def _nothing(self, table: pd.DataFrame, name: str) -> Array:
        """(0, k) or (0,): the prediction of no rows, which libraries refuse to make."""
        if name not in self.names:
            self._weights(name)
        to_features(self.schema, table)  # lacking columns are named all the same
        return np.empty((0, self.schema.n_classes) if self.schema.n_classes else 0)

    def _mixed(self, table: pd.DataFrame, name: str) -> Array:
        """(n, k) or (n,) float64: the weighted mean or combination of the members."""
        encoded: dict[Path, Any] = {}
        if (combined := self._artifact.combiners.get(name)) is not None:
            combine = self._combine(name, combined)
            X = to_features(self.schema, table)
            parts = [self._predict_trial(trial, X, encoded) for trial in combined.trials]
            stack = np.stack(parts)
            if self.schema.task != "regression":  # as it was when the ensemble was fitted
                stack = stack.astype(np.float32)
            return np.asarray(combine(stack), dtype=np.float64)
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

    def _combine(self, name: str, combined: Combined) -> Callable[[Array], Array]:
        """The restored `combine` method of an ensembler."""
        ensembler = get_host().ensemblers().get(name)
        if ensembler is None:
            msg = f"no installed plugin declares the ensembler {name!r}; install the one that did"
            raise ArtifactError(msg)
        algorithm = resolve(ensembler.factory)(0)
        algorithm.restore(combined.state)
        combine: Callable[[Array], Array] = algorithm.combine
        return combine

    def _weights(self, name: str) -> dict[str, float]:
        ensembles, best = self._artifact.ensembles, self._artifact.best
        if name in ensembles:
            return dict(ensembles[name])
        if name in best:
            return {best[name]: 1.0}
        msg = f"this model has no {name!r}; choose one of {', '.join(self.names)}"
        raise ArtifactError(msg)

    def _predict_trial(self, trial: str, X: pd.DataFrame, encoded: dict[Path, Any]) -> Array:
        """The mean over the models of the trial's folds."""
        member = self._artifact.members[trial]
        kind = get_host().learner(member.learner).view
        parts = []
        for fold in sorted(member.folds):
            folder = self._folder / "views" / f"{kind}-f{fold}"
            if folder not in encoded:
                encoded[folder] = self._view(folder).transform(X)
            view = View(encoded[folder], None, self.schema.task, self.schema.n_classes)
            part = np.asarray(self._model(trial, fold).predict(view), dtype=np.float64)
            if not self.supervision.supervised:
                part = self._calibrated(trial, fold, part)
            parts.append(part)
        return np.mean(parts, axis=0)

    def _calibrated(self, trial: str, fold: int, scores: Array) -> Array:
        """Scores of a detector on the scale that all detectors share."""
        scale = read_scale(self._folder / "members" / f"{trial}-f{fold}")
        return scale.apply(scores.astype(np.float32))

    def _load_model(self, trial: str, fold: int) -> Any:
        member = self._artifact.members[trial]
        learner = get_host().learner(member.learner)
        build = resolve(learner.factory)
        model = build(member.config, self.schema.task, self.schema.n_classes)
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
            stacklevel=3,  # the caller of `Predictor.load`
        )
