from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.scaling import fit_curves, window
from benchmarks.lcdb.families import FAMILIES

N = np.ceil(16000 * 2.0 ** (-np.arange(7)[::-1] / 2))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda one: one.name)
def test_nothing_below_the_floor_and_nothing_that_grows(family):
    rng = np.random.default_rng(0)
    curves = fit_curves(N, rng.uniform(size=(50, 7)), family)
    assert (curves.c >= 0).all()
    assert (curves.a >= 0).all()
    assert (curves(2 * N[-1]) <= curves(N[-1]) + 1e-12).all()


@given(st.floats(0, 0.4), st.floats(0.01, 0.5), st.floats(0.1, 1.5))
def test_a_power_law_is_found_again(c, a, b):
    curve = fit_curves(N, c + a * (N / 4000) ** -b)
    assert curve(4 * N[-1])[0] == pytest.approx(c + a * 16.0**-b, abs=0.02 * a)


def test_the_answer_is_the_same_every_time_and_in_any_company():
    rng = np.random.default_rng(1)
    losses = 0.1 + 0.2 * (N / 1000) ** -0.5 + 0.01 * rng.normal(size=(4, 7))
    together = fit_curves(N, losses)(2 * N[-1])
    alone = [fit_curves(N, row)(2 * N[-1])[0] for row in losses]
    np.testing.assert_array_equal(together, fit_curves(N, losses)(2 * N[-1]))
    np.testing.assert_allclose(together, alone, rtol=1e-12)


def test_missing_anchors_are_left_out():
    loss = 0.1 + 0.2 * (N / 1000) ** -0.5
    holed = np.where(np.arange(7) == 2, np.nan, loss + np.sin(N) / 100)
    kept = np.isfinite(holed)
    assert fit_curves(N, holed)(2 * N[-1])[0] == pytest.approx(
        fit_curves(N[kept], holed[kept])(2 * N[-1])[0]
    )


@pytest.mark.parametrize("family", FAMILIES, ids=lambda one: one.name)
def test_the_hat_weights_give_the_prediction(family):
    rng = np.random.default_rng(2)
    losses = rng.uniform(0.1, 0.2, size=(20, 7)) + (N / 1000) ** -0.3
    curves = fit_curves(N, losses, family)
    predicted = (curves.hat(2 * N[-1]) * losses).sum(axis=1)
    np.testing.assert_allclose(predicted, curves(2 * N[-1]), rtol=1e-6)


def test_the_window_is_three_octaves_with_rounded_anchors():
    n = np.array([1000, 1415, 2001, 4000, 8000, 16001])
    np.testing.assert_array_equal(window(n), n >= 2001)
    assert window(np.array([2187, 4375, 8750, 17500])).all()
