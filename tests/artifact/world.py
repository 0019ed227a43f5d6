"""A saved model, made as a fit makes it, but without a search."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from automl.artifact import write_artifact
from automl.data.schema import infer_schema, to_dataset
from automl.data.views import Views
from automl.hooks.manager import get_host, resolve
from automl.types import Rung, View
from tests.plugins.fake_host import FakeRun

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from automl.types import Model, Schema

CONFIGS = {
    "linear": {},
    "decision_tree": {},
    "xgboost": {"n_estimators": 8},
    "mlp": {"width": 16, "layers": 1, "epochs": 2},
    "keras_mlp": {"width": 16, "layers": 1, "epochs": 2},
}
NEEDS = {"xgboost": "xgboost", "mlp": "torch", "keras_mlp": "keras"}
FOLDS = 2


@dataclass(frozen=True)
class World:
    """A saved model, and all that it was made of."""

    run: Path
    schema: Schema
    models: dict[tuple[str, int], Model]
    """(trial, fold) -> its model, as it was fitted."""
    views: dict[int, Views]

    @property
    def model(self) -> Path:
        return self.run / "model"


def installed(*learners: str) -> tuple[str, ...]:
    """Those of the learners whose libraries are there."""
    return tuple(n for n in learners if n not in NEEDS or find_spec(NEEDS[n]) is not None)


def make_world(run: Path, table: pd.DataFrame, learners: tuple[str, ...], **how) -> World:
    """Fit each learner on each of two halves of the rows, and save all of it."""
    schema = infer_schema(table, **how)
    data = to_dataset(schema, table)
    rungs, models, views = [], {}, {}
    for fold in range(FOLDS):
        rows = np.arange(len(data.X)) % FOLDS != fold
        views[fold] = Views(data.X[rows], data.y[rows], schema, 0)
        for name in learners:
            trial = f"{name}-0"
            models[trial, fold] = _fit(name, schema, views[fold], data.y[rows], run, trial, fold)
            rungs.append(_rung(name, trial, fold, int(rows.sum())))
    _ensembles(run, learners)
    best = {name: f"{name}-0" for name in learners}
    write_artifact(run, schema, rungs, best, "roc_auc", default="ensemble")
    return World(run, schema, models, views)


def _fit(name, schema, views, y, run, trial, fold):
    learner = get_host().learner(name)
    model = resolve(learner.factory)(CONFIGS[name], schema.task, schema.n_classes)
    view = View(views.train(learner.view), y, schema.task, schema.n_classes)
    model.fit(view, None, FakeRun())
    folder = run / "model" / "members" / f"{trial}-f{fold}"
    folder.mkdir(parents=True)
    model.save(folder)
    views.save(learner.view, run / "model" / "views" / f"{learner.view}-f{fold}")
    return model


def _rung(name, trial, fold, n):
    return Rung(
        learner=name,
        trial=trial,
        config=CONFIGS[name],
        rung=3 if fold == 0 else 4,
        fold=fold,
        seed=0,
        n=n,
        score=0.5,
        fit_seconds=1.0,
        predict_seconds=0.1,
        status="ok",
        reason="",
    )


def _ensembles(run, learners):
    weights = [{"learner": n, "trial": f"{n}-0", "weight": 1 / len(learners)} for n in learners]
    state = {"classes": True, "weights": [1.0] * len(learners), "offset": [0.0, 0.0]}
    combiner = {"trials": [f"{n}-0" for n in learners], "state": state}
    entries = [
        {"name": "ensemble", "members": weights, "combiner": None},
        {"name": "stacking", "members": weights, "combiner": combiner},
    ]
    (run / "model" / "ensembles.json").write_text(json.dumps(entries))
