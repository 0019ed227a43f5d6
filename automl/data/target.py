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
_TWO = 2
_LABEL_KEEP = "- ."
_NUMBER_RULES = ("number", "quantity", "decimal_comma")
TASKS = ("auto", "binary", "multiclass", "regression", "anomaly")


@dataclass(frozen=True, slots=True)
class Target:
    """The decisions about the target."""

    task: Task
    reason: str
    classes: tuple[Value, ...]
    dtype: str
    known: Array
    """(n,) bool: rows that have a target."""
    parse: str = ""
    """The rule that reads strings as numbers; empty where none does."""


@dataclass(frozen=True, slots=True)
class _Values:
    """The target column, read."""

    known: Array
    """(n,) bool: rows that have a value."""
    dtype: str
    """"int64", "float64", "bool" or "str"."""
    distinct: tuple[Value, ...]
    """Sorted labels, typed."""

    @property
    def numeric(self) -> bool:
        return self.dtype in ("int64", "float64")


def judge_target(series: pd.Series[Any], name: str, task: str, positive: str | None) -> Target:
    """Decide on the task and the labels.

    Raises:
        DataError: For a target that cannot be learned, or not by the task asked for.
        UsageError: For an unknown task or positive label.
    """
    if task not in TASKS:
        msg = f"There is no task {task!r}; choose one of {', '.join(TASKS)}."
        raise UsageError(msg)
    believed = task == "auto" and isinstance(series.dtype, pd.CategoricalDtype)
    series = _without_levels(series)
    values = _labels(series) if believed and not parse.is_number(series) else _read(series, name)
    known = values.known
    if not known.any():
        msg = f"The target {name!r} has no value in any row; name another column with --target."
        raise DataError(msg)
    if len(values.distinct) == 1:
        cure = "--drop it" if task == "anomaly" else "name another column with --target"
        msg = (
            f"The target {name!r} is {values.distinct[0]!r} in every row; there is nothing to "
            f"learn, so {cure}."
        )
        raise DataError(msg)
    if believed and len(values.distinct) > _TWO:
        chosen, reason = _multiclass(values, name, int(known.sum()), "it is a category")
    else:
        chosen, reason = _task(values, name, task, int(known.sum()))
    if chosen != "regression" and values.numeric and pd.api.types.infer_dtype(series) == "string":
        words = _labels(series)
        if set(words.distinct) == {str(value) for value in values.distinct}:
            values = words  # whole numbers in strings are labels that are strings
    if chosen == "regression":
        if positive is not None:
            msg = f"--positive needs classes, and {name!r} is a number to be estimated."
            raise UsageError(msg)
        return Target(chosen, reason, (), "float64", known, _number_rule(series, name) or "")
    classes = _order(values.distinct, positive, name)
    if chosen == "anomaly" and positive is None:
        classes = _rarer_last(series, classes, values.dtype)
    rule = "" if values.dtype == "str" else _number_rule(series, name) or ""
    return Target(chosen, reason, classes, values.dtype, known, rule)


def _read(series: pd.Series[Any], name: str) -> _Values:
    """Which rows have a value, and the sorted labels, of a target column of any dtype."""
    if not parse.is_number(series):
        labels, rule = _labels(series), _number_rule(series, name)
        if rule is None or len(labels.distinct) <= _TWO:
            return labels
        return _numbers(parse.to_numbers(series, rule), floats=False)
    if pd.api.types.is_bool_dtype(series.dtype):
        known = series.notna().to_numpy()
        return _Values(known, "bool", tuple(sorted(series.dropna().astype(bool).unique().tolist())))
    return _numbers(
        parse.to_numbers(series, "as_is"), floats=pd.api.types.is_float_dtype(series.dtype)
    )


def _without_levels(series: pd.Series[Any]) -> pd.Series[Any]:
    """The numbers of a categorical column whose levels are numbers."""
    if not isinstance(series.dtype, pd.CategoricalDtype):
        return series
    levels = pd.Series(series.cat.categories)
    if not parse.is_number(levels) or pd.api.types.is_bool_dtype(levels.dtype):
        return series
    return series.astype("float64" if series.hasnans else levels.dtype)


def _labels(series: pd.Series[Any]) -> _Values:
    """A target column of words; blanks around a label stay where every row has them."""
    stripped = parse.spell(series)
    words = parse.blank_out(stripped, _LABEL_KEEP.split())
    labels = sorted(words.drop_null().unique().to_pylist())
    known = words.is_valid().to_numpy(zero_copy_only=False)
    written = parse.spell(series, strip=False)
    if not written.equals(stripped):
        pairs = pd.DataFrame({"label": words.to_pandas(), "written": written.to_pandas()})
        ways = pairs.dropna().groupby("label")["written"].unique()
        labels = [ways[label][0] if len(ways[label]) == 1 else label for label in labels]
    return _Values(known, "str", tuple(labels))


def _number_rule(series: pd.Series[Any], name: str) -> str | None:
    """The rule that reads a target column of strings as numbers; None if they are labels."""
    if parse.is_number(series):
        return None
    rule = judge_strings(series, name).parse
    return rule if rule.partition(":")[0] in _NUMBER_RULES else None


def _numbers(values: Array, *, floats: bool) -> _Values:
    """Whole numbers are int64, also where missing values made the file's integers floats."""
    known = np.isfinite(values)
    unique = np.unique(values[known])
    whole = bool((unique % 1 == 0).all()) and not (floats and known.all())
    dtype = "int64" if whole else "float64"
    return _Values(known, dtype, tuple(unique.astype(dtype).tolist()))


def _task(values: _Values, name: str, task: str, rows: int) -> tuple[Task, str]:
    k = len(values.distinct)
    if task == "auto":
        return _guess_task(values, name, rows)
    if task == "regression":
        if not values.numeric:
            msg = f"The target {name!r} holds words, not numbers; leave out --task regression."
            raise DataError(msg)
        return "regression", "as asked"
    if task in ("binary", "anomaly") and k != 2:
        other = "--target" if task == "anomaly" else "--task"
        msg = (
            f"The target {name!r} has {k:,} labels and --task {task} needs two; leave {other} out."
        )
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
    if k == _TWO:
        return "binary", "it has two different values"
    if not values.numeric:
        return _multiclass(values, name, rows, f"it has {k:,} labels that are no numbers")
    if why := _why_amount(values, name, rows):
        return "regression", f"{why}; --task multiclass says otherwise"
    why = f"it has only {k} different values, all whole numbers"
    return "multiclass", f"{why}; --task regression says otherwise"


def _multiclass(values: _Values, name: str, rows: int, reason: str) -> tuple[Task, str]:
    k = len(values.distinct)
    if k > max(MOST_CLASSES, rows // 2):
        msg = (
            f"The target {name!r} has {k:,} different labels in {rows:,} rows, so it looks "
            "like an id or text; name another column with --target."
        )
        raise DataError(msg)
    return "multiclass", reason


def _why_amount(values: _Values, name: str, rows: int) -> str:
    """Why numbers with more than two values are amounts; empty if they are classes."""
    k = len(values.distinct)
    numbers = np.array(values.distinct, dtype=np.float64)
    low, high = numbers[0], numbers[-1]
    reasons = {
        f"it is a number with {k:,} different values": bool((numbers % 1).any()),
        f"it is a whole number with {k:,} different values": k > MOST_CLASSES,
        f"its {k} whole numbers are ordered grades, by the column's name": names_a_rating(name),
        f"its {k} whole numbers are amounts, by the column's name": names_an_amount(name),
        f"its {k} whole numbers have fewer than 5 rows each": k > 5 and rows < 5 * k,
        f"its {k} whole numbers lie far apart, like amounts": high > 30 and high - low >= 3 * k,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


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
        first, second = (str(v).strip().lower() for v in labels)
        if first in POSITIVE_WORDS and second not in POSITIVE_WORDS:
            return (labels[1], labels[0])
    return labels


def _rarer_last(series: pd.Series[Any], labels: tuple[Value, ...], dtype: str) -> tuple[Value, ...]:
    """Two labels, an anomaly's last: a word for something bad, else the rarer one."""
    if str(labels[1]).strip().lower() in POSITIVE_WORDS and dtype == "str":
        return labels
    codes, known = _codes(series, labels, dtype, _number_rule(series, str(series.name)) or "number")
    return labels[::-1] if 2 * int((codes == 1).sum()) > int(known.sum()) else labels


def _same(label: Value, text: str) -> bool:
    if str(label).strip() == text.strip():
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
    name = schema.target or ""
    numbers = schema.task == "regression" or schema.target_dtype in ("int64", "float64")
    rule = (schema.target_parse or _number_rule(series, name) or "number") if numbers else ""
    if schema.task == "regression":
        y = _as_numbers(series, rule)
        return y, np.isfinite(y)
    return _codes(series, schema.classes, schema.target_dtype, rule)


def _codes(
    series: pd.Series[Any], classes: tuple[Value, ...], dtype: str, rule: str
) -> tuple[Array, Array]:
    if dtype in ("int64", "float64"):
        return _lookup(_as_numbers(series, rule), classes)
    words = parse.blank_out(parse.spell(series), _LABEL_KEEP.split())
    labels = pa.array([str(c).strip() for c in classes], words.type)
    codes = pa.compute.index_in(words, value_set=labels).fill_null(-1)
    y = codes.to_numpy(zero_copy_only=False).astype(np.int64)
    return y, y >= 0


def _as_numbers(series: pd.Series[Any], rule: str) -> Array:
    return parse.to_numbers(series, "as_is" if parse.is_number(series) else rule)


def _lookup(numbers: Array, classes: tuple[Value, ...]) -> tuple[Array, Array]:
    labels = np.array(classes, dtype=np.float64)
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
