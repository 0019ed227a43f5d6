"""Learning curves: loss against rows, fitted to the last three octaves by gridded least squares.

Given its shape every family is linear in `c` and `a`, so the shape is gridded and the rest solved
in closed form with `c, a >= 0`: deterministic, without restarts, and for many curves at once.
Families as in Viering and Loog (2023, "The shape of learning curves").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from automl.types import Array

Kind: TypeAlias = Literal["pow3", "pow4", "mmf4", "last1"]
KINDS: tuple[Kind, ...] = ("pow3", "pow4", "mmf4", "last1")

OCTAVES = 3
"""Older anchors mislead: fitting all of them errs about half again as much."""
SLACK = 0.99
"""Anchors are rounded up to whole rows; one that is 1% short still counts."""
_BLOCK = 64
"""Shapes tried at once."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Fitted curves `loss(n) = c + a * g(n / n0)`, one a row.

    `pow3` g(x) = x^-b; `pow4` g(x) = (x + d)^-b; `mmf4` g(x) = 1 / (1 + (x / s)^d);
    `last1` g(x) = 0.
    """

    kind: Kind
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
        g = _basis(self.kind, np.asarray(n) / self.n0, self.shape.T)
        return np.asarray(self.c + self.a * g)

    def hat(self, n: Array | float) -> Array:
        """(m, k) weights h: given the shape, the loss at `n` is h times the observed losses."""
        z = _basis(self.kind, self.x, np.swapaxes(self.shape, 0, 1)[..., None])
        at = np.broadcast_to(
            _basis(self.kind, np.asarray(n) / self.n0, self.shape.T), self.c.shape
        )[:, None]
        w = self.weight
        wz, wzz = (w * z).sum(1, keepdims=True), (w * z * z).sum(1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            free = w * ((wzz - wz * z) + at * (z - wz)) / (wzz - wz**2)
            floored = at * w * z / wzz
        flat, zero = (self.a == 0)[:, None], (self.c == 0)[:, None]
        return np.asarray(np.where(flat, w, np.where(zero, floored, free)))


def window(n: Array, last: float | None = None) -> Array:
    """Which anchors lie in the top three octaves up to `last` (the last one unless given)."""
    top = float(np.nanmax(n)) if last is None else last
    return np.asarray((n >= SLACK * top / 2**OCTAVES) & (n <= top))


def fit_curves(n: Array, loss: Array, kind: Kind = "pow3") -> Curves:
    """Fit one family to many curves by weighted least squares.

    Weights are proportional to n: both the noise of a loss and what a power law misses shrink
    with n, and the question is about larger n.

    Args:
        n: (m, k) or (k,) anchors, those of the window only.
        loss: (m, k) or (k,) losses of at least 0; NaN where a curve has no anchor.
        kind: The family.
    """
    loss = np.atleast_2d(np.asarray(loss, dtype=np.float64))
    n = np.broadcast_to(np.asarray(n, dtype=np.float64), loss.shape)
    there = np.isfinite(loss) & np.isfinite(n)
    n0 = np.where(there, n, 0.0).max(axis=1)
    x = np.where(there, n / n0[:, None], 1.0)
    y = np.where(there, loss, 0.0)
    weight = np.where(there, x, 0.0)
    if kind == "last1":
        weight = weight * (x == 1.0)
    weight = weight / weight.sum(axis=1, keepdims=True)
    shapes = _shapes(kind)
    c, a, best, square = (np.full(len(loss), np.inf) for _ in range(4))
    for start in range(0, len(shapes), _BLOCK):
        z = _basis(kind, x[..., None], shapes[start : start + _BLOCK].T[:, None, None])
        found = _solve(z, y, weight)
        place = found[2].argmin(axis=1)
        values = [np.take_along_axis(f, place[:, None], 1)[:, 0] for f in found]
        better = values[2] < square
        for kept, new in zip((c, a, square, best), (*values, start + place), strict=True):
            kept[better] = new[better]
    shape = shapes[best.astype(np.int64)]
    return Curves(kind, c, a, shape, n0, x, weight, np.sqrt(np.maximum(square, 0.0)))


def _solve(z: Array, y: Array, weight: Array) -> tuple[Array, Array, Array]:
    """(m, g) c, a and weighted mean squared residual for (m, k, g) regressors."""
    wz = np.einsum("mk,mkg->mg", weight, z)
    wzz = np.einsum("mk,mkg->mg", weight, z * z)
    wzy = np.einsum("mk,mkg->mg", weight * y, z)
    wy, wyy = ((weight * y**p).sum(1, keepdims=True) for p in (1, 2))
    spread = wzz - wz**2
    usable = spread > 1e-12 * np.maximum(wzz, 1e-300)
    a = np.where(usable, (wzy - wz * wy) / np.where(usable, spread, 1.0), 0.0)
    c = wy - a * wz
    floored = c < 0
    a = np.where(floored, wzy / np.maximum(wzz, 1e-300), a)
    c = np.where(floored, 0.0, c)
    flat = a < 0
    a, c = np.where(flat, 0.0, a), np.where(flat, wy, c)
    square = wyy - 2 * (c * wy + a * wzy) + c**2 + 2 * a * c * wz + a**2 * wzz
    return c, a, square


@cache
def _shapes(kind: Kind) -> Array:
    """(g, s) the grid of shape parameters."""
    if kind == "last1":
        return np.zeros((1, 1))
    if kind == "pow3":
        return np.geomspace(0.02, 4.0, 120)[:, None]
    if kind == "pow4":
        return np.array(list(product(np.geomspace(0.05, 8.0, 40), (0, 0.03, 0.1, 0.3, 1.0, 3.0))))
    return np.array(list(product(np.geomspace(0.01, 10.0, 20), np.geomspace(0.2, 4.0, 20))))


def _basis(kind: Kind, x: Array, shape: Array) -> Array:
    """g(x); `shape[i]` is the i-th parameter, of a shape that broadcasts with `x`."""
    if kind == "last1":
        return np.zeros(np.broadcast_shapes(np.shape(x), np.shape(shape[0])))
    if kind == "pow3":
        return np.asarray(x ** -shape[0])
    if kind == "pow4":
        return np.asarray((x + shape[1]) ** -shape[0])
    return np.asarray(1.0 / (1.0 + (x / shape[0]) ** shape[1]))
