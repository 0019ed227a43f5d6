"""Sentences on images that are missing, damaged or were changed to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from automl.data.images.pictures import UNREADABLE, ImageArray, ImageDtype, Oddity
from automl.text import counted, listed

if TYPE_CHECKING:
    import pandas as pd

    from automl.types import Array, Column, Schema

FAULTS = {
    Oddity.UNNAMED: "without a value",
    Oddity.ABSENT: "without a file",
    Oddity.DAMAGED: "that cannot be read as images",
}
CHANGES = {
    Oddity.RESIZED: "brought to this size",
    Oddity.ANIMATED: "of which the first frame was taken",
    Oddity.DEEP: "of 16 bits or more brought to 8",
    Oddity.SEE_THROUGH: "laid on white where they can be seen through",
}


def remarks(schema: Schema, table: pd.DataFrame, X: pd.DataFrame) -> list[str]:
    """One sentence for each column of images in which some are missing or were changed.

    Args:
        schema: Of the table.
        table: As read.
        X: Its typed features.
    """
    said = []
    for column in (c for c in schema.features if c.kind == "image" and c.name in X):
        array = X[column.name].array
        if not isinstance(array, ImageArray) or _was_read(table, column):
            continue  # told when it was read
        cells = None if column.sources else _cells(table, column.name, X)
        if text := _sentence(column.name, array.oddities, cells):
            said.append(text)
    return said


def _was_read(table: pd.DataFrame, column: Column) -> bool:
    return column.name in table and isinstance(table[column.name].dtype, ImageDtype)


def _cells(table: pd.DataFrame, name: str, X: pd.DataFrame) -> list[str]:
    """The cells of a column for the rows of X, whose index counts those of the table."""
    place = [str(c).strip() for c in table.columns].index(name)
    return [str(cell) for cell in table.iloc[np.asarray(X.index), place]]


def _sentence(name: str, oddities: Array, cells: list[str] | None) -> str:
    """The counts of a column, with one file as an example of each fault."""
    parts = []
    for one, words in (FAULTS | CHANGES).items():
        rows = np.flatnonzero(oddities & one)
        if len(rows):
            named = one in (Oddity.ABSENT, Oddity.DAMAGED) and cells
            example = f" (such as {cells[rows[0]]})" if named and cells else ""
            parts.append(f"{len(rows):,} {words}{example}")
    if not parts:
        return ""
    lost = (oddities & UNREADABLE).any()
    filled = "; in place of a missing image learners get the mean image" if lost else ""
    return f"Of the {counted(len(oddities), 'image')} of {name}: {listed(parts)}{filled}."
