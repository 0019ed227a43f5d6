"""Predicting with a saved model."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.anomaly.supervision import supervision_of
from automl.artifact.document import NAME, read, versions
from automl.artifact.manifest import Manifest
from automl.artifact.members import SavedMembers
from automl.data.apply import feature_blocks
from automl.data.schema import decode_labels
from automl.errors import ArtifactError
from automl.hooks.manager import get_host, resolve
from automl.text import first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from automl.artifact.document import Artifact, Combined
    from automl.types import Array


class Predictor:
    """Predicts new rows from a saved model, in blocks of rows."""

    def __init__(self, files: Manifest, artifact: Artifact) -> None:
        self._files = files
        self._artifact = artifact
        self.schema = artifact.schema
        self.supervision = supervision_of(self.schema.task, artifact.contamination)
        self._members = SavedMembers(files, artifact)

    @classmethod
    def load(cls, path: str | Path) -> Predictor:
        """Open a run directory or its `model` folder.

        Raises:
            ArtifactError: There is no model, one of a newer format, or one with a file that is
                missing, altered, or not its own.
        """
        root = Path(path)
        folder = root / "model" if (root / "model" / NAME).exists() else root
        if not (folder / NAME).exists():
            what = "holds no finished model" if root.exists() else "does not exist"
            msg = f"{root} {what}; give the directory that `automl fit` printed"
            raise ArtifactError(msg)
        files = Manifest.read(folder)
        artifact = read(files)
        if not files.listed:
            _warn(
                f"{folder} was saved by an earlier automl, which did not record its files: damage"
                " to them cannot be told"
            )
        _warn_of_other_versions(artifact.versions)
        return cls(files, artifact)

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
        mix, trials = self._mixture(name)
        k = self.schema.n_classes
        out = np.empty((len(table), k) if k else len(table))
        for rows, X in feature_blocks(self.schema, table, len(trials) * max(k, 1), _warn_of_rows):
            if X.empty:
                continue  # the columns are there, and libraries refuse 0 rows
            found = mix(self._members.predict(trials, X))
            # rows of single precision add up to 1 - 1e-7, which scikit-learn's metrics warn about
            out[rows] = found / found.sum(axis=1, keepdims=True) if k else found
        return out

    def copy(self, folder: Path) -> None:
        """Copy the files of the model to a folder, made if need be.

        Raises:
            ArtifactError: A file is not the one that was saved.
        """
        self._files.copy(folder)

    def _mixture(self, name: str) -> tuple[Callable[[dict[str, Array]], Array], tuple[str, ...]]:
        """A weighted mean or combination of what members predict, and these members."""
        if (combined := self._artifact.combiners.get(name)) is not None:
            combine = self._combine(name, combined)
            dtype = np.float64 if self.schema.task == "regression" else np.float32
            return partial(_combined, combine, combined.trials, dtype), combined.trials
        weights = self._weights(name)
        return partial(_weighted, weights), tuple(weights)

    def _combine(self, name: str, combined: Combined) -> Callable[[Array], Array]:
        """The restored `combine` method of an ensembler."""
        ensembler = get_host().ensemblers().get(name)
        if ensembler is None:
            msg = f"no installed plugin declares the ensembler {name!r}; install the one that did"
            raise ArtifactError(msg)
        algorithm = resolve(ensembler.factory)(0)
        try:
            algorithm.restore(combined.state)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            msg = f"{self._files.path(NAME)} is damaged ({name}: {first_line(error)}); fit again"
            raise ArtifactError(msg) from error
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


def _weighted(weights: Mapping[str, float], parts: Mapping[str, Array]) -> Array:
    """(n, k) or (n,) float64: the weighted mean of the members."""
    first, *others = (weight * parts[trial] for trial, weight in weights.items())
    return sum(others, start=first)


def _combined(
    combine: Callable[[Array], Array],
    trials: Sequence[str],
    dtype: type[np.floating[Any]],
    parts: Mapping[str, Array],
) -> Array:
    """(n, k) or (n,) float64: the members as an ensembler combines them."""
    stack = np.stack([parts[trial] for trial in trials]).astype(dtype)
    return np.asarray(combine(stack), dtype=np.float64)


def _warn_of_other_versions(saved: Mapping[str, str]) -> None:
    here = versions(saved)
    other = [
        f"{name} {was} (here {here.get(name, 'none')})"
        for name, was in saved.items()
        if here.get(name) != was
    ]
    if other:
        _warn(f"the model was saved with {', '.join(other)}; predictions may differ", stacklevel=4)


def _warn_of_rows(text: str) -> None:
    """Warn the caller of the method that predicts."""
    _warn(text)


def _warn(text: str, stacklevel: int = 3) -> None:
    """Warn the caller of `Predictor.load`."""
    warnings.warn(text, stacklevel=stacklevel)
