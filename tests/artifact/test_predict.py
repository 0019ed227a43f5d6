"""Predictions of a saved model: in blocks of rows, the same as all at once."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from automl import AutoML
from automl.artifact import Predictor
from automl.data import apply
from automl.data.schema import to_features
from automl.errors import DataError
from automl.hooks.manager import get_host
from automl.types import View
from tests.artifact.world import FOLDS


@pytest.fixture
def predictor(world):
    return Predictor.load(world.run)


@pytest.fixture
def narrow(monkeypatch):
    """Blocks of so many rows."""

    def set_rows(rows):
        monkeypatch.setattr(apply, "BLOCK_CELLS", 0)
        monkeypatch.setattr(apply, "LEAST_ROWS", rows)

    return set_rows


def at_once(world, table, name):
    """(n, k): one learner by the models that were fitted, all views of all rows at once."""
    X = to_features(world.schema, table)
    kind, parts = get_host().learner(name).view, []
    for fold in range(FOLDS):
        view = View(world.views[fold].transform(kind, X), None, "binary", 2)
        model = world.models[f"{name}-0", fold]
        parts.append(np.asarray(model.predict(view), dtype=np.float64))
    found = np.mean(parts, axis=0)
    return found / found.sum(axis=1, keepdims=True)


def learners(predictor):
    return [name for name in predictor.names if name not in {"ensemble", "stacking"}]


def test_a_saved_model_predicts_as_its_models_did(world, predictor, customers):
    for name in learners(predictor):
        found = predictor.raw(customers, name)
        np.testing.assert_allclose(found, at_once(world, customers, name), rtol=1e-6, atol=1e-9)


def test_an_ensemble_is_the_weighted_mean(predictor, customers):
    parts = [predictor.raw(customers, name) for name in learners(predictor)]
    np.testing.assert_allclose(predictor.raw(customers), np.mean(parts, axis=0), atol=1e-7)


@pytest.mark.parametrize(("name", "rows"), [("ensemble", 599), ("stacking", 250), ("linear", 7)])
def test_blocks_of_rows_give_what_all_rows_give(predictor, customers, narrow, name, rows):
    whole = predictor.raw(customers, name)
    narrow(rows)
    blocks = predictor.raw(customers, name)
    np.testing.assert_allclose(blocks, whole, rtol=1e-5, atol=1e-7)


def test_an_empty_table_has_no_predictions(predictor, customers):
    assert predictor.raw(customers.head(0)).shape == (0, 2)


def test_a_missing_column_is_named_whatever_the_blocks(predictor, customers, narrow):
    narrow(7)
    with pytest.raises(DataError, match="'age'"):
        predictor.raw(customers.drop(columns="age"))


def test_memory_grows_by_input_and_output_alone(predictor, customers, narrow):
    """All views of the extra rows would take hundreds of bytes a row."""
    narrow(500)
    few = pd.concat([customers] * 5, ignore_index=True)
    many = pd.concat([customers] * 25, ignore_index=True)
    predictor.raw(few, "linear")
    grown = peak(predictor, many) - peak(predictor, few)
    output = (len(many) - len(few)) * 2 * np.dtype(np.float64).itemsize
    assert grown < 2 * output


def peak(predictor, table):
    """Most bytes that predicting takes at any moment."""
    tracemalloc.start()
    try:
        predictor.raw(table, "linear")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_copy_holds_the_model_and_nothing_else(world, customers, tmp_path):
    auto = AutoML.load(world.run)
    auto.save(tmp_path / "copy")
    assert not (tmp_path / "copy" / "ensembles.json").exists()
    again = AutoML.load(tmp_path / "copy")
    np.testing.assert_array_equal(again.predict(customers), auto.predict(customers))
