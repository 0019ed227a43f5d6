"""Scores of predictions, their standard errors and intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from automl.errors import PluginError

if TYPE_CHECKING:
    from automl.types import Array, Metric

Z95 = 1.959963984540054
"""97.5% quantile of the normal distribution: half a 95% interval in standard errors."""
JACKKNIFE_GROUPS = 50
"""Groups of rows left out in turn: as many more evaluations of the metric."""


def _check(metric: Metric, y: Array, prediction: Array) -> None:
    """Raise PluginError if an array is not a valid prediction of `y`."""
    classes = not metric.tasks <= {"regression", "anomaly"}
    fits = prediction.ndim == (2 if classes else 1) or (
        prediction.ndim == 1 and "anomaly" in metric.tasks
    )
    problem = ""
    if not fits or len(prediction) != len(y):
        wanted = f"({len(y)}, classes)" if classes else f"({len(y)},)"
        problem = f"the prediction has shape {prediction.shape}, wanted {wanted}"
    elif not np.isfinite(prediction).all():
        rows = np.count_nonzero(~np.isfinite(prediction).reshape(len(y), -1).all(axis=1))
        problem = f"the prediction is not finite in {rows} of {len(y)} rows"
    elif prediction.ndim == 2 and len(y):
        if y.max() >= prediction.shape[1]:
            problem = f"the prediction has no column for class {y.max()}"
        elif prediction.min() < 0:
            problem = "the prediction holds negative probabilities"
    if problem:
        raise PluginError(problem)


def score(metric: Metric, y: Array, prediction: Array, weights: Array | None = None) -> float:
    """The metric of a prediction, never sign-flipped; NaN where the rows do not define it.

    Args:
        metric: The metric to compute.
        y: (n,) int64 class codes or float64 values.
        prediction: (n, k) probabilities, (n,) values or anomaly scores.
        weights: (n,) how much each row counts; None where all count alike.

    Raises:
        PluginError: the prediction has the wrong shape or holds NaN, infinite or negative
            probabilities.
    """
    _check(metric, y, prediction)
    return _score(metric, y, prediction, weights) if len(y) else math.nan


def _score(metric: Metric, y: Array, prediction: Array, weights: Array | None) -> float:
    if weights is None or metric.weighted is None:
        return float(metric.score(y, prediction))
    return float(metric.weighted(y, prediction, weights))


def influence(metric: Metric, y: Array, prediction: Array, weights: Array | None = None) -> Array:
    """(n,) float64 terms whose mean is the score and whose spread gives its standard error.

    All NaN where the score is not defined. Metrics without their own terms get pseudo-values
    of a grouped jackknife.

    Raises:
        PluginError: as `score` does.
    """
    _check(metric, y, prediction)
    if len(y) == 0:
        return np.empty(0)
    counted = weights is not None and metric.weighted is not None
    if metric.influence is None or counted:
        return _jackknife(metric, y, prediction, weights if counted else None)
    return np.asarray(metric.influence(y, prediction), dtype=np.float64)


def _jackknife(metric: Metric, y: Array, prediction: Array, weights: Array | None) -> Array:
    """Pseudo-values of leaving out each of 50 random groups, spread so that rows are units."""
    n = len(y)
    groups = min(n, JACKKNIFE_GROUPS)
    group = np.random.default_rng(0).permutation(n) % groups
    whole = _score(metric, y, prediction, weights)

    def rest(g: int) -> float:
        rows = group != g
        some = None if weights is None else weights[rows]
        return _score(metric, y[rows], prediction[rows], some)

    without = np.array([rest(g) for g in range(groups)])
    # 0 where the score without a group is not defined
    apart = np.nan_to_num(np.nanmean(without) - without)
    moved = (groups - 1) * apart[group] * math.sqrt(n / groups)
    return np.asarray(whole + moved - moved.mean())


def standard_error(terms: Array) -> float:
    """Standard error of the mean of `influence` terms; NaN below two rows."""
    return float(terms.std(ddof=1) / math.sqrt(len(terms))) if len(terms) > 1 else math.nan


def interval(metric: Metric, terms: Array) -> tuple[float, float]:
    """95% interval of a score from its `influence` terms.

    Metrics in [0, 1] get Wilson's interval (1927) with the sample size that corresponds to their
    standard error, so that the interval stays in [0, 1] and a perfect score has a width. If no term
    is below 0, the interval of another metric is cut at 0.
    """
    value, error = float(terms.mean()), standard_error(terms)
    if not metric.bounded or not math.isfinite(error):
        low, high = value - Z95 * error, value + Z95 * error
        return max(low, 0.0) if (terms >= 0).all() else low, high
    value = min(max(value, 0.0), 1.0)
    spread = value * (1 - value)
    size = spread / error**2 if error > 0 and spread > 0 else len(terms)
    return wilson(value, size)


def wilson(share: float, size: float) -> tuple[float, float]:
    """Wilson's 95% interval (1927) of a share of so many rows."""
    shrink = 1 + Z95**2 / size
    middle = (share + Z95**2 / (2 * size)) / shrink
    reach = Z95 * math.sqrt(share * (1 - share) / size + (Z95 / (2 * size)) ** 2) / shrink
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def loss_sign(*, greater_is_better: bool) -> float:
    """Factor that turns scores into losses: -1 if greater scores are better, else 1."""
    return -1.0 if greater_is_better else 1.0


def loss(metric: Metric, value: float) -> float:
    """A score as a loss to minimise; infinite where the score is not defined."""
    if math.isnan(value):
        return math.inf
    return loss_sign(greater_is_better=metric.greater_is_better) * value
