"""Columns of text or Arrow types as a pandas table: numbers and ISO dates typed, nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from automl.data.amounts import DecimalVotes, find_marks
from automl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_HEAD = 1_000
LARGE = 1 << 26
"""Bytes of a table from which its columns stand apart, each in memory of its own."""
_CELLS = 20_000
"""Words that tell the decimal mark of a file."""
_ZEROS = r"^[-+]?0[0-9xX]"
_EITHER = r"^[-+]?([1-9][0-9]{0,2}([.][0-9]{3})*|0)$"
"""Whole numbers, grouped by points if at all."""


def check_names(names: Sequence[str], source: str) -> None:
    """Refuse two columns of one name.

    Raises:
        DataError: Naming the columns.
    """
    if len(set(names)) == len(names):
        return
    twice = [name for name, count in Counter(names).items() if count > 1]
    shown = ", ".join(repr(name) for name in twice[:5]) + (", ..." if len(twice) > 5 else "")
    msg = f"{source} has more than one column named {shown}; give every column its own name."
    raise DataError(msg)


def text_to_frame(
    columns: list[Any], names: list[str], as_text: Collection[str], decimal: str
) -> pd.DataFrame:
    """Columns of text as pandas: typed where every value is a plain number or an ISO date.

    Words that a number would not give back, such as 007, stay as they are, and so do numbers such
    as 1.234 in a file of decimal commas.

    Args:
        columns: Of text, stripped but for those that begin with numbers; emptied, so that the
            text of a column goes as soon as it is typed.
        names: Their names.
        as_text: Columns that stay text.
        decimal: The decimal mark of the file; empty where nothing tells.
    """
    typed = []
    for name in names:
        column = columns.pop(0)
        typed.append(stripped(column) if name in as_text else _typed(column, decimal))
        del column
    return to_pandas(typed, names)


def to_pandas(columns: list[Any], names: list[str]) -> pd.DataFrame:
    """Arrow columns as pandas; those of a large table are emptied into it one by one."""
    import pyarrow as pa

    table = pa.table(columns, names=names)
    columns.clear()
    large = table.nbytes > LARGE and len(table) > len(names)
    frame: pd.DataFrame = table.to_pandas(
        date_as_object=False, split_blocks=large, self_destruct=large
    )
    del table
    give_back()
    return frame


def give_back() -> None:
    """Give the system the memory back that Arrow keeps for tables to come."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def is_number_at_first(column: Any) -> bool:
    """True for a column of text that begins with numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    head = column.slice(0, _HEAD)
    try:
        pc.cast(head, pa.float64())
    except pa.ArrowInvalid:
        return False
    return head.null_count < len(head)


def stripped(column: Any) -> Any:
    """The text without blanks around it, nothing left being missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_trim_whitespace(column)
    if _bytes(text) < _bytes(column):
        blank = pc.equal(text, "")
        text = pc.if_else(blank, pa.scalar(None, text.type), text)
    if pc.any(pc.starts_with(text.slice(0, 100), '="')).as_py():  # as Excel keeps words
        text = pc.replace_substring_regex(text, r'^="([^"]*)"$', r"\1")
    return text


def _bytes(column: Any) -> int:
    """Bytes of all words of a column."""
    import pyarrow.compute as pc

    return pc.sum(pc.binary_length(column)).as_py() or 0


def _typed(column: Any, decimal: str) -> Any:
    if column.null_count == len(column):
        return column
    typed = _as_typed(column, decimal)
    if typed is column and is_number_at_first(column):
        column = stripped(column)  # a blank beside a number further down
        return _as_typed(column, decimal)
    return typed


def _as_typed(column: Any, decimal: str) -> Any:
    import pyarrow as pa

    numbers = _cast(column, pa.int64())
    if numbers is not None:
        return column if _spelled_otherwise(column, numbers) else numbers
    numbers = _cast(column, pa.float64())
    if numbers is not None:
        return column if decimal == "," and _all(column, _EITHER) else numbers
    dates = _cast(column, pa.timestamp("us"))
    return column if dates is None else dates


def _cast(column: Any, kind: Any) -> Any:
    """The column as another type; None if a value does not fit."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        # The head first: a cast that fails costs as much as one that succeeds.
        pc.cast(column.slice(0, _HEAD), kind)
        return pc.cast(column, kind)
    except pa.ArrowInvalid:
        return None


def _spelled_otherwise(column: Any, numbers: Any) -> bool:
    """True if a word such as 007 or 0x1F is among whole numbers: it is longer than its number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if _bytes(pc.cast(numbers, pa.string())) == _bytes(column):
        return False
    return bool(pc.any(pc.match_substring_regex(column, _ZEROS)).as_py())


def _all(column: Any, pattern: str) -> bool:
    import pyarrow.compute as pc

    return bool(pc.all(pc.match_substring_regex(column, pattern)).as_py())


def find_decimal(table: pa.Table, separator: str) -> tuple[str, dict[str, DecimalVotes]]:
    """The decimal mark of a file, empty where nothing tells or columns differ, and each column's.

    Args:
        table: Columns of text.
        separator: Between the fields; a semicolon goes with decimal commas where only words such
            as `610,086` are there.
    """
    import numpy as np
    import pyarrow.compute as pc

    step = max(1, -(-table.num_columns // 200))
    rows = min(len(table), max(50, _CELLS // max(1, table.num_columns // step)))
    picks = np.unique(np.linspace(0, max(len(table) - 1, 0), rows).astype(int))
    found = {}
    for name in table.column_names[::step]:
        words = table.column(name).take(picks)
        marked = words.filter(pc.match_substring_regex(words, "[.,]"))
        found[name] = find_marks(word.strip() for word in marked.to_pylist())
    settled = {marks.settled for marks in found.values()} - {""}
    if separator == "," and "," in settled and any(m.only_points for m in found.values()):
        return "", found  # the commas of one column, in quotes, say little about the points there
    if not settled and separator == ";" and any(m.either_comma for m in found.values()):
        return ",", found
    return (settled.pop() if len(settled) == 1 else ""), found


def arrow_to_frame(table: pa.Table, source: str) -> pd.DataFrame:
    """An Arrow table as pandas, names and strings stripped; dates become datetime64.

    Raises:
        DataError: If two columns share a name.
    """
    names = [name.strip() for name in table.column_names]
    check_names(names, source)
    columns = table.columns
    del table
    return to_pandas([_plain(columns.pop(0)) for _ in names], names)


def _plain(column: Any) -> Any:
    """Strip strings, blank becoming missing; a time of day becomes its spelling."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_time(kind) or pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        stripped = pc.utf8_trim_whitespace(column)
        return pc.if_else(pc.equal(stripped, ""), pa.scalar(None, kind), stripped)
    return column
