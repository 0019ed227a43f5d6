from __future__ import annotations

import numpy as np
import pytest

from automl.scaling import FACTORS, fit_curves, half_width, pareto, scale

N = np.ceil(16000 * 2.0 ** (-np.arange(7)[::-1] / 2))
LOSS = 0.05 + 0.2 * (N / 1000) ** -0.5


def band(se, horizon=2, loss=LOSS):
    curves = fit_curves(N, loss)
    return half_width(curves, np.full((1, 7), se), loss[-1:], horizon)[0]


def test_bands_widen_with_distance_and_with_noise():
    assert list(FACTORS) == [2, 4, 8]
    widths = [band(0.001, horizon) for horizon in FACTORS]
    assert widths == sorted(widths)
    assert band(0.02) > band(0.001) > 0.003


def test_a_curve_that_fits_badly_gets_a_wider_band():
    rough = LOSS + 0.01 * np.array([1, -1, 1, -1, 1, -1, 0])
    assert band(0.001, loss=rough) > 1.5 * band(0.001)


def test_a_missing_standard_error_counts_as_none():
    curves = fit_curves(N, LOSS)
    se = np.full((1, 7), np.nan)
    assert scale(curves, se, LOSS[-1:], 2) == scale(curves, 0 * N[None], LOSS[-1:], 2)


def test_there_is_no_band_where_nothing_was_calibrated():
    with pytest.raises(KeyError):
        band(0.001, 16)


def test_the_front_is_what_nothing_beats_at_both():
    cost = [3.0, 1.0, 2.0, 4.0, np.nan]
    loss = [0.1, 0.3, 0.4, 0.1, 0.0]
    assert pareto(cost, loss) == [1, 0]
