"""Sentences on images that are missing, damaged or were changed to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from automl.data.images.pictures import ImageArray, Oddity
from automl.text import counted, listed

if TYPE_CHECKING:
    import pandas as pd

    from automl.types import Array, Schema

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
    for column in (c for c in schema.features if c.kind == "image"):
        array = X[column.name].array
        assert isinstance(array, ImageArray)  # noqa: S101 - `to_features` made it
        cells = None if column.sources else _cells(table, column.name, X)
        if text := _sentence(column.name, array.oddities, cells):
            said.append(text)
    return said


def _cells(table: pd.DataFrame, name: str, X: pd.DataFrame) -> list[str]:
    """The cells of a column for the rows of X, whose index counts those of the table."""
    place = [str(c).strip() for c in table.columns].index(name)
    return [str(cell) for cell in table.iloc[np.asarray(X.index), place]]


def _sentence(name: str, oddities: Array, cells: list[str] | None) -> str:
    """The counts of a column, with one file as an example of each fault."""
    parts = []
    for kinds, lost in ((FAULTS, True), (CHANGES, False)):
        for one, words in kinds.items():
            rows = np.flatnonzero(oddities & one)
            if len(rows):
                named = lost and cells is not None and one != Oddity.UNNAMED
                example = f" (such as {cells[rows[0]]})" if named and cells else ""
                parts.append(f"{len(rows):,} {words}{example}")
    if not parts:
        return ""
    lost = int(np.count_nonzero(oddities & (Oddity.UNNAMED | Oddity.ABSENT | Oddity.DAMAGED)))
    filled = "; in place of a missing image learners get the mean image" if lost else ""
    return f"Of the {counted(len(oddities), 'image')} of {name}: {listed(parts)}{filled}."
