"""The target: which column, which task, which labels, and back again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from automl.data import parse
from automl.data.strings import judge_strings
from automl.data.words import POSITIVE_WORDS, names_a_rating, names_an_amount
from automl.errors import DataError, UsageError

if TYPE_CHECKING:
    from automl.space import Value
    from automl.types import Array, Schema, Task

MOST_CLASSES = 20
"""Whole numbers with more distinct values than this are amounts unless the user says classes."""
_LABEL_KEEP = "- ."
TASKS = ("auto", "binary", "multiclass", "regression", "anomaly")


@dataclass(frozen=True, slots=True)
class Target:
    """What was decided about the target."""

    task: Task
    reason: str
    classes: tuple[Value, ...]
    dtype: str
    known: Array
    """(n,) bool: rows that have a target."""


@dataclass(frozen=True, slots=True)
class _Values:
    """The target column, read."""

    words: Any
    """(n,) spellings, null where missing."""
    numbers: Array | None
    """(n,) float64, NaN where missing; None if the words are no numbers."""
    rule: str
    dtype: str
    """"int64", "float64", "bool" or "str"."""
    distinct: tuple[Value, ...]
    """Sorted labels, typed."""


def judge_target(series: pd.Series[Any], name: str, task: str, positive: str | None) -> Target:
    """Decide on the task and the labels.

    Raises:
        DataError: For a target that cannot be learned, or not by the task asked for.
        UsageError: For an unknown task or positive label.
    """
    if task not in TASKS:
        msg = f"There is no task {task!r}; choose one of {', '.join(TASKS)}."
        raise UsageError(msg)
    values = _read(series, name)
    known = values.words.is_valid().to_numpy(zero_copy_only=False)
    if values.numbers is not None:
        known = known & np.isfinite(values.numbers)
    if not known.any():
        msg = f"The target {name!r} has no value in any row; name another column with --target."
        raise DataError(msg)
    if len(values.distinct) == 1:
        msg = (
            f"The target {name!r} is {values.distinct[0]!r} in every row; there is nothing to "
            "learn, so name another column with --target."
        )
        raise DataError(msg)
    chosen, reason = _task(values, name, task, int(known.sum()))
    if chosen == "regression":
        if positive is not None:
            msg = f"--positive needs classes, and {name!r} is a number to be estimated."
            raise UsageError(msg)
        return Target(chosen, reason, (), "float64", known)
    classes = _order(values.distinct, positive, name)
    return Target(chosen, reason, classes, values.dtype, known)


def _read(series: pd.Series[Any], name: str) -> _Values:
    """Spellings, numbers and sorted labels of a target column of any dtype."""
    words = parse.blank_out(parse.spell(series), _LABEL_KEEP.split())
    if pd.api.types.is_bool_dtype(series.dtype):
        return _Values(words, None, "as_is", "bool", (False, True) if _both(words) else (True,))
    if parse.is_number(series):
        numbers, rule = parse.to_numbers(series, "as_is"), "as_is"
    else:
        column = judge_strings(series, name)
        rule = column.parse
        plain = column.kind == "number" or rule in ("number", "quantity", "decimal_comma")
        numbers = parse.to_numbers(series, rule) if plain and rule != "boolean" else None
    if numbers is None or (rule != "as_is" and len(set(words.drop_null().to_pylist())) <= 2):
        labels = tuple(sorted(words.drop_null().unique().to_pylist()))
        return _Values(words, None, rule, "str", labels)
    return _Values(words, numbers, rule, _number_dtype(series, numbers), _distinct(series, numbers))


def _both(words: Any) -> bool:
    return len(words.drop_null().unique()) > 1


def _number_dtype(series: pd.Series[Any], numbers: Array) -> str:
    """int64 for whole numbers, also where missing values made the file's integers floats."""
    whole = bool((numbers[np.isfinite(numbers)] % 1 == 0).all())
    floats = pd.api.types.is_float_dtype(series.dtype) and np.isfinite(numbers).all()
    return "int64" if whole and not floats else "float64"


def _distinct(series: pd.Series[Any], numbers: Array) -> tuple[Value, ...]:
    unique = np.unique(numbers[np.isfinite(numbers)])
    return tuple((unique.astype(_number_dtype(series, numbers))).tolist())


def _task(values: _Values, name: str, task: str, rows: int) -> tuple[Task, str]:
    k = len(values.distinct)
    if task == "auto":
        return _guess_task(values, name, rows)
    if task == "regression":
        if values.numbers is None:
            msg = f"The target {name!r} holds words, not numbers; leave out --task regression."
            raise DataError(msg)
        return "regression", "as asked"
    if task in ("binary", "anomaly") and k != 2:
        msg = f"The target {name!r} has {k:,} labels and --task {task} needs two; leave it out."
        raise DataError(msg)
    if task == "multiclass" and k > max(MOST_CLASSES, rows // 2):
        msg = (
            f"The target {name!r} has {k:,} different values in {rows:,} rows, too many for "
            "classes; leave out --task multiclass."
        )
        raise DataError(msg)
    return task, "as asked"  # type: ignore[return-value]


def _guess_task(values: _Values, name: str, rows: int) -> tuple[Task, str]:
    k = len(values.distinct)
    if k == 2:
        return "binary", "it has two different values"
    if values.numbers is None:
        if k > max(MOST_CLASSES, rows // 2):
            msg = (
                f"The target {name!r} has {k:,} different labels in {rows:,} rows, so it looks like "
                "an id or text; name another column with --target."
            )
            raise DataError(msg)
        return "multiclass", f"it has {k:,} labels that are no numbers"
    how = "--task multiclass says otherwise"
    if why := _why_amount(values, name, rows):
        return "regression", f"{why}; {how}"
    return (
        "multiclass",
        f"it has only {k} different values, all whole numbers; --task regression says otherwise",
    )


def _why_amount(values: _Values, name: str, rows: int) -> str:
    """Why numbers with more than two values are amounts; empty if they are classes."""
    k = len(values.distinct)
    if any(v % 1 for v in values.distinct):  # type: ignore[operator]
        return f"it is a number with {k:,} different values"
    if k > MOST_CLASSES:
        return f"it is a whole number with {k:,} different values"
    if names_a_rating(name):
        return f"its {k} whole numbers are ordered grades, by the column's name"
    if names_an_amount(name):
        return f"its {k} whole numbers are amounts, by the column's name"
    low, high = float(values.distinct[0]), float(values.distinct[-1])  # type: ignore[arg-type]
    if k > 5 and rows < 5 * k:
        return f"its {k} whole numbers have fewer than 5 rows each"
    if high - low + 1 > 3 * k and high > 30:
        return f"its {k} whole numbers lie far apart, like amounts"
    return ""


def _order(labels: tuple[Value, ...], positive: str | None, name: str) -> tuple[Value, ...]:
    """Labels sorted, the positive one last where there are two."""
    if positive is not None:
        wanted = [v for v in labels if _same(v, positive)]
        if not wanted:
            shown = ", ".join(str(v) for v in labels[:10]) + (", ..." if len(labels) > 10 else "")
            msg = f"The target {name!r} has no label {positive!r}; its labels are {shown}."
            raise UsageError(msg)
        return (*(v for v in labels if v != wanted[0]), wanted[0])
    if len(labels) == 2:
        first, second = (str(v).lower() for v in labels)
        if first in POSITIVE_WORDS and second not in POSITIVE_WORDS:
            return (labels[1], labels[0])
    return labels


def _same(label: Value, text: str) -> bool:
    if str(label) == text.strip():
        return True
    try:
        return not isinstance(label, str | bool) and float(text) == label
    except ValueError:
        return False


def encode_target(schema: Schema, values: Any) -> tuple[Array, Array]:
    """Labels or numbers as learners take them.

    Args:
        schema: The schema of the training table.
        values: (n,) raw target values, of any dtype.

    Returns:
        y, (n,) int64 class codes or float64 values, and known, (n,) bool: False where the value
        is missing, is no number, or is a label that training did not have (y is -1 or NaN there).
    """
    series = pd.Series(values).reset_index(drop=True)
    if schema.task == "regression":
        y = parse.to_numbers(series, _regression_rule(series, schema))
        return y, np.isfinite(y)
    if schema.target_dtype in ("int64", "float64"):
        rule = "as_is" if parse.is_number(series) else judge_strings(series, schema.target).parse
        rule = rule if rule.partition(":")[0] in ("number", "quantity", "as_is") else "number"
        return _lookup(parse.to_numbers(series, rule), schema)
    words = parse.blank_out(parse.spell(series), _LABEL_KEEP.split())
    labels = pa.array([str(c) for c in schema.classes], words.type)
    codes = pa.compute.index_in(words, value_set=labels).fill_null(-1)
    y = codes.to_numpy(zero_copy_only=False).astype(np.int64)
    return y, y >= 0


def _regression_rule(series: pd.Series[Any], schema: Schema) -> str:
    if parse.is_number(series):
        return "as_is"
    rule = judge_strings(series, schema.target).parse
    return rule if rule.partition(":")[0] in ("quantity", "decimal_comma") else "number"


def _lookup(numbers: Array, schema: Schema) -> tuple[Array, Array]:
    labels = np.array(schema.classes, dtype=np.float64)
    order = np.argsort(labels)
    place = np.clip(np.searchsorted(labels[order], numbers), 0, len(labels) - 1)
    known = labels[order][place] == numbers
    return np.where(known, order[place], -1).astype(np.int64), known


def decode_labels(schema: Schema, codes: Array) -> Array:
    """(n,) class codes as labels, spelled and typed as in the training file."""
    if schema.task == "regression":
        return np.asarray(codes, dtype=np.float64)
    dtype = object if schema.target_dtype == "str" else schema.target_dtype
    return np.array(schema.classes, dtype=dtype)[np.asarray(codes, dtype=np.int64)]
