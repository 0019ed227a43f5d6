"""Guess the target of a table when nobody named it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.data.schema_columns import judge_columns
from automl.data.words import TARGET_NAMES, names_a_target
from automl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from automl.types import Column


def guess_target(table: pd.DataFrame) -> tuple[str, str]:
    """The column that is most likely the target, and why.

    A column that the source names as target, else one called target, label, class, y, ..., else
    one with such a word in its name, else the last column that can be a target.

    Raises:
        DataError: If no column can be one.
    """
    named = table.attrs.get("target")
    if named in table.columns:
        return str(named), "the source of the data names it"
    lower = {str(c).strip().lower(): str(c).strip() for c in table.columns}
    for name in TARGET_NAMES:
        if name in lower:
            return lower[name], f"it is called {lower[name]}"
    hinted = [name for name in lower.values() if names_a_target(name)]
    for name in reversed(hinted):
        if _can_be_target(*judge_columns(table[[_original(table, name)]])):
            return name, f"of all columns its name sounds most like a target, {name}"
    return _last(table)


def _original(table: pd.DataFrame, name: str) -> object:
    return next(c for c in table.columns if str(c).strip() == name)


def _last(table: pd.DataFrame) -> tuple[str, str]:
    for original in reversed(list(table.columns)):
        column = judge_columns(table[[original]])[0]
        if _can_be_target(column):
            return column.name, "it is the last column that can be a target"
    msg = "No column can be a target: each is constant, an id, text or mostly missing."
    raise DataError(msg)


def _can_be_target(column: Column) -> bool:
    return column.kind in ("number", "category") and column.missing < 0.2 and column.levels >= 2
