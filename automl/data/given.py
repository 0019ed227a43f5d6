"""Tables and targets as people hand them over in Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from automl.errors import UsageError
from automl.text import first_line, listed

if TYPE_CHECKING:
    from collections.abc import Collection


class Given(NamedTuple):
    """The input of a fit."""

    source: Any
    """A path or the name of a data set, or a DataFrame with the target in it."""
    target: str | None
    weight: str | None
    """Column of weights that came beside the table."""


def join_target(X: Any, y: Any, sample_weight: Any = None) -> Given:
    """The table with its target and its weights, and their names.

    Raises:
        UsageError: They do not fit together.
    """
    if isinstance(X, str | Path):
        if sample_weight is not None:
            msg = "with a path, name the column of weights: AutoML(weight=NAME)"
            raise UsageError(msg)
        if y is not None and not isinstance(y, str):
            msg = "with a path, y is the name of the target column"
            raise UsageError(msg)
        return Given(str(X), y, None)
    table, target, weight = as_table(X), None, None
    if y is None or _names_column(y, table):
        target = None if y is None else str(y)
    else:
        values = as_column(y)
        named = None if values.name is None else str(values.name).strip()
        table, target = _with_column(table, values, named or "target", "y")
    if sample_weight is not None:
        values = as_column(sample_weight, "sample_weight")
        table, weight = _with_column(table, values, "sample_weight", "sample_weight")
    return Given(table, target, weight)


def _names_column(y: Any, table: pd.DataFrame) -> bool:
    """Return whether y is a name rather than values."""
    if isinstance(y, str):
        return True
    columns: list[Any] = list(table.columns)
    return isinstance(y, int | tuple) and not isinstance(y, bool) and y in columns


def _with_column(
    table: pd.DataFrame, values: pd.Series[Any], name: str, what: str
) -> tuple[pd.DataFrame, str]:
    """The table with one more column, by a name that no other has."""
    if len(values) != len(table):
        msg = f"X has {len(table):,} rows and {what} has {len(values):,}; they must be the same"
        raise UsageError(msg)
    taken = {str(column).strip() for column in table.columns}
    while name in taken:
        name += "_"
    column = values.set_axis(table.index).rename(name)
    return pd.concat([table.set_axis(list(table.columns), axis=1), column], axis=1), name


def as_table(X: Any, names: Collection[Any] | None = None) -> pd.DataFrame:
    """Rows and columns of any common kind as a DataFrame.

    Args:
        X: A DataFrame of pandas or polars, a table of Arrow, a dict of columns, records, an
            array, a sparse matrix of SciPy, or a list of rows.
        names: Names of the columns where `X` has none, if it has as many; x0, x1, ... otherwise.

    Raises:
        UsageError: It is no table.
    """
    if isinstance(X, pd.DataFrame):
        return _dense(X)
    if isinstance(X, pd.Series):
        return X.to_frame()
    if hasattr(X, "to_pandas"):
        return as_table(X.to_pandas())
    if isinstance(X, dict) or _are_records(X):
        return _of_columns(X)
    array = X.toarray() if hasattr(X, "toarray") else X
    rows = isinstance(array, list | tuple) and all(map(_has_length, array))
    if not rows and not hasattr(array, "__array__"):
        array = np.empty(0)
    if rows:
        _check_widths(array)
    try:
        array = array if isinstance(array, np.ndarray) else pd.DataFrame(array).to_numpy()
    except ValueError:
        array = np.empty(0)
    if array.ndim != 2:
        msg = (
            f"X must be a table, rows by columns; it is {_told(X)}: give a DataFrame, a "
            "two-dimensional array or a path"
        )
        raise UsageError(msg)
    width = array.shape[1]
    if names is None or len(names) != width:
        names = [f"x{i}" for i in range(width)]
    return pd.DataFrame(array, columns=list(names)).infer_objects()


def _of_columns(X: Any) -> pd.DataFrame:
    try:
        return pd.DataFrame(X)
    except ValueError as error:
        msg = f"X must be a table, rows by columns, but pandas says: {first_line(error)}"
        raise UsageError(msg) from None


def _check_widths(rows: Collection[Any]) -> None:
    widths = sorted({len(row) for row in rows})
    if len(widths) > 1:
        told = listed(map(str, widths[:5]), "or")
        msg = f"X must be a table, rows by columns; its rows have {told} values"
        raise UsageError(msg)


def _told(X: Any) -> str:
    dimensions = getattr(X, "ndim", None)
    kind = type(X).__name__
    return kind if dimensions is None else f"{kind} of {dimensions} dimensions"


def _are_records(X: Any) -> bool:
    if isinstance(X, np.ndarray):
        return X.dtype.names is not None
    return isinstance(X, list) and bool(X) and isinstance(X[0], dict)


def _dense(table: pd.DataFrame) -> pd.DataFrame:
    """The table with sparse columns filled."""
    sparse = [isinstance(dtype, pd.SparseDtype) for dtype in table.dtypes]
    if not any(sparse):
        return table
    filled = [
        table.iloc[:, i].astype(table.dtypes.iloc[i].subtype) if it else table.iloc[:, i]
        for i, it in enumerate(sparse)
    ]
    return pd.concat(filled, axis=1).set_axis(table.columns, axis=1)


def as_column(y: Any, what: str = "y") -> pd.Series[Any]:
    """One value a row, of any common kind, as a Series.

    Raises:
        UsageError: There is more than one value a row, or there are no rows.
    """
    if hasattr(y, "to_pandas"):
        y = y.to_pandas()
    if isinstance(y, pd.DataFrame):
        if y.shape[1] == 1:
            return y.iloc[:, 0]
        y = y.to_numpy()
    if isinstance(y, pd.Series):
        return y.astype(y.dtype.subtype) if isinstance(y.dtype, pd.SparseDtype) else y
    if isinstance(y, pd.Index | pd.api.extensions.ExtensionArray):
        return pd.Series(y)
    if isinstance(y, list | tuple | range) and not any(map(_has_length, y)):
        return pd.Series(list(y))  # an array of 1 and "a" would hold two strings
    array = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        shape = " by ".join(map(str, array.shape)) or "one value"
        msg = f"{what} must be one column, with one value a row; it is {shape}"
        cure = ": fit one AutoML for each target" if array.ndim == 2 and what == "y" else ""
        raise UsageError(msg + cure)
    return pd.Series(array)


def _has_length(value: Any) -> bool:
    return isinstance(value, list | tuple | np.ndarray)
