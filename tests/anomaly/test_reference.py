from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from automl.anomaly.reference import pseudo_labels, reference_scores
from automl.data.schema import infer_schema, to_dataset


def table(n=300, width=4, odd=15, seed=0):
    """Correlated numbers; the first rows break the correlation or lie far out."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 1))
    X = common + 0.3 * rng.normal(size=(n, width))
    X[:odd] = 4 * rng.choice([-1, 1], size=(odd, width)) + rng.normal(size=(odd, width))
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(width)])


def test_reference_detectors_find_what_is_far_out():
    frame = table()
    schema = infer_schema(frame, target=None, task="anomaly")
    found = pseudo_labels(to_dataset(schema, frame).X, schema, seed=0)
    assert found.sum() == 30
    assert found[:15].mean() > 0.9


def test_categories_and_gaps_are_taken():
    frame = table().assign(kind=["a", "b"] * 150)
    frame.loc[3:60, "x1"] = np.nan
    schema = infer_schema(frame, target=None, task="anomaly")
    assert pseudo_labels(to_dataset(schema, frame).X, schema, seed=0).sum() == 30


def test_small_tables_have_pseudo_labels_enough_for_every_fold():
    frame = table(n=60, odd=2)
    schema = infer_schema(frame, target=None, task="anomaly")
    assert pseudo_labels(to_dataset(schema, frame).X, schema, seed=0).sum() == 20


@pytest.mark.parametrize("shape", [(2, 1), (3, 2), (40, 1), (50, 400)])
def test_odd_shapes_have_finite_scores(shape):
    matrix = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    assert np.isfinite(reference_scores(matrix, 0)).all()


def test_the_same_seed_gives_the_same_scores():
    matrix = np.random.default_rng(0).normal(size=(1_500, 5)).astype(np.float32)
    np.testing.assert_array_equal(reference_scores(matrix, 3), reference_scores(matrix, 3))
