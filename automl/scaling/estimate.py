"""Means and slopes with standard errors, over repeats or from one permutation of the rows.

*Repeats*: one value a repeat, a t interval whose variance knows what repeats share: a little where
their test rows are disjoint, more where they overlap (Nadeau and Bengio 2003).
*One permutation*: the error of sampling the test rows (influence values), and the t error of the
residuals about the line over log2 n, which contains the randomness of training.

Errors of several sources combine as a root sum of squares, their degrees of freedom after Welch
and Satterthwaite (1946).
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from scipy.special import nctdtrinc, stdtr, stdtrit

from automl.scaling.criteria import CRITERIA, RHO
from automl.scaling.curve import window

if TYPE_CHECKING:
    from automl.types import Array

Sign: TypeAlias = Literal[-1, 0, 1]

_ROUNDING = math.sqrt(sys.float_info.epsilon)
"""Weights below this share of the greatest are taken for rounding errors."""


def critical_t(df: float, alpha: float = CRITERIA.alpha) -> float:
    """Half the width of a two-sided `1 - alpha` t interval, in standard errors."""
    return float(stdtrit(df, 1 - alpha / 2))


@dataclass(frozen=True, slots=True)
class Spread:
    """The spread of one value a repeat, and what the error of their mean makes of it."""

    repeats: Array
    """(r,) numbers of the repeats."""
    residuals: Array
    """(r,) values less the mean of their shuffle of the rows."""
    df: float
    """Degrees of freedom: repeats less shuffles."""
    share: float
    """Variance of the mean over the repeats, in variances of one."""
    floor: float = 0.0
    """Lower limit of the error of the mean."""

    @property
    def variance(self) -> float:
        """Variance of one repeat within its shuffle of the rows."""
        return float(self.residuals @ self.residuals) / self.df

    def error(self, variance: float, df: float) -> tuple[float, float]:
        """Error of the mean, and its degrees of freedom, by a variance of one repeat."""
        return max(math.sqrt(self.share * variance), self.floor), df


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its standard errors; a bound on sides where fits were cut short."""

    value: float
    errors: tuple[tuple[float, float], ...]
    """(standard error, degrees of freedom) of each source; empty where nothing is known."""
    lower: bool = False
    """True if the value would be lower, had fits not been cut short."""
    higher: bool = False
    """True if the value would be higher, had fits not been cut short."""
    spread: Spread | None = None
    """Spread of the repeats, whose error is the first; None where there are too few."""

    @property
    def bound(self) -> bool:
        """True if the value is a bound on either side."""
        return self.lower or self.higher

    @property
    def se(self) -> float:
        """The standard error; infinite where it is not known."""
        return math.hypot(*(se for se, _ in self.errors)) if self.errors else math.inf

    @property
    def df(self) -> float:
        """Degrees of freedom of the standard error."""
        shares = [(se / self.se) ** 4 / df for se, df in self.errors if se > 0]
        if shares:
            return 1 / sum(shares)
        return min((df for _, df in self.errors), default=math.nan)

    def half(self, alpha: float = CRITERIA.alpha) -> float:
        """Half the width of the `1 - alpha` interval; infinite where the error is not known."""
        return critical_t(self.df, alpha) * self.se if self.errors else math.inf

    def interval(self, alpha: float = CRITERIA.alpha) -> tuple[float, float]:
        """The two-sided `1 - alpha` interval."""
        half = self.half(alpha)
        return self.value - half, self.value + half

    def sign(self, alpha: float = CRITERIA.alpha) -> Sign:
        """-1 or 1 if the `1 - alpha` interval excludes 0 whatever censored fits may do; else 0."""
        low, high = self.interval(alpha)
        if low > 0:
            return 0 if self.lower else 1
        return -1 if high < 0 and not self.higher else 0

    @property
    def p(self) -> float:
        """Two-sided p-value of no difference from 0."""
        return min(1.0, 2 * self._tail(abs(self.value)))

    def p_beyond(self, margin: float) -> float:
        """One-sided p-value of the test that the value lies beyond +-margin, on its own side."""
        return self._tail(abs(self.value) - margin)

    def p_within(self, margin: float) -> float:
        """p-value of the two one-sided tests that the value lies within +-margin."""
        return self._tail(margin - abs(self.value))

    def detectable(self, alpha: float = CRITERIA.alpha) -> float:
        """The smallest true value that a two-sided test at `alpha` finds with 80% power."""
        if not self.errors:
            return math.inf
        critical = critical_t(self.df, alpha)
        return float(nctdtrinc(self.df, 1 - CRITERIA.power, critical)) * self.se

    def _tail(self, distance: float) -> float:
        if not self.errors or math.isnan(distance):
            return 1.0
        if self.se <= 0:
            return float(distance <= 0) / 2
        return float(stdtr(self.df, -distance / self.se))


@dataclass(frozen=True, slots=True)
class Series:
    """Values at anchors: a difference of losses, or a loss."""

    n: Array
    """(k,) anchors, ascending."""
    values: Array
    """(r, k) one row a repeat."""
    rows: Array | None = None
    """(m, k) per-row terms of the only repeat, or of one repeat if all have the same test rows."""
    floor: float = 0.0
    """Lower limit of the error of one anchor: agreement of all rows or repeats is not certainty."""
    shared: float = RHO
    """Part of the variance between repeats that their mean keeps, for they share rows."""
    repeat: Array | None = None
    """(r,) numbers of the repeats; None for 0, 1, ..."""
    folds: int | None = None
    """Repeats of one shuffle of the rows, whose test rows are disjoint; None if all are of one."""
    lower: Array | None = None
    """(k,) anchors whose value would be lower, had fits not been cut short."""
    higher: Array | None = None
    """(k,) anchors whose value would be higher, had fits not been cut short."""

    @property
    def repeats(self) -> int:
        return len(self.values)

    @property
    def mean(self) -> Array:
        """(k,) mean over the repeats."""
        return np.asarray(self.values.mean(axis=0))

    @property
    def inside(self) -> Array:
        """(k,) mask of the anchors in the top three octaves."""
        return window(self.n)

    def at(self, place: int = -1) -> Estimate:
        """The value at one anchor."""
        weights = np.zeros(len(self.n))
        weights[place] = 1.0
        return self._estimate(weights, 1.0)

    def step(self, first: int, last: int = -1) -> Estimate:
        """Change of the value between two anchors."""
        weights = np.zeros(len(self.n))
        weights[first], weights[last] = -1.0, 1.0
        return self._estimate(weights, math.sqrt(2.0))

    def slope(self) -> Estimate:
        """Change a doubling of n over the top three octaves, by least squares on log2 n."""
        centred, square = self._centred()
        if square == 0:
            return Estimate(math.nan, ())
        return self._estimate(centred / square, 1 / math.sqrt(square))

    def line(self, place: int) -> Estimate:
        """The line that has that slope, at one anchor of the top three octaves."""
        centred, square = self._centred()
        if square == 0:
            return Estimate(math.nan, ())
        level, steep = 1 / float(self.inside.sum()), float(centred[place]) / square
        weights = np.where(self.inside, level + steep * centred, 0.0)
        return self._estimate(weights, math.sqrt(level + steep**2 * square))

    def _centred(self) -> tuple[Array, float]:
        """(k,) log2 n less its mean over the top three octaves, 0 below; and the sum of squares."""
        inside = self.inside
        x = np.where(inside, np.log2(self.n), 0.0)
        centred = np.where(inside, x - x[inside].mean(), 0.0)
        return centred, float((centred**2).sum())

    def _estimate(self, weights: Array, spread: float) -> Estimate:
        """A weighted sum over anchors.

        Args:
            weights: (k,) weights of the anchors.
            spread: Standard error of the sum in units of the error of one anchor.
        """
        each = self.values @ weights
        value, r = float(each.mean()), len(each)
        errors = []
        found = self._spread(each, self.floor * spread)
        if found is not None:
            errors.append(found.error(found.variance, found.df))
        if self.rows is not None and len(self.rows) > 1:
            terms = self.rows @ weights
            se = float(terms.std(ddof=1)) / math.sqrt(len(terms))
            errors.append((max(se, self.floor * spread), len(terms) - 1.0))
        if r == 1 and (free := int(self.inside.sum()) - 2) > 0:
            errors.append((self._residual() * spread, float(free)))
        return Estimate(value, tuple(errors), *self._bounds(weights), found)

    def _spread(self, each: Array, floor: float) -> Spread | None:
        """The spread of (r,) values of the repeats; None without a degree of freedom.

        Two repeats of different shuffles hold out rows at random, so a mean over one and a mean
        over the other correlate as if they were one: further shuffles add degrees of freedom.
        """
        r = len(each)
        number = np.arange(r) if self.repeat is None else self.repeat
        shuffle = np.zeros(r, dtype=int) if self.folds is None else number // self.folds
        _, place, sizes = np.unique(shuffle, return_inverse=True, return_counts=True)
        if r == len(sizes):
            return None
        means = np.bincount(place, each) / sizes
        across = (1 - float((sizes**2).sum()) / r**2) / (self.folds or 1)
        return Spread(
            number, each - means[place], float(r - len(sizes)), 1 / r + self.shared + across, floor
        )

    def _bounds(self, weights: Array) -> tuple[bool, bool]:
        """`lower` and `higher` of a weighted sum."""
        none = np.zeros(len(weights), dtype=bool)
        lower = none if self.lower is None else self.lower
        higher = none if self.higher is None else self.higher
        least = _ROUNDING * np.abs(weights).max()  # the middle anchor of a slope has no weight
        up, down = weights > least, weights < -least
        return bool((up & lower | down & higher).any()), bool((up & higher | down & lower).any())

    def _residual(self) -> float:
        """Standard deviation of the only repeat's values about the line over the window."""
        x, y = np.log2(self.n[self.inside]), self.values[0, self.inside]
        design = np.stack([np.ones_like(x), x], axis=1)
        left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
        return math.sqrt(float(left @ left) / (len(x) - 2))
