"""Axes along which the same rows get worse or better: noise, gaps, columns, levels, trials."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from automl.errors import DataError
from automl.types import Column
from automl.workflow.study.axes import AllRows, Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from automl.types import Array, Dataset
    from automl.workflow.study.design import Repeat

WORST = 40.0
"""Percent of labels or cells spoilt at the highest level."""
MOST_NOISE = 4
"""Noise columns at the highest level, as a multiple of the features."""
FEWEST_FEATURES = 4
FEWEST_LEVELS = 4


class Spoilt(AllRows):
    """All rows of every repeat, changed more and more."""

    def __init__(
        self,
        data: Dataset,
        repeats: Sequence[Repeat],
        levels: Sequence[float],
        change: Callable[[Cell, float, Array], Cell],
        unit: str,
    ) -> None:
        """Set the axis up.

        Args:
            data: The table.
            repeats: Of the study.
            levels: Values, ascending.
            change: Changes a cell: the cell as it is, the value, and a seed that is the same at
                every value, so that changes are nested.
            unit: What the values count, in words.
        """
        super().__init__(data, repeats, levels)
        self._change = change
        self._unit = unit

    def cell(self, repeat: int, level: int) -> Cell:
        seed = np.array([29, self._repeats[repeat].seed])
        return self._change(super().cell(repeat, level), self.levels[level], seed)

    def label(self, level: int) -> str:
        return f"{self.levels[level]:.3g} {self._unit}"


def geometric(most: float, anchors: int) -> list[float]:
    """Values ascending to `most`, two a doubling."""
    return [most * 2.0 ** (-k / 2) for k in reversed(range(anchors))]


def whole_numbers(most: int, anchors: int, least: int = 1) -> list[float]:
    """The same in whole numbers, each once."""
    return sorted({float(max(least, math.ceil(v))) for v in geometric(most, anchors)})


# ---------------------------------------------------------------------------- labels


def label_noise(data: Dataset, repeats: Sequence[Repeat], anchors: int) -> Spoilt:
    """Percent of the labels inside n that are wrong; those that score stay right."""
    return Spoilt(
        data, repeats, geometric(WORST, anchors), _wrong_labels, "% of the training labels wrong"
    )


def _wrong_labels(cell: Cell, percent: float, seed: Array) -> Cell:
    rng = np.random.default_rng(seed)
    every = np.concatenate([cell.y, cell.choose_y])
    hit = rng.random(len(every)) < percent / 100
    if cell.schema.task == "regression":
        wrong = rng.permutation(every)
    else:
        classes = len(cell.schema.classes)
        wrong = (every + rng.integers(1, classes, len(every))) % classes
    mixed = np.where(hit, wrong, every)
    return replace(cell, y=mixed[: len(cell.y)], choose_y=mixed[len(cell.y) :])


# ---------------------------------------------------------------------------- gaps


def missingness(data: Dataset, repeats: Sequence[Repeat], anchors: int) -> Spoilt:
    """Percent of all cells that are blanked, completely at random, in every row."""
    return Spoilt(data, repeats, geometric(WORST, anchors), _gaps, "% of the cells blanked")


def _gaps(cell: Cell, percent: float, seed: Array) -> Cell:
    rng = np.random.default_rng(seed)

    def blank(X: pd.DataFrame) -> pd.DataFrame:
        hit = rng.random(X.shape, dtype=np.float32) < percent / 100
        columns = {name: X[name].mask(hit[:, at]) for at, name in enumerate(X.columns)}
        return pd.DataFrame(columns, index=X.index)

    return _every_row(cell, blank)


def missing_by_value(data: Dataset, repeats: Sequence[Repeat], anchors: int) -> Spoilt:
    """Percent of all cells that are blanked: the larger a number, the rarer a level, the sooner."""
    unit = "% of the cells blanked by their value"
    return Spoilt(data, repeats, geometric(WORST, anchors), _selective_gaps, unit)


def _selective_gaps(cell: Cell, percent: float, seed: Array) -> Cell:
    """Not at random: a cell is blanked with a chance that grows with its place among the others."""
    rng = np.random.default_rng(seed)
    places = {name: _places(cell.X[name]) for name in cell.X.columns}

    def blank(X: pd.DataFrame) -> pd.DataFrame:
        drawn = rng.random(X.shape, dtype=np.float32)
        columns = {
            name: X[name].mask(drawn[:, at] < percent / 50 * places[name](X[name]))
            for at, name in enumerate(X.columns)
        }
        return pd.DataFrame(columns, index=X.index)

    return _every_row(cell, blank)


def _places(known: pd.Series) -> Callable[[pd.Series], Array]:
    """Values -> (n,) places from 0 to 1 among the known ones; 1/2 where there is no order."""
    if isinstance(known.dtype, pd.CategoricalDtype):
        shares = known.value_counts(normalize=True)
        middle = shares.cumsum() - shares / 2
        return lambda values: values.astype(object).map(middle).fillna(1.0).to_numpy(np.float64)
    if pd.api.types.is_numeric_dtype(known) or pd.api.types.is_datetime64_any_dtype(known):
        ascending = np.sort(known.dropna().to_numpy())
        return lambda values: _middle(ascending, values.to_numpy()) / max(len(ascending), 1)
    return lambda values: np.full(len(values), 0.5)


def _middle(ascending: Array, values: Array) -> Array:
    """(n,) places of values; those that are equal share the middle of theirs."""
    first, last = (np.searchsorted(ascending, values, side) for side in ("left", "right"))
    return np.asarray((first + last) / 2)


# ---------------------------------------------------------------------------- columns


def features(data: Dataset, repeats: Sequence[Repeat], anchors: int) -> Spoilt:
    """Feature columns, nested: a random order of them in every repeat.

    Raises:
        DataError: There are fewer than four.
    """
    count = data.X.shape[1]
    if count < FEWEST_FEATURES:
        msg = f"the table has {count} feature columns; a study of them needs {FEWEST_FEATURES}"
        raise DataError(msg)
    return Spoilt(data, repeats, whole_numbers(count, anchors), _columns, "feature columns")


def _columns(cell: Cell, count: float, seed: Array) -> Cell:
    order = np.random.default_rng(seed).permutation(cell.X.shape[1])
    kept = [str(cell.X.columns[at]) for at in sorted(order[: int(count)])]
    columns = tuple(c for c in cell.schema.columns if c.name in kept)
    narrow = replace(cell, schema=replace(cell.schema, columns=columns))
    return _every_row(narrow, lambda X: X[kept])


def noise_columns(data: Dataset, repeats: Sequence[Repeat], anchors: int) -> Spoilt:
    """Columns of standard normal noise that are added."""
    most = MOST_NOISE * data.X.shape[1]
    return Spoilt(data, repeats, whole_numbers(most, anchors), _noise, "noise columns")


def _noise(cell: Cell, count: float, seed: Array) -> Cell:
    rng = np.random.default_rng(seed)
    taken = set(map(str, cell.X.columns)) | {c.name for c in cell.schema.columns}
    names = [f"noise {at}" for at in range(int(count) + len(taken))]
    names = [name for name in names if name not in taken][: int(count)]
    added = tuple(Column(name, "number", "noise added by the study") for name in names)
    wide = replace(cell, schema=replace(cell.schema, columns=cell.schema.columns + added))

    def widen(X: pd.DataFrame) -> pd.DataFrame:
        noise = rng.standard_normal((len(names), len(X))).T
        return pd.concat([X, pd.DataFrame(noise, index=X.index, columns=names)], axis=1)

    return _every_row(wide, widen)


# ---------------------------------------------------------------------------- levels


def cardinality(data: Dataset, repeats: Sequence[Repeat], anchors: int) -> Spoilt:
    """Levels that a category may have at most; the rarer ones become one.

    Raises:
        DataError: No category has more than four levels.
    """
    most = max((c.levels for c in data.schema.features if c.kind == "category"), default=0)
    if most <= FEWEST_LEVELS:
        msg = f"no category column has more than {FEWEST_LEVELS} levels, so none can be merged"
        raise DataError(msg)
    return Spoilt(data, repeats, whole_numbers(most, anchors, 2), _merged, "levels of a category")


def _merged(cell: Cell, count: float, seed: Array) -> Cell:
    """Which levels are rare is told by the training rows."""
    del seed
    kept: dict[str, list[object]] = {}
    for column in cell.schema.features:
        if column.kind == "category":
            ranked = cell.X[column.name].value_counts()
            if (ranked > 0).sum() > count:
                kept[column.name] = list(ranked.index[: int(count)])

    def merge(X: pd.DataFrame) -> pd.DataFrame:
        return X.assign(**{name: _merge(X[name], levels) for name, levels in kept.items()})

    return _every_row(cell, merge)


def _merge(values: pd.Series, kept: list[object]) -> pd.Series:
    """The values with all levels but the first ones turned into the last one kept."""
    plain = values.astype(object)
    merged = plain.where(plain.isin(kept) | plain.isna(), kept[-1])
    return merged.astype(pd.CategoricalDtype(kept))


# ---------------------------------------------------------------------------- trials


class Trials(AllRows):
    """Configurations tried on all rows: the first b of one tuning are what b would have got."""

    def __init__(self, data: Dataset, repeats: Sequence[Repeat], anchors: int) -> None:
        self._counts = whole_numbers(round(2.0 ** ((anchors - 1) / 2)), anchors)
        self.trials = int(self._counts[-1])
        super().__init__(data, repeats, self._counts[-1:])

    def values(self, level: int, order: int) -> tuple[float, ...]:
        del level
        return tuple(count for count in self._counts if count > order)

    def label(self, level: int) -> str:
        return f"up to {self.levels[level]:.0f} configurations"


def _every_row(cell: Cell, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Cell:
    return replace(
        cell, X=change(cell.X), choose_X=change(cell.choose_X), scored_X=change(cell.scored_X)
    )
