"""The members of a saved model: loaded when they first predict, one view of the rows at a time."""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from automl.anomaly.scale import CalibratedScore, read_scale
from automl.data.views import SavedView, load_view
from automl.errors import ArtifactError, AutoMLError
from automl.hooks.manager import get_host, resolve
from automl.text import first_line
from automl.types import View

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from automl.artifact.document import Artifact
    from automl.artifact.manifest import Manifest
    from automl.types import Array, Model, ViewKind


class SavedMembers:
    """The trials of a saved model, and their models, views and scales."""

    def __init__(self, files: Manifest, artifact: Artifact) -> None:
        self._files = files
        self._artifact = artifact
        self._anomaly = artifact.schema.task == "anomaly"
        self._model = lru_cache(maxsize=None)(self._load_model)
        self._view = lru_cache(maxsize=None)(self._load_view)
        self._scale = lru_cache(maxsize=None)(self._load_scale)

    def predict(self, trials: Iterable[str], X: pd.DataFrame) -> dict[str, Array]:
        """Map trials to the mean over the models of their folds.

        Args:
            trials: Trials of the model.
            X: (n, columns) typed rows.

        Returns:
            Trial -> (n, k) probabilities, (n,) values or calibrated anomaly scores, float64.
        """
        totals: dict[str, Array] = {}
        for (fold, kind), sharing in sorted(self._by_view(trials).items()):
            rows = self._rows(kind, fold, X)
            for trial in sharing:
                part = self._predict(trial, fold, rows)
                totals[trial] = totals[trial] + part if trial in totals else part
        members = self._artifact.members
        return {trial: total / len(members[trial].folds) for trial, total in totals.items()}

    def _by_view(self, trials: Iterable[str]) -> dict[tuple[int, ViewKind], list[str]]:
        """Map folds and kinds of view to the trials that want the rows that way."""
        found: dict[tuple[int, ViewKind], list[str]] = {}
        for trial in dict.fromkeys(trials):
            member = self._artifact.members[trial]
            kind = get_host().learner(member.learner).view
            for fold in member.folds:
                found.setdefault((fold, kind), []).append(trial)
        return found

    def _rows(self, kind: ViewKind, fold: int, X: pd.DataFrame) -> View:
        schema, name = self._artifact.schema, f"views/{kind}-f{fold}"
        with self._naming(name, "does not fit the rows"):
            return View(self._view(name).transform(X), None, schema.task, schema.n_classes)

    def _predict(self, trial: str, fold: int, rows: View) -> Array:
        name = f"members/{trial}-f{fold}"
        model = self._model(trial, name)
        with self._naming(name, "cannot predict"):
            found = np.asarray(model.predict(rows), dtype=np.float64)
            k = self._artifact.schema.n_classes
            if found.shape != ((len(rows), k) if k else (len(rows),)):
                msg = f"it gives an array of the shape {found.shape}"
                raise ValueError(msg)
            return self._scale(name).apply(found.astype(np.float32)) if self._anomaly else found

    def _load_view(self, name: str) -> SavedView:
        return load_view(self._files.folder(name))

    def _load_scale(self, name: str) -> CalibratedScore:
        folder = self._files.folder(name)
        with self._naming(name, "has no scale of its scores"):
            return read_scale(folder)

    def _load_model(self, trial: str, name: str) -> Model:
        member, schema = self._artifact.members[trial], self._artifact.schema
        folder = self._files.folder(name)
        build = resolve(get_host().learner(member.learner).factory)
        with self._naming(name, f"cannot be loaded by {member.learner}"):
            model: Model = build(member.config, schema.task, schema.n_classes)
            model.load(folder)
        return model

    @contextmanager
    def _naming(self, name: str, what: str) -> Iterator[None]:
        """Name the folder in the error of a library that makes nothing of its files."""
        try:
            yield
        except AutoMLError:
            raise
        except Exception as error:
            told = f"{what} ({type(error).__name__}: {first_line(error)})"
            msg = f"{self._files.path(name)} {told}; fit again, or use the versions that saved it"
            raise ArtifactError(msg) from error
