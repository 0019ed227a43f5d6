"""Judge every column of a table, numbers in blocks and the rest one by one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from automl.data import parse
from automl.data.dates import as_compact_date, compact_form
from automl.data.frames import check_names
from automl.data.numbers import NUMBER, find_codes, judge_number, profile_columns, remark_on
from automl.data.strings import CATEGORY, judge_strings
from automl.text import counted
from automl.types import Column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.data.numbers import Profile


def named_by_strings(table: pd.DataFrame) -> pd.DataFrame:
    """The table with stripped string names and rows numbered from 0.

    Raises:
        DataError: If two columns share a name.
    """
    names = [str(c).strip() for c in table.columns]
    check_names(names, "The table")
    frame = table.set_axis(names, axis=1).reset_index(drop=True)
    if odd := [name for name, dtype in frame.dtypes.items() if isinstance(dtype, pd.ArrowDtype)]:
        frame = frame.assign(**{str(name): _without_arrow(frame[name]) for name in odd})
    frame.attrs = dict(table.attrs)
    return frame


def _without_arrow(series: pd.Series[Any]) -> pd.Series[Any]:
    """A column of an Arrow dtype as pandas has it by itself."""
    import pyarrow as pa

    dtype: Any = series.dtype
    kind = dtype.pyarrow_dtype
    zone = kind.tz if pa.types.is_timestamp(kind) else None
    wanted: dict[str, Any] = {
        "timedelta64[us]": pa.types.is_duration(kind),
        "datetime64[us]": pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and not zone),
        f"datetime64[us, {zone}]": zone is not None,
        "category": pa.types.is_dictionary(kind),
        "str": pa.types.is_string(kind) or pa.types.is_large_string(kind),
        "object": pa.types.is_time(kind) or pa.types.is_nested(kind) or pa.types.is_decimal(kind),
    }
    name = next((name for name, fits in wanted.items() if fits), None)
    return series if name is None else series.astype(pd.api.types.pandas_dtype(name))


def _of_objects(series: pd.Series[Any]) -> pd.Series[Any]:
    """A column of Python's time spans or periods as one of their dtype."""
    if series.dtype != object:
        return series
    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind == "timedelta":
        return pd.Series(pd.to_timedelta(series, errors="coerce"))
    if kind == "period":
        return pd.Series(pd.PeriodIndex(series))
    return series


def judge_columns(frame: pd.DataFrame) -> list[Column]:
    """Decide how each column of a table is read, in the table's order."""
    names, dtypes = list(frame.columns), list(frame.dtypes)
    numeric = [i for i, dtype in enumerate(dtypes) if _is_real(dtype)]
    profiles = dict(zip(numeric, profile_columns(frame.iloc[:, numeric]), strict=True))
    columns = [
        judge_number(names[i], profiles[i], "as_is", NUMBER)
        if i in profiles
        else _judge_other(frame.iloc[:, i], names[i])
        for i in range(len(names))
    ]
    by_name = {names[i]: facts for i, facts in profiles.items()}
    found = find_codes(columns, by_name, frame) | _find_compact_dates(columns, by_name, frame)
    remarked = {c.name for c in columns if c.name in by_name and c.reason == NUMBER} - set(found)
    return [
        replace(c, reason=NUMBER + remark_on(by_name[c.name], frame[c.name]))
        if c.name in remarked
        else found.get(c.name, c)
        for c in columns
    ]


@cache
def _is_real(dtype: Any) -> bool:
    return parse.is_number_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)


def _find_compact_dates(
    columns: Sequence[Column], profiles: Mapping[str, Profile], frame: pd.DataFrame
) -> dict[str, Column]:
    """Columns of integers such as 20240131, by name."""
    return {
        c.name: as_compact_date(c, form)
        for c in columns
        if c.kind == "number" and c.name in profiles
        if (form := compact_form(profiles[c.name].low, profiles[c.name].high, frame[c.name]))
    }


def _judge_other(series: pd.Series[Any], name: str) -> Column:
    """A column whose dtype is not a number."""
    series = _of_objects(series)
    dtype = series.dtype
    missing = float(series.isna().mean()) if len(series) else 0.0
    if pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        dates = parse.to_dates(series, "ISO8601")
        unreal = int(series.notna().sum() - dates.notna().sum())
        reason = (
            f"dates; {counted(unreal, 'row')} of years before 100 or after 9998 read as missing"
        )
        return _plain(dates, name, "datetime", reason if unreal else "dates", "date:ISO8601")
    if pd.api.types.is_timedelta64_dtype(dtype):
        return _plain(series, name, "number", "durations in seconds", "duration")
    if pd.api.types.is_bool_dtype(dtype):
        return _plain(series, name, "number", "true/false as 1 and 0", "boolean")
    if isinstance(dtype, pd.CategoricalDtype):
        return _plain(series, name, "category", CATEGORY, "level")
    if why := _why_no_words(series):
        return Column(name, "set_aside", why, "text", missing)
    return replace(judge_strings(series, name), as_text=True)


def _plain(series: pd.Series[Any], name: str, kind: Any, reason: str, rule: str) -> Column:
    levels, missing = int(series.nunique()), float(series.isna().mean())
    if levels == 0:
        kind, reason = "set_aside", "no value in any row"
    elif levels == 1 and missing == 0:
        kind, reason = "set_aside", "the same value in every row"
    return Column(name, kind, reason, rule, missing, levels)


def _why_no_words(series: pd.Series[Any]) -> str:
    """Why the values of a column are not to be spelled; empty if they may be."""
    first = series.dropna().head(20) if series.dtype.kind in "cO" else ()
    if any(isinstance(v, complex) for v in first):
        return "complex numbers; give their real and imaginary parts as two columns"
    nested = any(isinstance(v, list | dict | tuple | set | np.ndarray) for v in first)
    return "lists or records inside the cells" if nested else ""
