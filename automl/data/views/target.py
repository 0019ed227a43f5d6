"""Target encoding of categories and words, cross-fitted on the training rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl.types import Array, Task

FOLDS = 5
PRIOR_ROWS = 10.0
"""Rows that the overall mean counts for (AutoGluon's smoothing)."""
MOST_CLASSES = 8


@dataclass(frozen=True, eq=False)
class Targets:
    """The target as columns to average, and the folds to do it out of.

    `columns` is (n, m) float64: the target itself (regression), the second class (binary), or
    the most frequent classes; m is 0 for anomalies. `folds` is (n,) int64.
    """

    columns: Array
    names: tuple[str, ...]
    folds: Array
    classify: bool

    def first(self, m: int) -> Targets:
        """The first m columns only."""
        return Targets(self.columns[:, :m], self.names[:m], self.folds, self.classify)


def make_targets(y: Array, task: Task, seed: int) -> Targets:
    """Columns and folds of a training target; folds are stratified by its rank."""
    n = len(y)
    shuffled = np.random.default_rng(seed).permutation(n)
    folds = np.empty(n, dtype=np.int64)
    if task == "anomaly":  # labels only score: nothing here may follow from them
        folds[shuffled] = np.arange(n) % FOLDS
        return Targets(np.empty((n, 0)), (), folds, classify=False)
    narrow = y if task == "regression" else y.astype(np.int32)
    folds[shuffled[np.argsort(narrow[shuffled], kind="stable")]] = np.arange(n) % FOLDS
    if task == "regression":
        # standardised: the means are kept in float32, and the target may be far from zero
        values = (y - y.mean()) / (float(y.std()) or 1.0)
        return Targets(values[:, None], ("target",), folds, classify=False)
    counts = np.bincount(y)
    chosen = np.argsort(-counts, kind="stable")[:MOST_CLASSES] if task == "multiclass" else [1]
    values = (y[:, None] == np.asarray(chosen)[None, :]).astype(np.float64)
    return Targets(values, tuple(f"class {c}" for c in chosen), folds, classify=True)


@dataclass(frozen=True, eq=False)
class LevelMeans:
    """One category column as numbers: smoothed target means per level and log1p(rows)."""

    column: int
    """Position in the codes."""
    names: tuple[str, ...]
    table: Array
    """(levels + 1, m + 1) float32; row 0 is for missing and unknown."""

    def apply(self, codes: Array) -> Array:
        """(n, c) codes to (n, m + 1) float32."""
        return self.table[codes[:, self.column]]


def fit_level_means(
    column: int, name: str, codes: Array, levels: int, targets: Targets
) -> tuple[LevelMeans, Array]:
    """Target means of a category column (Micci-Barreca 2001), each row left out of its own.

    Args:
        column: position in the codes.
        name: of the column.
        codes: (n,) int32, 0 for missing.
        levels: highest code.
        targets: of the same rows.

    Returns:
        The encoder for new rows, and (n, m + 1) float32 for the training rows, whose means
        come from the other folds only.
    """
    counts, sums = _fold_sums(codes, levels + 1, targets)
    all_counts, all_sums = counts.sum(axis=0), sums.sum(axis=0)
    rows = np.log1p(all_counts)[:, None].astype(np.float32)
    table = np.hstack([_smooth(all_sums, all_counts).astype(np.float32), rows])
    others = np.stack(
        [_smooth(all_sums - sums[f], all_counts - counts[f]) for f in range(FOLDS)]
    ).astype(np.float32)
    crossed = np.hstack([others[targets.folds, codes], rows[codes]])
    names = (*(f"{name}: mean of {t}" for t in targets.names), f"{name}: rows")
    return LevelMeans(column, names, table), crossed


def _fold_sums(codes: Array, size: int, targets: Targets) -> tuple[Array, Array]:
    """Rows (folds, size) and target sums (folds, size, m) per fold and level."""
    cell = targets.folds * size + codes
    shape = (FOLDS, size)
    counts = np.bincount(cell, minlength=FOLDS * size).reshape(shape).astype(np.float64)
    sums = np.empty((*shape, targets.columns.shape[1]))
    for j, values in enumerate(targets.columns.T):
        sums[..., j] = np.bincount(cell, weights=values, minlength=FOLDS * size).reshape(shape)
    return counts, sums


def _smooth(sums: Array, counts: Array) -> Array:
    prior = sums.sum(axis=0) / max(counts.sum(), 1.0)
    means: Array = (sums + PRIOR_ROWS * prior) / (counts + PRIOR_ROWS)[:, None]
    return means
