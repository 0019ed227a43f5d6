"""Axes along which rows are corrupted or thinned out: noise, gaps, columns, levels, trials."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from automl.errors import DataError
from automl.rows.axes.base import AllRowsAxis
from automl.rows.cells import CellRows
from automl.types import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from automl.rows.repeats import Repeat
    from automl.types import Array, Cell, Dataset

STREAM = 29
"""Sets the random numbers of corruption apart from others that a repeat's seed draws."""
WORST = 40.0
"""Percent of labels or values corrupted at the highest level: more than half of a binary target's
labels would turn it round."""
MOST_NOISE = 4
"""Noise columns at the highest level, as a multiple of the features."""
FEWEST_FEATURES = 4
FEWEST_LEVELS = 4


class CorruptionAxis(AllRowsAxis):
    """All rows of every repeat, corrupted more and more."""

    def __init__(
        self,
        data: Dataset,
        repeats: Sequence[Repeat],
        levels: Sequence[float],
        change: Callable[[CellRows, float, Array], CellRows],
        unit: str,
    ) -> None:
        """Set the axis up.

        Args:
            data: The table.
            repeats: Of the study.
            levels: Values, ascending.
            change: Maps the rows as they are, a level's value and a seed to corrupted rows; the
                seed is one a repeat, so that corruption is nested.
            unit: What the values count, in words.
        """
        super().__init__(data, repeats, levels)
        self._change = change
        self._unit = unit

    def rows(self, cell: Cell) -> CellRows:
        seed = np.array([STREAM, self._repeats[cell.repeat].seed])
        return self._change(super().rows(cell), self.levels[cell.level], seed)

    def label(self, level: int) -> str:
        return f"{self.levels[level]:.3g} {self._unit}"


def geometric(most: float, anchors: int) -> list[float]:
    """Values ascending to `most`, two a doubling."""
    return [most * 2.0 ** (-k / 2) for k in reversed(range(anchors))]


def whole_numbers(most: int, anchors: int, least: int = 1) -> list[float]:
    """Whole numbers ascending to `most`, about two a doubling, each once."""
    return sorted({float(max(least, math.ceil(v))) for v in geometric(most, anchors)})


# ---------------------------------------------------------------------------- labels


def label_noise(data: Dataset, repeats: Sequence[Repeat], anchors: int) -> CorruptionAxis:
    """Percent of the labels inside n that are wrong; those that score stay right."""
    return CorruptionAxis(
        data, repeats, geometric(WORST, anchors), _wrong_labels, "% of the training labels wrong"
    )


def _wrong_labels(rows: CellRows, percent: float, seed: Array) -> CellRows:
    rng = np.random.default_rng(seed)
    every = np.concatenate([rows.y, rows.validation_y])
    hit = rng.random(len(every)) < percent / 100
    if rows.schema.task == "regression":
        wrong = rng.permutation(every)
    else:
        classes = len(rows.schema.classes)
        wrong = (every + rng.integers(1, classes, len(every))) % classes
    mixed = np.where(hit, wrong, every)
    return replace(rows, y=mixed[: len(rows.y)], validation_y=mixed[len(rows.y) :])


# ---------------------------------------------------------------------------- gaps


def missingness(data: Dataset, repeats: Sequence[Repeat], anchors: int) -> CorruptionAxis:
    """Percent of all values that are blanked, completely at random, in every row."""
    return CorruptionAxis(data, repeats, geometric(WORST, anchors), _gaps, "% of the cells blanked")


def _gaps(rows: CellRows, percent: float, seed: Array) -> CellRows:
    rng = np.random.default_rng(seed)

    def blank(X: pd.DataFrame) -> pd.DataFrame:
        hit = rng.random(X.shape, dtype=np.float32) < percent / 100
        columns = {name: X[name].mask(hit[:, at]) for at, name in enumerate(X.columns)}
        return pd.DataFrame(columns, index=X.index)

    return _every_row(rows, blank)


def missing_by_value(data: Dataset, repeats: Sequence[Repeat], anchors: int) -> CorruptionAxis:
    """Percent of all values that are blanked, large numbers and rare levels sooner."""
    unit = "% of the cells blanked by their value"
    return CorruptionAxis(data, repeats, geometric(WORST, anchors), _selective_gaps, unit)


def _selective_gaps(rows: CellRows, percent: float, seed: Array) -> CellRows:
    """Blank values not at random: the chance grows with a value's place among the others."""
    rng = np.random.default_rng(seed)
    places = {name: _places(rows.X[name]) for name in rows.X.columns}

    def blank(X: pd.DataFrame) -> pd.DataFrame:
        drawn = rng.random(X.shape, dtype=np.float32)
        columns = {
            name: X[name].mask(drawn[:, at] < percent / 50 * places[name](X[name]))
            for at, name in enumerate(X.columns)
        }
        return pd.DataFrame(columns, index=X.index)

    return _every_row(rows, blank)


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


def features(data: Dataset, repeats: Sequence[Repeat], anchors: int) -> CorruptionAxis:
    """Feature columns, nested: a random order of them in every repeat.

    Raises:
        DataError: There are fewer than four.
    """
    count = data.X.shape[1]
    if count < FEWEST_FEATURES:
        msg = f"the table has {count} feature columns; a study of them needs {FEWEST_FEATURES}"
        raise DataError(msg)
    return CorruptionAxis(data, repeats, whole_numbers(count, anchors), _columns, "feature columns")


def _columns(rows: CellRows, count: float, seed: Array) -> CellRows:
    order = np.random.default_rng(seed).permutation(rows.X.shape[1])
    kept = [str(rows.X.columns[at]) for at in sorted(order[: int(count)])]
    columns = tuple(c for c in rows.schema.columns if c.name in kept)
    narrow = replace(rows, schema=replace(rows.schema, columns=columns))
    return _every_row(narrow, lambda X: X[kept])


def noise_columns(data: Dataset, repeats: Sequence[Repeat], anchors: int) -> CorruptionAxis:
    """Columns of standard normal noise that are added."""
    most = MOST_NOISE * data.X.shape[1]
    return CorruptionAxis(data, repeats, whole_numbers(most, anchors), _noise, "noise columns")


def _noise(rows: CellRows, count: float, seed: Array) -> CellRows:
    rng = np.random.default_rng(seed)
    taken = set(map(str, rows.X.columns)) | {c.name for c in rows.schema.columns}
    names = [f"noise {at}" for at in range(int(count) + len(taken))]
    names = [name for name in names if name not in taken][: int(count)]
    added = tuple(Column(name, "number", "noise added by the study") for name in names)
    wide = replace(rows, schema=replace(rows.schema, columns=rows.schema.columns + added))

    def widen(X: pd.DataFrame) -> pd.DataFrame:
        noise = rng.standard_normal((len(names), len(X))).T
        return pd.concat([X, pd.DataFrame(noise, index=X.index, columns=names)], axis=1)

    return _every_row(wide, widen)


# ---------------------------------------------------------------------------- levels


def cardinality(data: Dataset, repeats: Sequence[Repeat], anchors: int) -> CorruptionAxis:
    """Levels that a category may have at most; the rarer ones become one.

    Raises:
        DataError: No category has more than four levels.
    """
    most = max((c.levels for c in data.schema.features if c.kind == "category"), default=0)
    if most <= FEWEST_LEVELS:
        msg = f"no category column has more than {FEWEST_LEVELS} levels, so none can be merged"
        raise DataError(msg)
    return CorruptionAxis(
        data, repeats, whole_numbers(most, anchors, 2), _merged, "levels of a category"
    )


def _merged(rows: CellRows, count: float, seed: Array) -> CellRows:
    """Merge the levels that are rare among the training rows."""
    del seed
    kept: dict[str, list[object]] = {}
    for column in rows.schema.features:
        if column.kind == "category":
            ranked = rows.X[column.name].value_counts()
            if (ranked > 0).sum() > count:
                kept[column.name] = list(ranked.index[: int(count)])

    def merge(X: pd.DataFrame) -> pd.DataFrame:
        return X.assign(**{name: _merge(X[name], levels) for name, levels in kept.items()})

    return _every_row(rows, merge)


def _merge(values: pd.Series, kept: list[object]) -> pd.Series:
    """The values with all levels but the first ones turned into the last one kept."""
    plain = values.astype(object)
    merged = plain.where(plain.isin(kept) | plain.isna(), kept[-1])
    return merged.astype(pd.CategoricalDtype(kept))


# ---------------------------------------------------------------------------- trials


class TrialsAxis(AllRowsAxis):
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


def _every_row(rows: CellRows, change: Callable[[pd.DataFrame], pd.DataFrame]) -> CellRows:
    X, validation_X = change(rows.X), change(rows.validation_X)
    test_X = None if rows.test_X is None else change(rows.test_X)
    return replace(rows, X=X, validation_X=validation_X, test_X=test_X)
