"""The scale that anomaly scores share."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from automl.anomaly.scale import SCALE, CalibratedScore, read_scale

FLOATS = st.floats(-1e6, 1e6, width=32)
SOME = arrays(np.float32, st.integers(1, 60), elements=FLOATS)


@given(SOME, SOME)
def test_the_order_of_scores_is_kept(reference, scores):
    calibrated = CalibratedScore.of(reference).apply(scores)
    order = np.argsort(scores, kind="stable")
    assert np.isfinite(calibrated).all()
    assert (np.diff(calibrated[order]) >= -1e-9).all()


@given(SOME)
def test_the_scale_survives_json(reference):
    scale = CalibratedScore.of(reference)
    again = CalibratedScore.restore(json.loads(json.dumps(scale.state())))
    np.testing.assert_array_equal(scale.apply(reference), again.apply(reference))


def test_a_scale_saved_by_an_earlier_version_is_read(tmp_path):
    (tmp_path / SCALE).write_text('{"knots": [0.0, 1.0, 4.0], "bits": [0.5, 1.0, 3.0]}')
    scale = read_scale(tmp_path)
    np.testing.assert_allclose(scale.apply(np.array([0.0, 1.0, 2.5, 4.0])), [0.5, 1.0, 2.0, 3.0])


@given(st.integers(2, 3000), st.floats(0.1, 10))
def test_a_calibrated_score_says_how_many_rows_score_as_high(n, stretch):
    reference = np.arange(n) ** stretch
    calibrated = CalibratedScore.of(reference).apply(reference)
    expected = -np.log2((n - np.arange(n)) / (n + 1))
    np.testing.assert_allclose(calibrated, expected, atol=0.05)


def test_the_highest_scores_are_not_levelled():
    high = CalibratedScore.of(np.arange(100.0)).apply(np.array([99.0, 150.0, 1e6, 1e7]))
    assert (np.diff(high) > 0.1).all()


def test_one_score_for_all_stays_one_score():
    assert np.ptp(CalibratedScore.of(np.zeros(50)).apply(np.zeros(9))) == 0
