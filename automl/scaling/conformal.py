"""Bands around extrapolated error rates, calibrated across data sets, not within one.

Bootstrap bands around a fitted curve cover far less than they promise. Split-conformal
calibration (Vovk et al. 2005; Lei et al. 2018) restores it: on published curves, the factor by
which a scale known beforehand must be multiplied for 90% of the errors to lie within.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from automl.scaling.curve import Curves
    from automl.types import Array

FACTORS = {2: 1.0324, 4: 1.4842, 8: 2.1695}
"""Horizon (times the last anchor) -> factor for 90% bands of the error rate.

Source: LCDB 1.1 (learning-curve-research/LCDB-1.1, CC BY 4.0), by
`python benchmarks/lcdb/run.py lcdb11_test_error.csv.gz`; results beside that script.
"""
FEWEST = 5
"""Anchors in the window that every calibrated curve had."""
FLOOR = 0.003
"""Error rate below which curves are not told apart however smooth they look."""


def scale(curves: Curves, se: Array, last: Array, horizon: int) -> Array:
    """(m,) the unit of the bands: what noise, misfit and distance make uncertain.

    The root of the sum of squares of: the standard error that the anchors pass on to the
    prediction, twice the residual of the fit, half the step from the last anchor to the
    prediction, and a floor.

    Args:
        curves: Fits of the error rate.
        se: (m, k) standard errors of the anchors for the repeats at hand; 0 where there is none.
        last: (m,) error rate at the last anchor.
        horizon: How many times the last anchor.
    """
    n = curves.n0 * horizon
    passed = ((curves.hat(n) * np.nan_to_num(se)) ** 2).sum(axis=1)
    step = (last - curves(n)) / 2
    return np.asarray(np.sqrt(passed + (2 * curves.residual) ** 2 + step**2 + FLOOR**2))


def half_width(curves: Curves, se: Array, last: Array, horizon: int = 2) -> Array:
    """(m,) half the width of the 90% band of the error rate at `horizon` times the last anchor.

    Raises:
        KeyError: there is no factor for the horizon.
    """
    return np.asarray(FACTORS[horizon] * scale(curves, se, last, horizon))
