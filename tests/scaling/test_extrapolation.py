from __future__ import annotations

from pathlib import Path

import numpy as np

from automl.scaling import FACTOR, HORIZON, fit_curves, half_width, pareto, scale

N = np.ceil(16000 * 2.0 ** (-np.arange(7)[::-1] / 2))
LOSS = 0.05 + 0.2 * (N / 1000) ** -0.5


def band(se, loss=LOSS):
    curves = fit_curves(N, loss)
    return half_width(curves, np.full((1, 7), se), loss[-1:])[0]


def test_bands_widen_with_distance_and_with_noise():
    curves, se = fit_curves(N, LOSS), np.full((1, 7), 0.001)
    units = [scale(curves, se, LOSS[-1:], horizon)[0] for horizon in (2, 4, 8)]
    assert units == sorted(units)
    assert band(0.02) > band(0.001) > 0.003


def test_the_band_is_the_calibrated_factor_at_twice_the_rows():
    curves, se = fit_curves(N, LOSS), np.full((1, 7), 0.001)
    assert HORIZON == 2
    assert band(0.001) == FACTOR * scale(curves, se, LOSS[-1:], 2)[0]
    lines = (Path(__file__).parents[2] / "benchmarks/lcdb/results.csv").read_text().splitlines()
    assert f"2,factor_all,{FACTOR}" in lines


def test_a_curve_that_fits_badly_gets_a_wider_band():
    rough = LOSS + 0.01 * np.array([1, -1, 1, -1, 1, -1, 0])
    assert band(0.001, loss=rough) > 1.5 * band(0.001)


def test_a_missing_standard_error_counts_as_none():
    curves = fit_curves(N, LOSS)
    se = np.full((1, 7), np.nan)
    assert scale(curves, se, LOSS[-1:], 2) == scale(curves, 0 * N[None], LOSS[-1:], 2)


def test_the_front_is_what_nothing_beats_at_both():
    cost = [3.0, 1.0, 2.0, 4.0, np.nan]
    loss = [0.1, 0.3, 0.4, 0.1, 0.0]
    assert pareto(cost, loss) == [1, 0]
