"""The target: which column, which task, which labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from automl.data import parse
from automl.data.labels import (
    encode_labels,
    find_labels,
    label_words,
    merge_spellings,
    spells_codes,
)
from automl.data.numbers import EXACT
from automl.data.strings import judge_strings
from automl.data.words import POSITIVE_WORDS, names_a_rating, names_an_amount
from automl.errors import DataError, UsageError

if TYPE_CHECKING:
    from automl.types import Array, Schema, Task

MOST_CLASSES = 20
"""Whole numbers with more distinct values than this are amounts unless the user says classes."""
_TWO = 2
_NUMBER_RULES = ("number", "quantity", "decimal_comma")
TASKS = ("auto", "binary", "multiclass", "regression", "anomaly")


@dataclass(frozen=True, slots=True)
class Target:
    """The decisions about the target."""

    task: Task
    reason: str
    classes: tuple[Any, ...]
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
    count: int
    """Distinct values."""
    numbers: Array | None
    """Those values in ascending order; None where they are words."""
    series: pd.Series[Any]
    """The column, one number spelled in one way."""


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
    values = _read(series, name, task, believed=believed)
    known = values.known
    if not known.any():
        msg = f"The target {name!r} has no value in any row; name another column with --target."
        raise DataError(msg)
    if values.count == 1:
        cure = "--drop it" if task == "anomaly" else "name another column with --target"
        only = find_labels(values.series, known).classes[0]
        msg = f"The target {name!r} is {only!r} in every row; there is nothing to learn, so {cure}."
        raise DataError(msg)
    if believed and values.count > _TWO:
        chosen, reason = _multiclass(values, name, int(known.sum()), "it is a category")
    else:
        chosen, reason = _task(values, name, task, int(known.sum()))
    if chosen == "regression":
        if positive is not None:
            msg = f"--positive needs classes, and {name!r} is a number to be estimated."
            raise UsageError(msg)
        return Target(chosen, reason, (), "float64", known, _number_rule(series, name) or "")
    labels = find_labels(values.series, known)
    classes = _order(labels.classes, positive, name)
    if chosen == "anomaly" and positive is None:
        classes = _rarer_last(series, classes, labels.dtype)
    return Target(chosen, reason, classes, labels.dtype, known)


def _read(series: pd.Series[Any], name: str, task: str, *, believed: bool) -> _Values:
    """Which rows have a value, and the distinct ones, of a target column of any dtype."""
    if pd.api.types.is_bool_dtype(series.dtype):
        return _Values(series.notna().to_numpy(), int(series.nunique()), None, series)
    if parse.is_number(series):
        values = parse.to_numbers(series, "as_is")
        known = np.isfinite(values)
        if not pd.api.types.is_integer_dtype(series.dtype):
            return _Values(known, *_distinct(values[known]), series)
        numbers = np.sort(series[known].unique().astype(np.float64))
        k = len(numbers)
        coded = task != "regression" and 0 < k <= MOST_CLASSES and np.abs(numbers).max() > EXACT
        return _Values(known, k, None if coded else numbers, series)
    words = label_words(series)
    known = words.is_valid().to_numpy(zero_copy_only=False)
    count = int(pd.Series(words.to_pandas()).nunique())
    coded = task != "regression" and spells_codes(words, most=MOST_CLASSES)
    if believed and not _has_number_levels(series):
        coded = True
    rule = None if coded else _number_rule(series, name)
    if rule is None or (count <= _TWO and task != "regression"):
        return _Values(known, count, None, series)
    values = parse.to_numbers(series, rule)
    known &= np.isfinite(values)
    if len(np.unique(values[known])) == 1 < count:
        return _Values(known, count, None, series)  # more digits than numbers keep
    merged = merge_spellings(words, values)
    if merged is not words:
        series = pd.Series(merged.to_pandas(), dtype="str", index=series.index)
    return _Values(known, *_distinct(values[known]), series)


def _distinct(values: Array) -> tuple[int, Array]:
    unique = np.unique(values)
    return len(unique), unique


def _has_number_levels(series: pd.Series[Any]) -> bool:
    return parse.is_number(pd.Series(series.cat.categories))


def _number_rule(series: pd.Series[Any], name: str) -> str | None:
    """The rule that reads a target column of strings as numbers; None if they are labels."""
    if parse.is_number(series):
        return None
    rule = judge_strings(series, name).parse
    return rule if rule.partition(":")[0] in _NUMBER_RULES else None


def _task(values: _Values, name: str, task: str, rows: int) -> tuple[Task, str]:
    k = values.count
    if task == "auto":
        return _guess_task(values, name, rows)
    if task == "regression":
        if values.numbers is None:
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
    k = values.count
    if k == _TWO:
        return "binary", "it has two different values"
    if values.numbers is None:
        return _multiclass(values, name, rows, f"it has {k:,} labels that are no numbers")
    if why := _why_amount(values, name, rows):
        return "regression", f"{why}; --task multiclass says otherwise"
    why = f"it has only {k} different values, all whole numbers"
    return "multiclass", f"{why}; --task regression says otherwise"


def _multiclass(values: _Values, name: str, rows: int, reason: str) -> tuple[Task, str]:
    k = values.count
    if k > max(MOST_CLASSES, rows // 2):
        kind = getattr(values.series.dtype, "kind", "")
        like, cure = "an id or text", "name another column with --target"
        if kind in ("M", "m") or isinstance(values.series.dtype, pd.PeriodDtype):
            like, cure = "a date or a duration", "give a number, such as days since a first day"
        msg = (
            f"The target {name!r} has {k:,} different labels in {rows:,} rows, so it looks "
            f"like {like}; {cure}."
        )
        raise DataError(msg)
    return "multiclass", reason


def _why_amount(values: _Values, name: str, rows: int) -> str:
    """Why numbers with more than two values are amounts; empty if they are classes."""
    k, numbers = values.count, np.asarray(values.numbers)
    low, high = float(numbers[0]), float(numbers[-1])
    reasons = {
        f"it is a number with {k:,} different values": bool((numbers % 1).any()),
        f"it is a whole number with {k:,} different values": k > MOST_CLASSES,
        f"its {k} whole numbers are ordered grades, by the column's name": names_a_rating(name),
        f"its {k} whole numbers are amounts, by the column's name": names_an_amount(name),
        f"its {k} whole numbers have fewer than 5 rows each": k > 5 and rows < 5 * k,
        f"its {k} whole numbers lie far apart, like amounts": high > 30 and high - low >= 3 * k,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _order(labels: tuple[Any, ...], positive: str | None, name: str) -> tuple[Any, ...]:
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


def _rarer_last(series: pd.Series[Any], labels: tuple[Any, ...], dtype: str) -> tuple[Any, ...]:
    """Two labels, an anomaly's last: a word for something bad, else the rarer one."""
    if str(labels[1]).strip().lower() in POSITIVE_WORDS and dtype == "str":
        return labels
    codes = encode_labels(series, labels)
    return labels[::-1] if 2 * int((codes == 1).sum()) > int((codes >= 0).sum()) else labels


def _same(label: Any, text: str) -> bool:
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
    if schema.task != "regression":
        y = encode_labels(series, schema.classes)
        return y, y >= 0
    rule = schema.target_parse or _number_rule(series, schema.target or "") or "number"
    y = parse.to_numbers(series, "as_is" if parse.is_number(series) else rule)
    return y, np.isfinite(y)
