"""Made-up rows: real ones with some columns drawn anew, to measure how tight a detector is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from automl.types import Array

COLUMNS = 5
"""Columns of a row that are drawn anew: the size of Goix's feature samples."""
ROWS = 1_000
"""Made-up rows a fold: a volume of 0.1 is known to 0.01."""


@dataclass(frozen=True, eq=False)
class MadeUp:
    """Made-up rows and the folds and halves that they are scored with."""

    X: pd.DataFrame
    """Typed as `Dataset.X`."""
    fold: Array
    """(m,) int16."""
    half: Array
    """(m,) int8."""

    def of(self, fold: int) -> pd.DataFrame:
        """The rows that are scored with a fold."""
        return self.X[self.fold == fold]


def make_up(X: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """Rows of a table with up to five columns each drawn uniformly over what the column holds.

    Uniform rows fill the space whose volume the mass-volume curve measures. In many dimensions
    they are all far from the data and tell detectors apart no more; Goix (2016, arXiv
    1607.01152) therefore fits anew on samples of five columns. Here the detector stays as it
    is and only five columns of a real row move: the volume is that of a random slice through
    its level set. Up to five columns this is the curve's own definition.

    Args:
        X: (n, d) typed rows.
        rows: How many to make.
        seed: Seeds what is drawn.

    Returns:
        (rows, d), of the same types; missing values are drawn over.
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    base = X.iloc[rng.integers(0, len(X), rows)].reset_index(drop=True)
    width = X.shape[1]
    anew = rng.random((rows, width)).argsort(axis=1) < min(COLUMNS, width)
    parts = {
        name: base[name].where(~anew[:, j], _drawn(X[name], rows, rng))
        for j, name in enumerate(X.columns)
    }
    return pd.DataFrame(parts, columns=X.columns).astype(X.dtypes.to_dict())


def make_up_folds(X: pd.DataFrame, fold_of: Array, seed: int) -> MadeUp:
    """The made-up rows of every fold, made from the rows that validate it."""
    import pandas as pd

    folds = range(int(fold_of.max()) + 1)
    parts = [make_up(X[fold_of == fold], ROWS, seed + fold) for fold in folds]
    number = np.arange(len(folds) * ROWS)
    made = pd.concat(parts, ignore_index=True).astype(X.dtypes.to_dict())
    return MadeUp(made, (number // ROWS).astype(np.int16), (number % 2).astype(np.int8))


def _drawn(column: pd.Series[Any], rows: int, rng: np.random.Generator) -> pd.Series[Any]:
    """Values over the range of a number or date, or over the levels of a category; any text."""
    import pandas as pd

    held = column.dropna()
    if held.empty:
        return pd.Series([None] * rows, dtype=column.dtype)
    if isinstance(column.dtype, pd.CategoricalDtype):
        levels = held.cat.remove_unused_categories().cat.categories
        drawn = levels[rng.integers(0, len(levels), rows)]
        return pd.Series(pd.Categorical(drawn, dtype=column.dtype))
    if pd.api.types.is_string_dtype(column.dtype):
        return held.iloc[rng.integers(0, len(held), rows)].reset_index(drop=True)
    low, high = held.min(), held.max()
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return pd.Series(low + (high - low) * rng.random(rows)).astype(column.dtype)
    numbers = low + (high - low) * rng.random(rows)
    whole = bool((held % 1 == 0).all())
    return pd.Series(np.round(numbers) if whole else numbers)
