"""Guess the target of a table when nobody named it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.data.columns import judge_columns, named_by_strings
from automl.data.words import TARGET_NAMES, names_a_target, names_a_worth
from automl.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from automl.types import Column

_MOST_MISSING = 0.2


def guess_target(table: pd.DataFrame) -> tuple[str, str]:
    """The column that is most likely the target, and why.

    In this order: the column that the source names; one called target, label, class, y, ...;
    one with such a word in its name; a first column of two values when the last has more; the
    only column named as a price or value when the last holds words; the last that can be one.

    Raises:
        DataError: If no column can be one.
    """
    frame = named_by_strings(table)
    named = str(table.attrs.get("target", "")).strip()
    if named in frame.columns:
        return named, "the source of the data names it"
    return _by_name(frame) or _by_place(frame)


def labels_of(table: pd.DataFrame, drop: Sequence[str]) -> tuple[str | None, str]:
    """The labels that the source of a table names, for anomalies, and why; None for none."""
    named = str(table.attrs.get("target", "")).strip()
    if named in table.columns and named not in drop and table[named].nunique() == 2:
        return named, "the source of the data names it"
    return None, "no --target: nothing to score by"


def sounds_like_labels(names: Iterable[str]) -> str | None:
    """A column whose name is one that targets have; None if there is none."""
    return next((name for name in names if name.lower() in TARGET_NAMES), None)


def _by_name(frame: pd.DataFrame) -> tuple[str, str] | None:
    lower = {name.lower(): name for name in frame.columns}
    for known in TARGET_NAMES:
        name = lower.get(known)
        if name is not None and _judge(frame, name).kind in ("number", "category"):
            return name, f"it is called {name}"
    for name in [n for n in reversed(list(frame.columns)) if names_a_target(n)]:
        if _possible(_judge(frame, name)):
            return name, f"no other column's name sounds more like a target than {name}"
    return None


def _by_place(frame: pd.DataFrame) -> tuple[str, str]:
    columns = list(frame.columns)
    candidates = (_judge(frame, name) for name in reversed(columns))
    last = next((column for column in candidates if _possible(column)), None)
    if last is None:
        msg = (
            "No column can be the target: each is constant, an id, text or mostly missing; "
            "name one with --target."
        )
        raise DataError(msg)
    first = _judge(frame, columns[0])
    if _possible(first) and first.levels == 2 and last.levels > 2:
        return first.name, "it is the first column and has two values, and the last has more"
    worth = [name for name in columns if names_a_worth(name)]
    if last.kind == "category" and len(worth) == 1 and _possible(_judge(frame, worth[0])):
        return worth[0], f"it is the only column named like a price or value, {worth[0]}"
    return last.name, "it is the last column that can be a target"


def _judge(frame: pd.DataFrame, name: str) -> Column:
    return judge_columns(frame[[name]])[0]


def _possible(column: Column) -> bool:
    usable = column.kind in ("number", "category") and column.levels > 1
    return usable and column.missing < _MOST_MISSING
