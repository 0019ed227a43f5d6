"""Means and slopes with honest standard errors: over repeats, or from one permutation of the rows.

*Repeats*: one value a repeat, Nadeau and Bengio's corrected t (2003).
*One permutation*: the wider of the error of sampling the scored rows (influence values) and the t
interval of the residuals about the line over log2 n, which holds what training adds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtr, stdtrit

from automl.scaling.curve import window

if TYPE_CHECKING:
    from automl.types import Array


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its standard errors, each with degrees of freedom; the widest one counts."""

    value: float
    errors: tuple[tuple[float, float], ...]
    """(standard error, degrees of freedom); empty where nothing is known of the error."""

    def half(self, alpha: float = 0.05) -> float:
        """Half the width of the `1 - alpha` interval; infinite where the error is not known."""
        return max(
            (float(stdtrit(df, 1 - alpha / 2)) * se for se, df in self.errors), default=math.inf
        )

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """The two-sided `1 - alpha` interval."""
        half = self.half(alpha)
        return self.value - half, self.value + half

    @property
    def p(self) -> float:
        """Two-sided p-value of no difference from 0."""
        return max((2 * _tail(abs(self.value), *error) for error in self.errors), default=1.0)

    def p_equal(self, margin: float) -> float:
        """p-value of the two one-sided tests that the value lies within +-margin."""
        apart = margin - abs(self.value)
        return max((_tail(apart, *error) for error in self.errors), default=1.0)

    @property
    def detectable(self) -> float:
        """The smallest true value that a test at 5% finds four times in five."""
        return max(
            (float(stdtrit(df, 0.975) + stdtrit(df, 0.8)) * se for se, df in self.errors),
            default=math.inf,
        )


def _tail(distance: float, se: float, df: float) -> float:
    if se <= 0:
        return 0.0 if distance > 0 else 0.5
    return float(stdtr(df, -distance / se))


@dataclass(frozen=True, slots=True)
class Series:
    """Values at anchors: a difference of losses, or a loss."""

    n: Array
    """(k,) anchors, ascending."""
    values: Array
    """(r, k) one row a repeat."""
    rows: Array | None = None
    """(m, k) per-row terms of a repeat whose rows are those of all, or that is the only one."""
    floor: float = 0.0
    """Smallest error of one anchor: rows or repeats that all agree are not taken for certain."""
    test_to_train: float = 0.25
    """Held-out over training rows of a repeat."""

    @property
    def repeats(self) -> int:
        return len(self.values)

    @property
    def mean(self) -> Array:
        """(k,) mean over the repeats."""
        return np.asarray(self.values.mean(axis=0))

    @property
    def inside(self) -> Array:
        """(k,) whether an anchor lies in the top three octaves."""
        return window(self.n)

    def at(self, place: int = -1) -> Estimate:
        """The value at one anchor."""
        weights = np.zeros(len(self.n))
        weights[place] = 1.0
        return self._estimate(weights, 1.0)

    def step(self, first: int, last: int = -1) -> Estimate:
        """How much the value changes between two anchors."""
        weights = np.zeros(len(self.n))
        weights[first], weights[last] = -1.0, 1.0
        return self._estimate(weights, math.sqrt(2.0))

    def slope(self) -> Estimate:
        """Change a doubling of n over the top three octaves, by least squares on log2 n."""
        inside = self.inside
        x = np.where(inside, np.log2(self.n), 0.0)
        centred = np.where(inside, x - x[inside].mean(), 0.0)
        square = float((centred**2).sum())
        if square == 0:
            return Estimate(math.nan, ())
        return self._estimate(centred / square, 1 / math.sqrt(square))

    def _estimate(self, weights: Array, spread: float) -> Estimate:
        """A weighted sum over anchors.

        Args:
            weights: (k,) of the sum.
            spread: Its standard error in units of the error of one anchor.
        """
        each = self.values @ weights
        value, r = float(each.mean()), len(each)
        errors = []
        if r > 1:
            se = math.sqrt((1 / r + self.test_to_train) * float(each.var(ddof=1)))
            errors.append((max(se, self.floor * spread), r - 1.0))
        if self.rows is not None and len(self.rows) > 1:
            terms = self.rows @ weights
            se = float(terms.std(ddof=1)) / math.sqrt(len(terms))
            errors.append((max(se, self.floor * spread), len(terms) - 1.0))
        if r == 1 and (free := int(self.inside.sum()) - 2) > 0:
            errors.append((self._residual() * spread, float(free)))
        return Estimate(value, tuple(errors))

    def _residual(self) -> float:
        """Standard deviation of the only repeat's values about the line over the window."""
        x, y = np.log2(self.n[self.inside]), self.values[0, self.inside]
        design = np.stack([np.ones_like(x), x], axis=1)
        left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
        return math.sqrt(float(left @ left) / (len(x) - 2))
