"""Numbers for learners that multiply: no gaps, one scale, no absurd values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl.types import Array

MOST_ROWS = 10_000
MOST_CELLS = 10_000_000
CACHED_CELLS = 500_000
"""Numbers scaled at a time, so that they stay in the processor's cache."""
SKEWED = 1.0
FAR = 7.0
"""Standard deviations from the mean beyond which a value is an outlier."""
FARTHEST = 1e4
"""Standard deviations that values are cut at where tails are kept, so that squares stay finite."""
NARROW = 0.7
"""Lowest standard deviation that normal scores are divided by, so rare values stay bounded."""
SPARSE = 0.3
"""Lowest standard deviation that logarithms are divided by; they are cut at `TALLEST` of them."""
TALLEST = 5.0


@dataclass(frozen=True, eq=False)
class Scaler:
    """Median imputation; standardised columns, other scores where they are skewed."""

    center: Array
    """(p,) float32, as the five after it."""
    factor: Array
    low: Array
    high: Array
    fill: Array
    """Value in place of a missing one: the scaled median."""
    skewed: Array
    """(s,) int64 positions of the columns that get scores."""
    knots: Array
    """(s, k) float32 ascending training values."""
    heights: Array
    """(s, k) float32 scores of the knots."""

    def apply(self, numbers: Array) -> Array:
        """(n, p) float32 with NaN to (n, p) float32, row-major, without."""
        out = np.empty(numbers.shape, dtype=np.float32, order="C")
        step = max(256, CACHED_CELLS // max(numbers.shape[1], 1))
        for start in range(0, len(numbers), step):
            self._apply(numbers[start : start + step], out[start : start + step])
        return out

    def _apply(self, numbers: Array, out: Array) -> None:
        np.subtract(numbers, self.center, out=out)
        out *= self.factor
        np.clip(out, self.low, self.high, out=out)
        for j, knots, heights in zip(self.skewed, self.knots, self.heights, strict=True):
            out[:, j] = np.interp(numbers[:, j], knots, heights)
        np.copyto(out, self.fill, where=np.isnan(out))


def fit_scaler(numbers: Array, seed: int, *, tails: bool = False) -> Scaler:
    """Learn the scale of each column from at most 10,000 rows; the range from all.

    A column is skewed if its third standardised moment exceeds 1 or its range 7 standard
    deviations; its values become normal scores of their mid-ranks, or logarithms where half of
    them are the same, as of counts that are mostly 0: ranks lose how large the others are. Linear
    in between, flat outside.

    Args:
        numbers: (n, p) float32, NaN where missing, every column with a value.
        seed: of the sample.
        tails: keep what is far out far out, as detectors of anomalies need, and nets that bend
            numbers themselves: every column is only standardised, and values beyond the training
            range are not cut.
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
    bent = (spread > 0) & ((np.abs(skew) > SKEWED) | (span > FAR))
    skewed = np.flatnonzero(bent & (not tails))
    knots, heights = _scores(ordered[skewed], count[skewed])
    fill = (median - mean) * factor
    for i, j in enumerate(skewed):
        fill[j] = np.interp(median[j], knots[i], heights[i])
    return Scaler(
        mean.astype(np.float32),
        factor.astype(np.float32),
        np.where(tails, -FARTHEST, (low - mean) * factor - 0.5).astype(np.float32),
        np.where(tails, FARTHEST, (high - mean) * factor + 0.5).astype(np.float32),
        fill.astype(np.float32),
        skewed,
        knots,
        heights,
    )


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
    spread[spread <= np.maximum(1e-7 * np.abs(median), 1e-30)] = 0.0
    third = np.einsum("ij,ij,ij->i", centred, centred, centred) / count
    cubed = third - 3 * shift * second + 2 * shift**3
    skew = np.divide(cubed, spread**3, out=np.zeros_like(cubed), where=spread > 0)
    return median + shift, spread, skew


def _scores(ordered: Array, count: Array) -> tuple[Array, Array]:
    """Knots, evenly spaced in rank, of the map from sorted values to scores."""
    s, m = ordered.shape
    k = min(m, int(np.clip(2_000_000 // max(s, 1), 33, 257)))
    at = np.round(np.linspace(0, 1, k) * (count[:, None] - 1)).astype(np.int64)
    knots = np.take_along_axis(ordered, at, axis=1)
    quartiles = (np.array([0.25, 0.75]) * (count[:, None] - 1)).round().astype(np.int64)
    lower, upper = np.take_along_axis(ordered, quartiles, axis=1).T
    sparse = lower == upper
    scores = np.empty(knots.shape)
    scores[~sparse] = _normal(ordered[~sparse], count[~sparse], at[~sparse])
    logs = _logarithms(ordered[sparse], knots[sparse], lower[sparse, None])
    scores[sparse] = np.clip(logs, -TALLEST, TALLEST)
    return knots, scores.astype(np.float32)


def _normal(ordered: Array, count: Array, at: Array) -> Array:
    """(s, k) normal scores of the values at those places."""
    from scipy.special import ndtri

    ranks = np.take_along_axis(_mid_ranks(ordered, count), at, axis=1)
    return _standardised(ndtri((ranks + 0.5) / count[:, None]), NARROW)


def _logarithms(ordered: Array, knots: Array, usual: Array) -> Array:
    """(s, k) log(1 + |z|) with its sign, z in median distances of what is not the usual value."""
    away = np.abs(ordered - usual)
    away[away == 0] = np.nan
    z = (knots.astype(np.float64) - usual) / np.nanmedian(away, axis=1)[:, None]
    return _standardised(np.sign(z) * np.log1p(np.abs(z)), SPARSE)


def _standardised(scores: Array, least: float) -> Array:
    """Mean 0 and standard deviation 1, but divided by no less than `least`."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    result: Array = centred / np.maximum(scores.std(axis=1, keepdims=True), least)
    return result


def _mid_ranks(ordered: Array, count: Array) -> Array:
    """(s, m) mean rank of each sorted value among its equals; the last `m - count` are gaps."""
    s, m = ordered.shape
    place = np.arange(m, dtype=np.int32)
    new = np.ones((s, m + 1), dtype=bool)
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=new[:, 1:-1])
    start = np.maximum.accumulate(np.where(new[:, :-1], place, 0), axis=1)
    end = np.minimum.accumulate(np.where(new[:, 1:], place, m)[:, ::-1], axis=1)[:, ::-1]
    return (start + np.minimum(end, count[:, None] - 1)) / 2
