"""Read a table as a schema says: at training time with its target, later without."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from automl.data import parse
from automl.data.columns import named_by_strings
from automl.data.images.pixels import to_images
from automl.data.images.remarks import remarks
from automl.data.readable import check_readable, may_be_unreadable, odd_values
from automl.data.saved import layout_of
from automl.data.target import encode_target
from automl.errors import DataError
from automl.types import Dataset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from automl.types import Array, Column, Schema

BLOCK_CELLS = 4_000_000
"""Cells of a block of rows, those that it is turned into counted: 32 MB each time they are held."""
LEAST_ROWS = 256
"""Rows of a block at least."""


def to_features(
    schema: Schema, table: pd.DataFrame, tell: Callable[[str], object] | None = None
) -> pd.DataFrame:
    """The schema's features of a raw table, typed; other columns are ignored.

    Args:
        schema: The schema of the training table.
        table: (n, d) raw table, columns in any order.
        tell: Is told of values that cannot be read as those of training, which become missing;
            None for the training table itself, whose schema says so.

    Returns:
        One column per feature in the schema's order: float64, `category`, datetime64[us] or `str`;
        the index counts rows from 0.

    Raises:
        DataError: Naming the columns that are missing, or one whose values cannot be read.
    """
    frame = _pick(schema, table)
    dtypes = dict(zip(frame.columns, frame.dtypes, strict=True))
    plain = [c.name for c in schema.features if _is_plain(c, dtypes.get(c.name))]
    parts: list[Any] = []
    if plain:
        parts += _numbers(frame, plain)
    chosen = set(plain)
    others = [c for c in schema.features if c.name not in chosen]
    parts += [_typed_or_images(column, frame) for column in others]
    names = [c.name for c in schema.features]
    typed = _joined(parts, names)
    if tell is not None:
        _judge(schema, frame, max(len(frame), 1), tell)
        for sentence in remarks(schema, frame, typed):
            tell(sentence)
    return typed if len(plain) == len(names) else typed[names]


def _joined(parts: list[Any], names: list[str]) -> pd.DataFrame:
    """Blocks and columns side by side; columns that stand alone are not copied into blocks."""
    if not isinstance(parts[0], pd.DataFrame):
        by_name = {part.name: part for part in parts}
        return pd.DataFrame({name: by_name[name] for name in names}, copy=False)
    return parts[0] if len(parts) == 1 else pd.concat(parts, axis=1)


def _numbers(frame: pd.DataFrame, names: list[str]) -> list[Any]:
    """Columns of numbers in one block; those of a large table one by one, not copied if need be."""
    if len(frame) < len(names) or len(frame) * len(names) <= BLOCK_CELLS:
        block = frame[names].to_numpy(np.float64, na_value=np.nan)
        return [pd.DataFrame(parse.finite(block), columns=names, copy=False)]
    columns = (frame[name].to_numpy(np.float64, na_value=np.nan) for name in names)
    return [
        pd.Series(parse.finite(values), name=name, copy=False)
        for name, values in zip(names, columns, strict=True)
    ]


def feature_blocks(
    schema: Schema,
    table: pd.DataFrame,
    outputs: int = 0,
    tell: Callable[[str], object] | None = None,
) -> Iterator[tuple[slice, pd.DataFrame]]:
    """The features of a raw table in blocks of rows, as `to_features` gives them.

    Args:
        schema: The schema of the training table.
        table: (n, d) raw table, columns in any order.
        outputs: Numbers that are computed for a row.
        tell: As for `to_features`; the whole table is judged, not a block of it.

    Yields:
        Rows of the table, and their features; one empty block of an empty table.

    Raises:
        DataError: Naming the columns that are missing, or one whose values cannot be read.
    """
    step = max(LEAST_ROWS, BLOCK_CELLS // (sum(map(_cells, schema.features)) + outputs))
    if step >= len(table):
        yield slice(0, len(table)), to_features(schema, table, tell)
        return
    if tell is not None:
        _judge(schema, named_by_strings(table), step, tell)
    for start in range(0, len(table), step):
        rows = slice(start, start + step)
        block = table.iloc[rows]
        typed = to_features(schema, block)
        if tell is not None:
            for sentence in remarks(schema, block, typed):
                tell(sentence)
        yield rows, typed


def with_images(schema: Schema, table: pd.DataFrame, tell: Callable[[str], object]) -> pd.DataFrame:
    """The table with the images of its files in place of their paths, to be read once only.

    Args:
        schema: The schema of the training table.
        table: (n, d) raw table.
        tell: Is told of those that cannot be read.
    """
    columns = [c for c in schema.features if c.kind == "image" and c.name in table.columns]
    paths = [c for c in columns if not c.sources]
    found = {c.name: pd.Series(to_images(c, table), index=table.index) for c in paths}
    if not found:
        return table
    numbered = pd.DataFrame({name: images.array for name, images in found.items()})
    for sentence in remarks(schema, table, numbered):
        tell(sentence)
    return table.assign(**found)


def _cells(column: Column) -> int:
    """Numbers that a row of a column is read as."""
    return prod(column.shape)


def _judge(schema: Schema, frame: pd.DataFrame, step: int, tell: Callable[[str], object]) -> None:
    """Tell of values that cannot be read as those of training, so many rows at a time."""
    for column in (one for one in schema.features if one.kind != "image" and one.name in frame):
        series = frame[column.name]
        if not may_be_unreadable(column, series):
            continue
        pieces = (series.iloc[start : start + step] for start in range(0, len(series), step))
        odd = [word for one in pieces for word in odd_values(column, one, _typed(column, one))]
        check_readable(column, odd, int(series.notna().sum()), tell)


def _pick(schema: Schema, table: pd.DataFrame) -> pd.DataFrame:
    frame = named_by_strings(table)
    have = set(frame.columns)
    wanted = [name for c in schema.features for name in c.raw]
    missing = [name for name in wanted if name not in have]
    if missing:
        shown = ", ".join(repr(m) for m in missing[:10])
        more = f" and {len(missing) - 10:,} more" if len(missing) > 10 else ""
        msg = f"The table lacks the columns {shown}{more}, which the model was trained on."
        raise DataError(msg)
    return frame[wanted]


def _is_plain(column: Column, dtype: Any) -> bool:
    return column.kind == "number" and column.parse == "as_is" and parse.is_number_dtype(dtype)


def _typed_or_images(column: Column, frame: pd.DataFrame) -> pd.Series[Any]:
    if column.kind == "image":
        return pd.Series(to_images(column, frame), name=column.name, index=frame.index)
    return _typed(column, frame[column.name]).rename(column.name)


def _typed(column: Column, series: pd.Series[Any]) -> pd.Series[Any]:
    rule, _, argument = column.parse.partition(":")
    if rule in ("as_is", "number") and not parse.is_number(series):
        comma = layout_of(series).decimal == ","
        return pd.Series(parse.to_numbers(series, "decimal_comma" if comma else "number"))
    if rule == "level":
        return parse.to_levels(series, argument)
    if rule == "text":
        return parse.to_text(series)
    if rule == "date":
        return parse.to_dates(series, argument)
    return pd.Series(parse.to_numbers(series, column.parse))


def to_dataset(
    schema: Schema, table: pd.DataFrame, tell: Callable[[str], object] | None = None
) -> Dataset:
    """Features and target of a raw table; rows without a known target stand apart.

    The index of `X` keeps the row numbers of the table, counted from 0. Rows without a target
    are left out where they might tell of rows that a fold validates: all with a time column,
    and those of groups that also have rows with a target. Where anomalies are looked for, rows
    without a label stay.

    Raises:
        DataError: If a column is missing, or no row has a known target.
    """
    names = {str(c).strip(): i for i, c in enumerate(table.columns)}
    y, known = _answers(schema, table, names)
    X = to_features(schema, table, tell)
    groups, times = _groups(schema, table, names), _times(schema, table, names)
    weights = _weights(schema, table, names)
    if schema.task == "anomaly" or (known.all() and weights is None):
        return Dataset(X, y, schema, groups, times)
    kept = known if weights is None else known & (weights > 0)  # of weight 0: as good as not there
    if not kept.any():
        msg = f"No row has a weight above 0 in {schema.weight!r}; name another column for --weight."
        raise DataError(msg)
    return Dataset(
        X[kept],
        y[kept],
        schema,
        None if groups is None else groups[kept],
        None if times is None else times[kept],
        unlabelled=_unlabelled(X, known, groups, times),
        weights=None if weights is None else weights[kept],
    )


def _unlabelled(
    X: pd.DataFrame, known: Array, groups: Array | None, times: Array | None
) -> pd.DataFrame | None:
    apart = ~known
    if groups is not None:
        apart &= ~np.isin(groups, groups[known])
    return X[apart] if times is None and apart.any() else None


def _answers(schema: Schema, table: pd.DataFrame, names: dict[str, int]) -> tuple[Array, Array]:
    """(n,) encoded targets, and which of them are known."""
    if schema.target is None:
        return np.full(len(table), -1, dtype=np.int64), np.zeros(len(table), dtype=bool)
    if schema.target not in names:
        msg = f"The table lacks the target column {schema.target!r}."
        raise DataError(msg)
    y, known = encode_target(schema, table.iloc[:, names[schema.target]])
    if not known.any():
        msg = f"No row has a known value of the target {schema.target!r}."
        raise DataError(msg)
    return y, known


def _raw(table: pd.DataFrame, names: dict[str, int], name: str, option: str) -> pd.Series[Any]:
    if name not in names:
        msg = f"The table lacks the column {name!r} given as {option}."
        raise DataError(msg)
    return table.iloc[:, names[name]].reset_index(drop=True)


def _groups(schema: Schema, table: pd.DataFrame, names: dict[str, int]) -> Array | None:
    """(n,) int64 group codes; a row without a group is one of its own."""
    if schema.group is None:
        return None
    codes, found = pd.factorize(_raw(table, names, schema.group, "--group"))
    codes = codes.astype(np.int64)
    alone = codes < 0
    codes[alone] = len(found) + np.arange(alone.sum())
    return codes


def weights_of(schema: Schema, table: pd.DataFrame) -> Array | None:
    """(n,) float64 weights of the rows of a raw table; None where it has none.

    Raises:
        DataError: If a weight is no number of at least 0.
    """
    return _weights(schema, table, {str(c).strip(): i for i, c in enumerate(table.columns)})


def _weights(schema: Schema, table: pd.DataFrame, names: dict[str, int]) -> Array | None:
    if schema.weight is None or schema.weight not in names:
        return None  # rows that only score need not have the column
    series = _raw(table, names, schema.weight, "--weight")
    weights = parse.to_numbers(series, "number")
    wrong = ~(weights >= 0)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        msg = (
            f"The column {schema.weight!r} given as --weight has {series[row]!r} in row {row + 1}; "
            "a weight is a number of at least 0."
        )
        raise DataError(msg)
    return weights


def _times(schema: Schema, table: pd.DataFrame, names: dict[str, int]) -> Array | None:
    """(n,) int64 ranks of the moments, equal moments alike.

    Raises:
        DataError: If a row has no time.
    """
    if schema.time is None:
        return None
    series = _raw(table, names, schema.time, "--time")
    column = next(c for c in schema.columns if c.name == schema.time)
    typed = _typed(column, series)
    if typed.isna().any():
        msg = (
            f"The column {schema.time!r} given as --time has {int(typed.isna().sum()):,} rows "
            "without a readable time; fill them or leave out --time."
        )
        raise DataError(msg)
    return np.unique(typed.to_numpy(), return_inverse=True)[1].astype(np.int64)
