"""Judge every column of a table, numbers in blocks and the rest one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from automl.data import parse
from automl.data.dates import compact_dates
from automl.data.numbers import NUMBER, find_codes, judge_number, profile_columns
from automl.data.strings import CATEGORY, judge_strings
from automl.types import Column

if TYPE_CHECKING:
    from collections.abc import Sequence


def judge_columns(frame: pd.DataFrame) -> list[Column]:
    """Decide how each column of a table is read, in the table's order."""
    numeric = [i for i, kind in enumerate(frame.dtypes) if _is_real(kind)]
    profiles = profile_columns(frame.iloc[:, numeric])
    columns: dict[int, Column] = {}
    for i, facts in zip(numeric, profiles, strict=True):
        columns[i] = judge_number(str(frame.columns[i]), facts, "as_is", NUMBER)
    for i in range(frame.shape[1]):
        if i not in columns:
            columns[i] = _judge_other(frame.iloc[:, i], str(frame.columns[i]))
    ordered = [columns[i] for i in range(frame.shape[1])]
    return _second_look(ordered, frame)


def _is_real(dtype: Any) -> bool:
    return bool(pd.api.types.is_numeric_dtype(dtype)) and not (
        pd.api.types.is_complex_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)
    )


def _second_look(columns: Sequence[Column], frame: pd.DataFrame) -> list[Column]:
    """What shows only beside the other columns, or only in the values of integers."""
    found = find_codes(columns, frame)
    for column in columns:
        if column.kind == "number" and column.parse == "as_is" and _eight_digits(frame, column):
            found[column.name] = replace(
                column, kind="datetime", parse="date:%Y%m%d", reason="dates written 20240131"
            )
    return [found.get(c.name, c) for c in columns]


def _eight_digits(frame: pd.DataFrame, column: Column) -> bool:
    if column.levels < 10 or not 19000101 <= frame[column.name].iloc[0] <= 21001231:
        return False
    values = frame[column.name].dropna().to_numpy(np.float64)
    return compact_dates(np.unique(values))


def _judge_other(series: pd.Series[Any], name: str) -> Column:
    """A column whose dtype is not a number."""
    dtype = series.dtype
    missing = float(series.isna().mean()) if len(series) else 0.0
    if pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return _plain(series, name, "datetime", "dates", "date:ISO8601")
    if pd.api.types.is_timedelta64_dtype(dtype):
        return _plain(series, name, "number", "durations in seconds", "duration")
    if pd.api.types.is_bool_dtype(dtype):
        return _plain(series, name, "number", "true/false as 1 and 0", "boolean")
    if isinstance(dtype, pd.CategoricalDtype):
        return _plain(series, name, "category", CATEGORY, "level")
    if _is_nested(series):
        return Column(name, "set_aside", "lists or records inside the cells", "text", missing)
    return judge_strings(series, name)


def _plain(series: pd.Series[Any], name: str, kind: Any, reason: str, rule: str) -> Column:
    levels, missing = int(series.nunique()), float(series.isna().mean())
    if levels == 0:
        kind, reason = "set_aside", "no value in any row"
    elif levels == 1 and missing == 0:
        kind, reason = "set_aside", "the same value in every row"
    return Column(name, kind, reason, rule, missing, levels)


def _is_nested(series: pd.Series[Any]) -> bool:
    if series.dtype != object:
        return False
    first = series.dropna().head(20)
    return any(isinstance(v, list | dict | tuple | set | np.ndarray) for v in first)
