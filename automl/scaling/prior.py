"""Moderated variances: robust empirical Bayes over the variances of similar contrasts.

Variances s^2 with d degrees of freedom are taken for draws of s0^2 F(d, d0), as limma does for
genes (Smyth 2004). s0^2 and d0 are estimated from log variances whose ends are winsorised, and
variances that are outliers keep more of their own (Phipson et al. 2016).
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtrc, chdtri, digamma, fdtr, fdtrc, fdtri, polygamma

if TYPE_CHECKING:
    from automl.types import Array

TAIL = 1 / 10
"""Share of the log variances that is winsorised at either end: limma's at the upper one."""
FEWEST = math.ceil(1 / TAIL)
"""Variances from which there are ends to winsorise and outliers to look for, as in limma."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(100)
"""Gauss and Legendre's, on [-1, 1]."""
_ROUNDING = math.sqrt(sys.float_info.epsilon)
"""Variances below this share of their median, and of their logarithms, are rounding errors."""


class VariancePrior(NamedTuple):
    """The distribution that variances come from."""

    variance: float
    """s0^2, the typical variance."""
    df: float
    """d0, how much the variances are alike: 0 not at all, infinite where all are one."""


def moderate(
    variances: Array, df: Array, *, most: float = math.inf, told: Array | None = None
) -> tuple[Array, Array]:
    """Draw variances towards their prior.

    Args:
        variances: (c,) variances.
        df: (c,) degrees of freedom of each.
        most: Degrees of freedom that all variances have together, the most that any may get.
        told: (c,) mask of the variances that tell of the prior; the others are drawn to it too.
            All by default.

    Returns:
        (c,) moderated variances and (c,) their degrees of freedom. Both are the plain ones where
        fewer than two variances above 0 tell of the prior.
    """
    mask = np.ones(len(variances), dtype=bool) if told is None else told
    middle = float(np.median(variances[mask])) if mask.sum() > 1 else 0.0
    if middle <= 0:
        return variances, df
    values = np.maximum(variances, _ROUNDING * middle)
    prior = prior_of(values[mask], df[mask])
    before = _kept(values, df, prior, float(df[mask].sum()))
    share = 1 - df / (df + before)
    return (
        share * prior.variance + (1 - share) * values,
        np.minimum(df + before, np.maximum(most, df)),
    )


def prior_of(variances: Array, df: Array) -> VariancePrior:
    """Estimate the prior of at least two variances above 0.

    Args:
        variances: (c,) variances.
        df: (c,) degrees of freedom of each.
    """
    plain = _by_moments(variances, df)
    if len(variances) < FEWEST or math.isinf(plain.df):
        return plain  # few, or alike as they stand
    d = float(df.max())
    # as if all had the same degrees of freedom
    p = fdtr(df, plain.df, variances / plain.variance)
    z = np.log(np.where(df < d, plain.variance * fdtri(d, plain.df, p), variances))
    low, high = np.quantile(z, (TAIL, 1 - TAIL))
    ends = np.clip(z, low, high)
    found = _matching(float(ends.var(ddof=1)), d, plain.df)
    return VariancePrior(math.exp(float(ends.mean()) - _winsorised(d, found)[0]), found)


def _matching(spread: float, df: float, least: float) -> float:
    """Degrees of freedom of the prior, `least` or more, that give winsorised logs their spread."""

    def excess(inverse: float) -> float:
        return spread - _winsorised(df, 1 / inverse if inverse else math.inf)[1]

    if excess(0.0) <= 0:
        return math.inf
    if excess(1 / least) >= 0:
        return least
    return 1 / float(brentq(excess, 0.0, 1 / least))


def _by_moments(variances: Array, df: Array) -> VariancePrior:
    """The prior by mean and variance of the log variances (Smyth 2004)."""
    z = np.log(variances) - digamma(df / 2) + np.log(df / 2)
    extra = float(z.var(ddof=1)) - float(polygamma(1, df / 2).mean())
    if extra <= _ROUNDING:
        return VariancePrior(float(variances.mean()), math.inf)
    half = _inverse_trigamma(extra)
    return VariancePrior(math.exp(z.mean() + digamma(half) - math.log(half)), 2 * half)


def _inverse_trigamma(value: float) -> float:
    def excess(log: float) -> float:
        return math.log(float(polygamma(1, math.exp(log))) / value)

    # trigamma(x) lies between 1 / x and 1 / x + 1 / x^2
    ends = (-math.log(2 * value), math.log(1 / value + 1 / math.sqrt(value)))
    return math.exp(float(brentq(excess, *ends)))


def _winsorised(df: float, prior: float) -> tuple[float, float]:
    """Mean and variance of log F(df, prior) with its ends winsorised."""
    width = 1 - 2 * TAIL
    z = np.log(_quantile(df, prior, np.r_[TAIL, TAIL + width * (1 + NODES) / 2, 1 - TAIL]))
    weights = np.r_[TAIL, width * WEIGHTS / 2, TAIL]
    mean = float(weights @ z)
    return mean, float(weights @ (z - mean) ** 2)


def _quantile(df: float, prior: float, p: Array) -> Array:
    if math.isinf(prior):
        return np.asarray(chdtri(df, 1 - p) / df)
    return np.asarray(fdtri(df, prior, p))


def _tail(df: Array, prior: float, ratio: Array) -> Array:
    """Probability of a greater ratio."""
    if math.isinf(prior):
        return np.asarray(chdtrc(df, df * ratio))
    return np.asarray(fdtrc(df, prior, ratio))


def _kept(variances: Array, df: Array, prior: VariancePrior, pooled: float) -> Array:
    """(c,) the prior's degrees of freedom of each variance: fewer of one that is an outlier.

    A variance is one to the extent that its tail probability falls short of its rank's. Outliers
    get the degrees of freedom that would make the greatest variance the median of its prior.

    Args:
        variances: (c,) above 0.
        df: (c,) degrees of freedom.
        prior: Of the variances.
        pooled: Degrees of freedom of all variances together, which bound those of an outlier.
    """
    tail = _tail(df, prior.df, variances / prior.variance)
    rank = (_ranks(tail) - 1 / 2) / len(tail)
    fits = np.minimum(tail / rank, 1.0) if len(tail) >= FEWEST else np.ones(len(tail))
    whole = min(prior.df, pooled)
    worst = float(tail.min())
    least = min(whole, -math.log(2) / math.log(worst) * whole) if 0 < worst < 1 else 0.0
    kept = np.where(fits < 1, fits * whole + (1 - fits) * least, prior.df)
    order = np.argsort(tail)  # what is further out never keeps more of the prior
    ordered = kept[order]
    means = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    least_at = int(np.argmin(means))
    ordered[: least_at + 1] = means[least_at]
    kept[order] = np.maximum.accumulate(ordered)
    return np.asarray(kept)


def _ranks(values: Array) -> Array:
    """(c,) ranks from 1, the mean of them where values are equal."""
    below = (values[None, :] < values[:, None]).sum(axis=1)
    upto = (values[None, :] <= values[:, None]).sum(axis=1)
    return np.asarray((below + 1 + upto) / 2)
