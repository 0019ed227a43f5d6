"""The scale that anomaly scores share."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from automl.metrics import CONSENSUS, Surprise, choice_metric, get_metric, score

FLOATS = st.floats(-1e6, 1e6, width=32)
SOME = arrays(np.float32, st.integers(1, 60), elements=FLOATS)


@given(SOME, SOME)
def test_the_order_of_scores_is_kept(reference, scores):
    bits = Surprise.of(reference).apply(scores)
    order = np.argsort(scores, kind="stable")
    assert np.isfinite(bits).all()
    assert (np.diff(bits[order]) >= -1e-9).all()


@given(SOME)
def test_the_scale_survives_json(reference):
    scale = Surprise.of(reference)
    again = Surprise.restore(json.loads(json.dumps(scale.state())))
    np.testing.assert_array_equal(scale.apply(reference), again.apply(reference))


@given(st.integers(2, 3000), st.floats(0.1, 10))
def test_bits_say_how_many_rows_are_as_strange(n, stretch):
    reference = np.arange(n) ** stretch
    bits = Surprise.of(reference).apply(reference)
    expected = -np.log2((n - np.arange(n)) / (n + 1))
    np.testing.assert_allclose(bits, expected, atol=0.05)


def test_the_strangest_rows_are_not_levelled():
    bits = Surprise.of(np.arange(100.0)).apply(np.array([99.0, 150.0, 1e6, 1e7]))
    assert (np.diff(bits) > 0.1).all()


def test_one_score_for_all_is_no_surprise():
    assert np.ptp(Surprise.of(np.zeros(50)).apply(np.zeros(9))) == 0


def test_detectors_are_never_chosen_by_labels():
    for name in ("roc_auc", "average_precision", "consensus"):
        assert choice_metric(get_metric(name, "anomaly"), "anomaly") is CONSENSUS
    metric = get_metric("log_loss", "binary")
    assert choice_metric(metric, "binary") is metric


def test_the_criterion_is_the_auc_of_the_suspects():
    suspects, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    assert score(CONSENSUS, suspects, scores) == pytest.approx(0.75)
    assert score(CONSENSUS, suspects, np.zeros(4)) == 0.5
