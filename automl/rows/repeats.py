"""The repeats of a study: training, early-stopping, validation and test rows of each anchor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.errors import DataError
from automl.files import fingerprint as digits
from automl.rows.folds import LEFT_OUT, MOST_STOP_ROWS, make_split
from automl.rows.ladder import FEW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.types import Array, Dataset

FOLDS = 5
ENOUGH = 3
"""Repeats below which there is no verdict on the rate: two leave one degree of freedom."""
MOST_TEST = 20_000
"""Test rows of one repeat at most, by choice: all that are held out of 100,000 rows. More would
cost every fit their prediction and narrow an interval by a tenth or so (docs/method.md)."""
TENTH = 10
"""Rows of which one stops early and one validates."""
FEWEST_ANCHORS = 3
"""Kept on small tables, though the lowest have few rows."""


@dataclass(frozen=True, eq=False)
class Repeat:
    """One repeat: a permutation of the rows that it may train on, and its test rows."""

    order: Array
    """(m,) int64 positions of all rows but the held-out fifth, groups together."""
    test: Array
    """(s,) int64 ascending positions of held-out rows, at most `MOST_TEST`."""
    groups: Array | None = None
    seed: int = 0
    """Seed of whatever else is drawn in this repeat."""
    folds: int = FOLDS
    """Parts of the rows, of which it holds out one; fewer where there are few groups."""

    def subset(self, n: int, place: int = 0) -> Array:
        """The first n rows, or those after `place` times as many; the first whole groups nearby."""
        if self.groups is None:
            return self.order[place * n : (place + 1) * n]
        ends = np.flatnonzero(np.r_[np.diff(self.groups[self.order]) != 0, True]) + 1
        return self.order[: ends[np.argmin(np.abs(ends - n))]]


@dataclass(frozen=True, eq=False)
class Parts:
    """The rows of one anchor in one repeat, as positions in the table."""

    train: Array
    stop: Array
    """A tenth, at most 2,000: early stopping looks at them; learners without it train on them."""
    validation: Array
    """Another tenth, at most 2,000, that no fit sees: configurations are chosen on them."""
    test: Array


def repeats_of(data: Dataset, count: int, seed: int, most: int = MOST_TEST) -> list[Repeat]:
    """Assign the rows of a study to its repeats.

    Repeat r holds out fifth r; after five repeats the fifths are drawn anew. Groups stay whole;
    fewer than five are parts themselves. With times every repeat holds out the last fifth and
    shuffles the past anew.

    Args:
        data: The table.
        count: Repeats.
        seed: Of all shuffles.
        most: Test rows of a repeat at most.

    Raises:
        DataError: There are too few rows or groups.
    """
    found = []
    folds = make_split(data, FOLDS, seed).n_folds
    for repeat in range(count):
        split = make_split(data, FOLDS, _seed(seed, 0, repeat // folds))
        fold = repeat % split.n_folds
        own_seed = _seed(seed, 1, repeat)
        order = make_split(data, FOLDS, own_seed).order
        place = split.fold_of[order]
        held = split.validation(fold)
        rng = np.random.default_rng([seed, repeat if folds > 1 else 0])
        test = np.sort(rng.permutation(held)[:most])
        own = order[(place != fold) & (place != LEFT_OUT)]
        parts = folds if folds > 1 else FOLDS
        found.append(Repeat(own, test, data.groups, own_seed, parts))
    return found


def _seed(*parts: int) -> int:
    """A seed that no other parts give."""
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


def anchors_of(rows: int, count: int, classes: int) -> tuple[int, ...]:
    """Row counts of a study, ascending: ceil(N 2^(-k/2)).

    None has fewer than max(200, 10 x classes) rows, but for small tables, which keep three.

    Args:
        rows: Rows that every repeat can train on.
        count: Anchors at most.
        classes: Of the target; 0 for numbers.

    Raises:
        DataError: There are too few rows for two anchors.
    """
    floor = max(FEW, 10 * classes)
    every = [math.ceil(rows * 2.0 ** (-k / 2)) for k in range(count)]
    kept = [n for k, n in enumerate(every) if n >= floor or k < FEWEST_ANCHORS]
    if min(kept) < 2 * TENTH:
        msg = f"The table has {rows:,} rows to train on, too few for a study of scaling."
        raise DataError(msg)
    return tuple(sorted(set(kept)))


def whole_groups(
    repeats: Sequence[Repeat], asked: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Anchors at which every repeat has other groups, and their rows, the mean over the repeats.

    Args:
        repeats: With groups.
        asked: Rows that the anchors would have without.

    Raises:
        DataError: The groups are too large for two anchors.
    """
    kept: list[int] = []
    rows: list[Array] = []
    for n in reversed(asked):
        own = np.array([len(repeat.subset(n)) for repeat in repeats])
        if not rows or (own < rows[-1]).all():
            kept.append(n)
            rows.append(own)
    if len(kept) < 2:
        msg = "The groups are too large for a study of scaling: whole groups give one size only."
        raise DataError(msg)
    return tuple(kept[::-1]), tuple(round(float(own.mean())) for own in rows[::-1])


def parts_of(repeat: Repeat, n: int, place: int = 0) -> Parts:
    """Part the rows of one anchor: of every ten (or ten groups) one stops early, one validates.

    Fewer than ten groups are parted by rows. Of a group with more rows than may stop early or
    validate, the others take no part.

    Args:
        repeat: The repeat.
        n: Rows of the subset, all parts together.
        place: 0 for the nested subset, above for others that share no rows with it.
    """
    rows = repeat.subset(n, place)
    units = np.arange(len(rows))
    if repeat.groups is not None:
        codes = repeat.groups[rows]
        number = np.cumsum(np.r_[False, codes[1:] != codes[:-1]])
        units = number if number[-1] + 1 >= TENTH else units
    stop, validation = (_every_tenth(units, at) for at in (TENTH // 2 - 1, TENTH - 1))
    apart = np.isin(units, units[stop | validation])
    return Parts(rows[~apart], rows[stop], rows[validation], repeat.test)


def _every_tenth(units: Array, at: int) -> Array:
    """(n,) bool: the units at a place of every ten, `MOST_STOP_ROWS` rows at most."""
    mask = units % TENTH == at
    return mask & (np.cumsum(mask) <= MOST_STOP_ROWS)


def fingerprint(repeats: list[Repeat]) -> str:
    """Sixteen hex digits that change with any row's place."""
    arrays = [rows for repeat in repeats for rows in (repeat.order, repeat.test)]
    return digits(np.ascontiguousarray(rows).tobytes() for rows in arrays)
