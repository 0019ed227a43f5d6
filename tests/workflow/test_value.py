from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from automl.data.schema import infer_schema, to_dataset
from automl.hooks.manager import get_host
from automl.metrics import get_metric
from automl.rows.folds import make_split
from automl.types import Rung
from automl.workflow.value import EnsembleValue, Weigher

AUC = get_metric("roc_auc", "binary")


@pytest.fixture
def made(tmp_path):
    """A value, and a function that finishes a fit whose predictions know the truth so far."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=900), "y": rng.integers(0, 2, 900)})
    data = to_dataset(infer_schema(table, target="y"), table)
    split = make_split(data, 3)
    ensembler = get_host().ensemblers()["ensemble"]
    value = EnsembleValue(tmp_path, Weigher(ensembler, AUC, 0), data.y, split)
    (tmp_path / "predictions").mkdir()

    def finish(trial, knows, rung=3, fold=0):
        y = data.y[split.validation(fold)]
        p = np.clip(0.5 + knows * (y - 0.5) + 0.2 * rng.normal(size=len(y)), 0.01, 0.99)
        path = tmp_path / "predictions" / f"{trial}-r{rung}-f{fold}.npy"
        np.save(path, np.column_stack([1 - p, p]).astype(np.float32))
        learner = trial.rpartition("-")[0]
        value.add(
            Rung(
                learner,
                trial,
                {},
                rung,
                fold,
                0,
                n=600,
                score=0.5,
                fit_seconds=1.0,
                predict_seconds=0.0,
                status="ok",
            )
        )

    return value, finish


def test_the_better_model_weighs_more(made):
    value, finish = made
    assert value.weights() == {}
    finish("good-0", 0.4)
    assert value.weights() == {"good-0": 1.0}
    finish("poor-0", 0.0)
    weights = value.weights()
    assert weights["good-0"] > 0.7
    assert sum(weights.values()) == pytest.approx(1.0)


def test_models_of_all_folds_are_weighed_on_all_rows_once_there_are_enough(made):
    value, finish = made
    finish("fluke-0", 0.9)  # of fold 0 alone
    for learner in ("a", "b", "c"):
        for fold in range(3):
            finish(f"{learner}-0", 0.3, fold=fold)
    assert "fluke-0" not in value.weights()


def test_the_error_of_a_difference_is_known_from_two_first_fits_on(made):
    value, finish = made
    finish("a-0", 0.3, rung=2)
    assert value.standard_error() == 0.0
    finish("b-0", 0.3, rung=2)
    finish("c-0", 0.3, rung=2)
    assert 0.003 < value.standard_error() < 0.1
