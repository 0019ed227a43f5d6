"""From the `tensors` view to the arrays that a net takes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from automl import Array, TensorBlock

BINS = 16
"""Bins of a number in the wide part."""
EDGE_ROWS = 50_000
"""Rows that bin edges are read off at most."""
CROSSED = 6
"""Category columns that are crossed in pairs: those of fewest levels."""
BUCKETS = 4096
"""Codes of a cross at most; beyond, pairs of levels share one."""
MARGIN = 0.05
"""Standard deviations that a predicted value may lie outside the training range."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The inputs a net was built for, all of it JSON."""

    numbers: int
    flagged: list[int]
    """Number columns that had missing values in training; each gets a 0/1 input."""
    cardinalities: list[int]
    edges: list[list[float]]
    """Inner edges of each number's bins, for the wide part; empty without one."""
    crosses: list[list[int]]
    """Pairs of category columns crossed in the wide part."""

    @classmethod
    def of(cls, block: TensorBlock, *, wide: bool, crosses: bool) -> Layout:
        """Read the layout off the training rows."""
        levels = [int(count) for count in block.cardinalities]
        fewest = sorted(range(len(levels)), key=lambda column: (levels[column], column))
        pairs = combinations(sorted(fewest[:CROSSED]), 2) if wide and crosses else ()
        return cls(
            block.numbers.shape[1],
            [int(column) for column in np.flatnonzero(np.asarray(block.missing).any(axis=0))],
            levels,
            _edges(np.asarray(block.numbers)) if wide else [],
            [list(pair) for pair in pairs],
        )

    @property
    def inputs(self) -> int:
        """Width of the numbers, flags of missing ones included."""
        return self.numbers + len(self.flagged)

    @property
    def wide_sizes(self) -> list[int]:
        """Codes of each column of the wide part: bins, categories, crosses."""
        bins = [len(edges) + 1 for edges in self.edges]
        crosses = [self._buckets(pair) for pair in self.crosses]
        return [*bins, *self.cardinalities, *crosses]

    def arrays(self, block: TensorBlock) -> dict[str, Array]:
        """Inputs by name: `numbers` (n, d) float32; `codes` and `wide` (n, c) int32.

        Codes of all columns count on from one another, so that one table holds all of them.
        """
        flags = np.asarray(block.missing)[:, self.flagged].astype(np.float32)
        codes = np.asarray(block.codes, dtype=np.int64)
        levels = np.array(self.cardinalities, dtype=np.int64)
        codes = np.where((codes >= 0) & (codes < levels), codes, 0)
        arrays = {}
        if self.inputs:
            arrays["numbers"] = np.hstack([np.asarray(block.numbers), flags])
        if self.cardinalities:
            arrays["codes"] = _counted_on(codes, self.cardinalities)
        if self.edges or self.crosses:
            arrays["wide"] = _counted_on(self._wide(block, codes), self.wide_sizes)
        return arrays

    def _wide(self, block: TensorBlock, codes: Array) -> Array:
        numbers = np.asarray(block.numbers)
        bins = [np.searchsorted(edges, numbers[:, j]) for j, edges in enumerate(self.edges)]
        crosses = [
            (codes[:, a] * self.cardinalities[b] + codes[:, b]) % self._buckets([a, b])
            for a, b in self.crosses
        ]
        return np.column_stack([*bins, codes, *crosses])

    def _buckets(self, pair: list[int]) -> int:
        return min(BUCKETS, self.cardinalities[pair[0]] * self.cardinalities[pair[1]])


def _edges(numbers: Array) -> list[list[float]]:
    some = numbers[:: 1 + len(numbers) // EDGE_ROWS]
    inner = np.arange(1, BINS) / BINS
    return [np.unique(np.quantile(column, inner)).tolist() for column in some.T]


def _counted_on(codes: Array, sizes: list[int]) -> Array:
    starts = np.cumsum([0, *sizes[:-1]])
    return (codes + starts).astype(np.int32)


@dataclass(frozen=True, slots=True)
class TargetScale:
    """Standardises a regression target and keeps predictions near the values seen."""

    mean: float
    deviation: float
    low: float
    high: float

    @classmethod
    def of(cls, y: Any) -> TargetScale:
        """Measure the training target, (n,); a constant one gets deviation 1."""
        spread = float(np.std(y))
        low, high = float(np.min(y)) - MARGIN * spread, float(np.max(y)) + MARGIN * spread
        return cls(float(np.mean(y)), spread or 1.0, low, high)

    def scale(self, y: Any) -> Array:
        """(n,) values to (n,) float32 of mean 0 and variance 1."""
        return ((y - self.mean) / self.deviation).astype(np.float32)

    def restore(self, scaled: Array) -> Array:
        """(n,) outputs of a net to (n,) float64 values."""
        values = scaled.astype(np.float64) * self.deviation + self.mean
        return np.clip(values, self.low, self.high)
