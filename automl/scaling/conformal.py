"""Bands around extrapolated error rates, calibrated across data sets, not within one.

Bootstrap bands around a fitted curve cover far less than their nominal level. Split-conformal
calibration (Vovk et al. 2005; Lei et al. 2018) restores the level: a factor, found on published
curves, times a scale that is known without the truth, so that 90% of the errors lie within.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from automl.rows.repeats import ENOUGH
from automl.scaling.criteria import CRITERIA
from automl.scaling.curve import fit_curves

if TYPE_CHECKING:
    from automl.scaling.curve import Curves
    from automl.scaling.estimate import Series
    from automl.types import Array

HORIZON = 2
"""Rows at which bands are calibrated, as a multiple of the last anchor."""
FACTOR = 1.0324
"""Width of a 90% band of the error rate in units of its scale.

Source: LCDB 1.1 (learning-curve-research/LCDB-1.1, CC BY 4.0), by
`python benchmarks/lcdb/run.py lcdb11_test_error.csv.gz`: `factor_all` at horizon 2 of its results.
"""


def scale(curves: Curves, se: Array, last: Array, horizon: int = HORIZON) -> Array:
    """(m,) the unit of the bands, which combines noise, misfit and distance.

    The root of the sum of squares of: the standard error that the anchors pass on to the
    prediction, twice the residual of the fit, half the step from the last anchor to the
    prediction, and a floor.

    Args:
        curves: Fits of the error rate.
        se: (m, k) standard errors of the anchors for the repeats at hand; 0 where there is none.
        last: (m,) error rate at the last anchor.
        horizon: Rows of the prediction, as a multiple of the last anchor.
    """
    n = curves.n0 * horizon
    passed = ((curves.hat(n) * np.nan_to_num(se)) ** 2).sum(axis=1)
    step = (last - curves(n)) / 2
    floor = CRITERIA.band_floor
    return np.asarray(np.sqrt(passed + (2 * curves.residual) ** 2 + step**2 + floor**2))


def half_width(curves: Curves, se: Array, last: Array) -> Array:
    """(m,) half the width of the 90% band of the error rate at twice the last anchor.

    Args:
        curves: Fits of the error rate.
        se: (m, k) standard errors of the anchors, as for `scale`.
        last: (m,) error rate at the last anchor.
    """
    return np.asarray(FACTOR * scale(curves, se, last))


def forecast(errors: Series | None) -> tuple[float, float] | None:
    """Error rate at twice the last anchor, and half the width of its 90% band.

    Args:
        errors: Error rates of one curve.

    Returns:
        None with fewer than three repeats, or with fewer anchors than the calibrated curves had.
    """
    if errors is None or errors.repeats < ENOUGH or errors.inside.sum() < CRITERIA.band_anchors:
        return None
    values = errors.values[:, errors.inside]
    mean, se = values.mean(axis=0), values.std(axis=0, ddof=1) / math.sqrt(len(values))
    curve = fit_curves(errors.n[errors.inside], mean)
    at, half = curve(HORIZON * errors.n[-1]), half_width(curve, se[None], mean[-1:])
    return float(at[0]), float(half[0])
