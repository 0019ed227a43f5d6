"""Numbers for learners that multiply: no gaps, one scale, no absurd values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl.types import Array

MOST_ROWS = 10_000
MOST_CELLS = 10_000_000
SKEWED = 1.0
FAR = 7.0
"""Standard deviations from the mean beyond which a value is an outlier."""
NARROW = 0.7
"""Lowest standard deviation that normal scores are divided by, so rare values stay bounded."""


@dataclass(frozen=True, eq=False)
class Scaler:
    """Median imputation; standardised columns, and normal scores where they are skewed."""

    center: Array
    """(p,) float32, as the five after it."""
    factor: Array
    low: Array
    high: Array
    fill: Array
    """What a missing value becomes: the scaled median."""
    skewed: Array
    """(s,) int64 positions of the columns that get normal scores."""
    knots: Array
    """(s, k) float32 ascending training values."""
    heights: Array
    """(s, k) float32 scaled normal scores of the knots."""

    def apply(self, numbers: Array) -> Array:
        """(n, p) float32 with NaN to (n, p) float32, row-major, without."""
        out = np.empty(numbers.shape, dtype=np.float32, order="C")
        np.subtract(numbers, self.center, out=out)
        out *= self.factor
        np.clip(out, self.low, self.high, out=out)
        for j, knots, heights in zip(self.skewed, self.knots, self.heights, strict=True):
            out[:, j] = np.interp(numbers[:, j], knots, heights)
        np.copyto(out, self.fill, where=np.isnan(out))
        return out


def fit_scaler(numbers: Array, seed: int) -> Scaler:
    """Learn the scale of each column from at most 10,000 rows; the range from all.

    A column is skewed if its third standardised moment exceeds 1 or its range 7 standard
    deviations; its values become normal scores of their mid-ranks, linear in between, flat
    outside.

    Args:
        numbers: (n, p) float32, NaN where missing, every column with a value.
        seed: of the sample.
    """
    sample = _sample(numbers, seed)
    count = np.count_nonzero(~np.isnan(sample), axis=1)
    ordered = np.sort(sample, axis=1)
    full = np.maximum(count, 1)
    median = np.take_along_axis(ordered, ((full - 1) // 2)[:, None], axis=1)[:, 0]
    low = np.fmin.reduce(numbers, axis=0).astype(np.float64)
    high = np.fmax.reduce(numbers, axis=0).astype(np.float64)
    median = np.where(count > 0, median, low)
    mean, spread, skew = _moments(sample, full, median)
    factor = 1 / np.where(spread > 0, spread, np.maximum(high - low, 1e-30) / 2)
    span = np.maximum(np.abs(low - mean), np.abs(high - mean)) * factor
    skewed = np.flatnonzero((spread > 0) & ((np.abs(skew) > SKEWED) | (span > FAR)))
    knots, heights = _normal_scores(ordered[skewed], count[skewed])
    fill = (median - mean) * factor
    for i, j in enumerate(skewed):
        fill[j] = np.interp(median[j], knots[i], heights[i])
    floats = (mean, factor, (low - mean) * factor - 0.5, (high - mean) * factor + 0.5, fill)
    return Scaler(*(v.astype(np.float32) for v in floats), skewed, knots, heights)


def _sample(numbers: Array, seed: int) -> Array:
    """(p, m) rows as columns, contiguous per number column."""
    n, p = numbers.shape
    m = min(n, MOST_ROWS, max(1_000, MOST_CELLS // max(p, 1)))
    if m < n:
        rows = np.sort(np.random.default_rng(seed).choice(n, m, replace=False))
        numbers = numbers[rows]
    return np.ascontiguousarray(numbers.T)


def _moments(sample: Array, count: Array, median: Array) -> tuple[Array, Array, Array]:
    """Mean, standard deviation and skewness per row, gaps left out."""
    centred = sample.astype(np.float64) - median[:, None]
    centred[np.isnan(centred)] = 0.0
    shift = centred.sum(axis=1) / count
    second = np.einsum("ij,ij->i", centred, centred) / count
    spread = np.sqrt(np.maximum(second - shift**2, 0.0))
    spread[spread <= 1e-7 * np.abs(median)] = 0.0
    third = np.einsum("ij,ij,ij->i", centred, centred, centred) / count
    cubed = third - 3 * shift * second + 2 * shift**3
    skew = np.divide(cubed, spread**3, out=np.zeros_like(cubed), where=spread > 0)
    return median + shift, spread, skew


def _normal_scores(ordered: Array, count: Array) -> tuple[Array, Array]:
    """Knots of the map from sorted values to normal scores of their mid-ranks."""
    from scipy.special import ndtri

    s, m = ordered.shape
    if s == 0:
        return np.empty((0, 2), np.float32), np.empty((0, 2), np.float32)
    place = np.arange(m)
    new = np.ones((s, m), dtype=bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    start = np.maximum.accumulate(np.where(new, place, 0), axis=1)
    last = np.ones((s, m), dtype=bool)
    last[:, :-1] = new[:, 1:]
    end = np.minimum.accumulate(np.where(last, place, m)[:, ::-1], axis=1)[:, ::-1]
    known = place < count[:, None]
    scores = ndtri(np.where(known, ((start + end) / 2 + 0.5) / count[:, None], 0.5))
    mean = scores.sum(axis=1, where=known) / count
    scores -= mean[:, None]
    spread = np.sqrt((scores**2).sum(axis=1, where=known) / count)
    scores /= np.maximum(spread, NARROW)[:, None]
    k = int(np.clip(2_000_000 // s, 33, 257))
    at = np.round(np.linspace(0, 1, min(k, m)) * (count[:, None] - 1)).astype(np.int64)
    knots = np.take_along_axis(ordered, at, axis=1)
    heights = np.take_along_axis(scores, at, axis=1).astype(np.float32)
    return knots, heights
