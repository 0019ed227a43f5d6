"""Folds, nested subsets, early-stopping rows, halves for cross-fitting and locked test rows."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from automl.errors import DataError
from automl.files import fingerprint as digits
from automl.rows.ladder import BAG, FEW
from automl.types import TOP, Array, Dataset

FRACTIONS = tuple(2.0 ** (rung - TOP) for rung in range(TOP + 1))
"""Share of a fold's training rows on rungs 0 to 3."""
SMALL_TABLE = 5_000
"""Rows below which the top rung runs every fold: one fold's fifth scores too few."""
MOST_STOP_ROWS = 2_000
"""Early-stopping rows of one fit at most."""
PARTS_OF_A_GROUP = 50
"""Groups a fold above which groups are assigned in their order instead of by size."""
LEFT_OUT = -2
"""In `fold_of`: a past row of a group that also validates (`--time` with `--group`)."""


@dataclass(frozen=True, eq=False)
class Split:
    """Which rows train, stop, validate and score.

    Rungs 0 to 3 train on the first 1/8, 1/4, 1/2 and all of a fold's training rows. Rung 4
    trains on the full rows of the folds that rung 3 left out. The fold after the last trains on
    every row, validation rows included, and validates none: such a model has no score.
    """

    fold_of: Array
    """(n,) int16: the fold that a row validates; -1: never validated; -2: never used."""
    half: Array
    """(n,) int8: 0 or 1, the halves of the score rows for cross-fitted scores."""
    order: Array
    """(n,) int64: all rows, shuffled and stratified, groups kept together."""
    n_folds: int
    rungs: tuple[int, ...]
    """The rungs that exist, ascending."""
    all_folds_at_3: bool
    """True for small tables: rung 3 runs every fold."""
    refit: bool = False
    """True if a model of every row stands alone (`--time`): the latest rows are worth most."""
    groups: Array | None = None

    def subset(self, fold: int, rung: int) -> Array:
        """Training rows of a fold on a rung.

        Returns:
            (m,) int64 row positions; those of a lower rung come first, in the same order.
        """
        rows = self._training(fold)
        return rows[: self._length(rows, rung)]

    @property
    def growth(self) -> float:
        """Every row that is used, in units of those that fold 0 trains on and does not stop by."""
        return len(self.subset(self.n_folds, TOP)) / int((~self.stop_rows(0, TOP)).sum())

    def validation(self, fold: int) -> Array:
        """(m,) int64 row positions that the fold is scored on, ascending."""
        return np.flatnonzero(self.fold_of == fold)

    def stop_mask(self, length: int) -> Array:
        """Early-stopping rows of a nested subset without groups: every tenth row, at most 2,000.

        Args:
            length: rows in the subset.

        Returns:
            (length,) bool. All False below five rows.
        """
        mask = np.zeros(length, dtype=bool)
        mask[4 : 10 * MOST_STOP_ROWS : 10] = True
        return mask

    def stop_rows(self, fold: int, rung: int) -> Array:
        """Early-stopping rows of a nested subset: small whole groups if there are any.

        Without such groups they are those of `stop_mask`.

        Returns:
            (m,) bool over the rows of `subset(fold, rung)`.
        """
        rows = self.subset(fold, rung)
        if self.groups is None:
            return self.stop_mask(len(rows))
        sizes, number = _runs(self.groups[rows])
        chosen = np.arange(len(sizes)) % min(10, len(sizes)) == min(10, len(sizes)) - 1
        chosen &= sizes <= len(rows) / 5
        small = np.flatnonzero(chosen)
        if not len(small):
            return self.stop_mask(len(rows))
        kept = _fitting(sizes[small], MOST_STOP_ROWS)
        # where no group has so few rows, the smallest stops all the same
        stops = small[kept] if kept.any() else small[[np.argmin(sizes[small])]]
        return np.isin(number, stops)

    def with_first(self, fold: int) -> Split:
        """These folds, with another one as the first."""
        if fold == 0:
            return self
        names = np.arange(self.n_folds, dtype=self.fold_of.dtype)
        names[[0, fold]] = [fold, 0]
        used = self.fold_of >= 0
        return replace(self, fold_of=np.where(used, names[self.fold_of * used], self.fold_of))

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change with any row's place."""
        shape = repr((self.n_folds, self.rungs, self.all_folds_at_3)).encode()
        arrays = (self.fold_of, self.half, self.order)
        return digits([shape, *(np.ascontiguousarray(part).tobytes() for part in arrays)])

    def _training(self, fold: int) -> Array:
        if fold == self.n_folds:
            return self.order
        place = self.fold_of[self.order]
        return self.order[(place != fold) & (place != LEFT_OUT)]

    def _length(self, rows: Array, rung: int) -> int:
        n = len(rows)
        if rung >= len(FRACTIONS) - 1:
            return n
        wanted = max(1, round(FRACTIONS[rung] * n))
        if self.groups is None:
            return wanted
        ends = np.flatnonzero(np.r_[np.diff(self.groups[rows]) != 0, True]) + 1
        return int(ends[np.argmin(np.abs(ends - wanted))])


def make_split(data: Dataset, folds: int | None = None, seed: int = 0) -> Split:
    """Deal the rows of a table.

    Folds are stratified by class, by tenths of a numeric target, or by pseudo-labels where there
    are any; classes with fewer rows than folds are spread. Groups stay whole. With times the last
    fifth validates, one fold.

    Args:
        data: the training table.
        folds: validation folds; by default 5, 8 from 10,000 rows, 10 from 100,000, and never
            more than half the rows or the number of groups.
        seed: of the shuffle.

    Raises:
        DataError: fewer than two rows or groups, or a time column that leaves no past.
    """
    n = len(data.y)
    if n < 2:
        msg = f"The table has {n} usable rows; at least 2 are needed."
        raise DataError(msg)
    rng = np.random.default_rng(seed)
    pseudo = data.pseudo_labels
    strata = _strata(data) if pseudo is None else pseudo.astype(np.int16)
    order = _shuffle(strata, data.groups, rng)
    if data.times is None:
        k = _fold_count(data, folds)
        fold_of = _deal(order, strata, data.groups, k).astype(np.int16)
    else:
        k, fold_of = 1, _latest(data.times, data.groups)
    half = _halves(fold_of, order, strata, data.groups)
    timed = data.times is not None
    all_folds = not timed and n < SMALL_TABLE
    smallest = min(_used(fold_of, fold) for fold in range(k))
    floor = max(FEW, 10 * data.schema.n_classes)
    rungs = [r for r in range(TOP) if FRACTIONS[r] * smallest >= floor] + [TOP]
    if not all_folds:
        rungs.append(BAG)
    return Split(fold_of, half, order, k, tuple(rungs), all_folds, timed, data.groups)


def fingerprint(data: Dataset) -> str:
    """Sixteen hex digits that change with any value of a table."""
    hashes = pd.util.hash_pandas_object(data.X, index=False).to_numpy()
    parts = [np.ascontiguousarray(data.y).tobytes(), hashes.tobytes()]
    return digits(parts if data.weights is None else [*parts, data.weights.tobytes()])


def carve_test(data: Dataset, size: float, seed: int = 0) -> tuple[Array, Array]:
    """Lock away test rows: the latest by time, whole groups, else stratified.

    Args:
        data: the whole table.
        size: share of the rows, between 0 and 1.
        seed: of the shuffle.

    Returns:
        Row positions to train on and to test on, both ascending.

    Raises:
        DataError: a size outside (0, 1), or one that leaves no rows on a side.
    """
    n = len(data.y)
    if not 0 < size < 1:
        msg = f"The test size is {size}; give a share of the rows between 0 and 1, such as 0.2."
        raise DataError(msg)
    wanted = max(1, round(size * n))
    if data.times is not None:
        test = _later(data.times, wanted)
    else:
        strata = _strata(data)
        order = _shuffle(strata, data.groups, np.random.default_rng(seed))
        test = np.zeros(n, dtype=bool)
        test[_about(order, data.groups, wanted)] = True
        if data.groups is None and data.schema.task in {"binary", "multiclass"}:
            _keep_one_of_each(test, strata, order)
    train = ~test
    if data.groups is not None:
        train &= ~np.isin(data.groups, data.groups[test])
    if not train.any() or not test.any():
        msg = (
            f"A test size of {size} leaves no rows to train or to test on; "
            "choose another size, or give fewer of --group and --time."
        )
        raise DataError(msg)
    return np.flatnonzero(train), np.flatnonzero(test)


def take(data: Dataset, rows: Array) -> Dataset:
    """The given rows of a table, in that order; the index of `X` keeps the original numbers.

    Rows without a target stay as they are.
    """

    def part(values: Array | None) -> Array | None:
        return None if values is None else values[rows]

    return replace(
        data,
        X=data.X.iloc[rows],
        y=data.y[rows],
        groups=part(data.groups),
        times=part(data.times),
        pseudo_labels=part(data.pseudo_labels),
        weights=part(data.weights),
    )


def _strata(data: Dataset) -> Array:
    """(n,) classes, or tenths of a numeric target by rank; int16 where that sorts faster."""
    if data.schema.task != "regression":
        codes = data.y + 1  # -1 is a row without a label, among anomalies
        return codes.astype(np.int16 if codes.max() < np.iinfo(np.int16).max else np.int64)
    n = len(data.y)
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(data.y, kind="stable")] = np.arange(n)
    return (rank * min(10, n) // n).astype(np.int16)


def _shuffle(strata: Array, groups: Array | None, rng: np.random.Generator) -> Array:
    """Rows in random order, every stratum spread evenly, groups contiguous.

    The i-th of the m shuffled rows of a stratum gets the key (i + u) / m, u uniform.
    """
    n = len(strata)
    rows = rng.permutation(n)
    if groups is None:
        return rows[_spread(strata[rows], rng)]
    codes = np.unique(groups[rows], return_inverse=True)[1]
    first = np.unique(codes, return_index=True)[1]
    place = np.empty(len(first), dtype=np.int64)
    place[_spread(strata[rows][first], rng)] = np.arange(len(first))
    return rows[np.argsort(place[codes], kind="stable")]


def _spread(strata: Array, rng: np.random.Generator) -> Array:
    counts = np.bincount(strata)
    by_stratum = np.argsort(strata, kind="stable")
    ranks = np.empty(len(strata))
    ranks[by_stratum] = np.arange(len(strata)) - np.repeat(np.cumsum(counts) - counts, counts)
    # u anew for every row: with one a stratum, strata of one size would take turns with a period,
    # and every tenth row be of the same one
    return np.argsort((ranks + rng.random(len(strata))) / counts[strata], kind="stable")


def _fold_count(data: Dataset, folds: int | None) -> int:
    n = len(data.y)
    if folds is not None and folds < 2:
        msg = f"{folds} folds cannot validate anything; ask for at least 2."
        raise DataError(msg)
    k = folds or (10 if n >= 100_000 else 8 if n >= 10_000 else 5)
    k = max(2, min(k, n // 2))
    if data.groups is None:
        return k
    groups = len(np.unique(data.groups))
    if groups < 2:
        msg = f"The group column {data.schema.group!r} has one value; at least 2 are needed."
        raise DataError(msg)
    return min(k, groups)


def _deal(order: Array, strata: Array, groups: Array | None, k: int) -> Array:
    """(len(strata),) parts 0..k-1 of equal size and mix; rows not in `order` get 0."""
    part = np.zeros(len(strata), dtype=np.int64)
    if groups is None:
        part[order[np.argsort(strata[order], kind="stable")]] = np.arange(len(order)) % k
    else:
        sizes, number = _runs(groups[order])
        part[order] = _deal_groups(sizes, k)[number]
    return part


def _runs(codes: Array) -> tuple[Array, Array]:
    number = np.cumsum(np.r_[False, codes[1:] != codes[:-1]])
    return np.bincount(number), number


def _deal_groups(sizes: Array, k: int) -> Array:
    """Big groups to the emptiest part; the others fill the parts up, in their order."""
    part = np.empty(len(sizes), dtype=np.int64)
    big = sizes > max(1, sizes.sum() // (PARTS_OF_A_GROUP * k))
    if len(sizes) < PARTS_OF_A_GROUP * k:
        big[:] = True
    load = [(0, f) for f in range(k)]
    rows = np.flatnonzero(big)
    for group in rows[np.argsort(-sizes[rows], kind="stable")]:
        size, emptiest = heapq.heappop(load)
        part[group] = emptiest
        heapq.heappush(load, (size + int(sizes[group]), emptiest))
    filled = np.zeros(k)
    for size, f in load:
        filled[f] = size
    small = np.flatnonzero(~big)
    if len(small):
        room = np.maximum(sizes.sum() / k - filled, 0)
        middle = np.cumsum(sizes[small]) - sizes[small] / 2
        edges = np.cumsum(room) * (sizes[small].sum() / room.sum())
        part[small] = np.minimum(np.searchsorted(edges, middle), k - 1)
    return part


def _halves(fold_of: Array, order: Array, strata: Array, groups: Array | None) -> Array:
    """(n,) int8 halves, balanced per stratum over all rows and nearly so within a fold."""
    by_fold = order[np.argsort(fold_of[order], kind="stable")]
    if groups is None:
        return _deal(by_fold, strata, None, 2).astype(np.int8)
    half = np.zeros(len(order), dtype=np.int8)
    for fold in np.unique(fold_of):
        rows = order[fold_of[order] == fold]
        # one group alone is halved by rows: better than choosing on the rows that score
        whole = groups if len(np.unique(groups[rows])) > 1 else None
        half[rows] = (_deal(rows, strata, whole, 2)[rows] + max(fold, 0)) % 2
    return half


def _later(times: Array, wanted: int) -> Array:
    """(n,) bool, about `wanted` last rows; rows of one time stay together where they can."""
    n = len(times)
    by_time = np.argsort(times, kind="stable")
    ordered = times[by_time]
    cuts = np.flatnonzero(np.diff(ordered) != 0) + 1
    cut = n - wanted if len(cuts) == 0 else int(cuts[np.argmin(np.abs(cuts - (n - wanted)))])
    later = np.zeros(n, dtype=bool)
    later[by_time[cut:]] = True
    return later


def _latest(times: Array, groups: Array | None) -> Array:
    """The folds of a table in time: 0 for the last fifth, -1 for the past."""
    later = _later(times, max(1, len(times) // 5))
    fold_of = np.where(later, 0, -1).astype(np.int16)
    if groups is not None:
        fold_of[~later & np.isin(groups, groups[later])] = LEFT_OUT
    if _used(fold_of, 0) == 0:
        msg = "Every group has rows in the last fifth of time; give --group or --time, not both."
        raise DataError(msg)
    return fold_of


def _used(fold_of: Array, fold: int) -> int:
    return int(np.count_nonzero((fold_of != fold) & (fold_of != LEFT_OUT)))


def _about(order: Array, groups: Array | None, wanted: int) -> Array:
    """The first rows of an order, or of groups whoever brings them nearer to so many."""
    if groups is None:
        return order[:wanted]
    sizes, number = _runs(groups[order])
    taken, total = np.zeros(len(sizes), dtype=bool), 0
    for group, size in enumerate(sizes.tolist()):
        if abs(total + size - wanted) < abs(total - wanted):
            taken[group], total = True, total + size
    return order[taken[number]]


def _fitting(sizes: Array, most: int) -> Array:
    """(k,) bool: in their order, whoever still fits into so many rows."""
    kept, total = np.zeros(len(sizes), dtype=bool), 0
    for place, size in enumerate(sizes.tolist()):
        if total + size <= most:
            kept[place], total = True, total + size
    return kept


def _keep_one_of_each(test: Array, strata: Array, order: Array) -> None:
    """Move one row of every class that is wholly in the test rows back to training."""
    kept = np.bincount(strata[~test], minlength=int(strata.max()) + 1)
    present, first = np.unique(strata[order], return_index=True)
    test[order[first[kept[present] == 0]]] = False
