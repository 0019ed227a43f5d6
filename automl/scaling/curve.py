"""Learning curves: loss against rows, fitted to the last three octaves by gridded least squares.

Given its shape a curve is linear in `c` and `a`, so the shape is gridded and the rest solved in
closed form with `c, a >= 0`: deterministic, without restarts, and for many curves at once.
Families as in Viering and Loog (2023, "The shape of learning curves").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.scaling.criteria import CRITERIA

if TYPE_CHECKING:
    from automl.types import Array

SLACK = 0.99
"""Anchors are rounded up to whole rows, so one that is 1% short of a bound still counts."""
_CONSTANT = 1e-12
"""Relative variance below which a regressor counts as constant: above the rounding errors."""
_TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, eq=False, slots=True)
class CurveFamily:
    """Curves `loss(n) = c + a * g(n / n0)` with one shape function g."""

    name: str
    basis: Callable[..., Array]
    """g(x, *parameters); the parameters broadcast with x."""
    shapes: Array
    """(g, s) grid of the parameters of g."""


POWER_LAW = CurveFamily("pow3", lambda x, b: x**-b, np.geomspace(0.02, 4.0, 120)[:, None])
"""g(x) = x^-b, on a grid from nearly flat to steeper than 1 / n^3 in steps of 5%."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Fitted curves of one family, one a row."""

    family: CurveFamily
    c: Array
    """(m,) floor, at least 0."""
    a: Array
    """(m,) height above the floor at scale 1, at least 0."""
    shape: Array
    """(m, s) parameters of g."""
    n0: Array
    """(m,) the last anchor of each curve, the unit of n."""
    x: Array
    """(m, k) anchors in units of n0; 1 where there is none."""
    weight: Array
    """(m, k) weights that sum to one; 0 where there is no anchor."""
    residual: Array
    """(m,) weighted root mean squared residual."""

    def __call__(self, n: Array | float) -> Array:
        """(m,) losses at `n`: one value, or one a curve."""
        return np.asarray(self.c + self.a * self._basis(n))

    def hat(self, n: Array | float) -> Array:
        """(m, k) weights h: given the shape, the loss at `n` is h times the observed losses."""
        z = self.family.basis(self.x, *np.swapaxes(self.shape, 0, 1)[..., None])
        at = np.broadcast_to(self._basis(n), self.c.shape)[:, None]
        w = self.weight
        wz, wzz = (w * z).sum(1, keepdims=True), (w * z * z).sum(1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            free = w * ((wzz - wz * z) + at * (z - wz)) / (wzz - wz**2)
            floored = at * w * z / wzz
        flat, zero = (self.a == 0)[:, None], (self.c == 0)[:, None]
        return np.asarray(np.where(flat, w, np.where(zero, floored, free)))

    def _basis(self, n: Array | float) -> Array:
        """(m,) values of g at `n`."""
        return self.family.basis(np.asarray(n) / self.n0, *self.shape.T)


def window(n: Array, last: float | None = None) -> Array:
    """Mask of the anchors in the top three octaves up to `last`, by default the last anchor."""
    top = float(np.nanmax(n)) if last is None else last
    return np.asarray((n >= SLACK * top / 2**CRITERIA.window_octaves) & (n <= top))


def fit_curves(n: Array, loss: Array, family: CurveFamily = POWER_LAW) -> Curves:
    """Fit one family to many curves by weighted least squares.

    Weights are proportional to n: both the noise of a loss and the misfit of a power law shrink
    with n, and the question is about larger n.

    Args:
        n: (m, k) or (k,) anchors, those of the window only.
        loss: (m, k) or (k,) losses of at least 0; NaN where a curve has no anchor.
        family: The curves to fit.
    """
    loss = np.atleast_2d(np.asarray(loss, dtype=np.float64))
    n = np.broadcast_to(np.asarray(n, dtype=np.float64), loss.shape)
    there = np.isfinite(loss) & np.isfinite(n)
    n0 = np.where(there, n, 0.0).max(axis=1)
    x = np.where(there, n / n0[:, None], 1.0)
    y = np.where(there, loss, 0.0)
    weight = np.where(there, x, 0.0)
    weight = weight / weight.sum(axis=1, keepdims=True)
    z = family.basis(x[..., None], *family.shapes.T[:, None, None])
    solved = _solve(z, y, weight)
    best = solved[-1].argmin(axis=1)
    c, a, square = (np.take_along_axis(part, best[:, None], 1)[:, 0] for part in solved)
    residual = np.sqrt(np.maximum(square, 0.0))
    return Curves(family, c, a, family.shapes[best], n0, x, weight, residual)


def _solve(z: Array, y: Array, weight: Array) -> tuple[Array, Array, Array]:
    """(m, g) c, a and weighted mean squared residual for (m, k, g) regressors."""
    wz = np.einsum("mk,mkg->mg", weight, z)
    wzz = np.einsum("mk,mkg->mg", weight, z * z)
    wzy = np.einsum("mk,mkg->mg", weight * y, z)
    wy, wyy = ((weight * y**p).sum(1, keepdims=True) for p in (1, 2))
    spread = wzz - wz**2
    usable = spread > _CONSTANT * np.maximum(wzz, _TINY)
    a = np.where(usable, (wzy - wz * wy) / np.where(usable, spread, 1.0), 0.0)
    c = wy - a * wz
    floored = c < 0
    a = np.where(floored, wzy / np.maximum(wzz, _TINY), a)
    c = np.where(floored, 0.0, c)
    flat = a < 0
    a, c = np.where(flat, 0.0, a), np.where(flat, wy, c)
    square = wyy - 2 * (c * wy + a * wzy) + c**2 + 2 * a * c * wz + a**2 * wzz
    return c, a, square
