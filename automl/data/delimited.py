"""Delimited text: the separator, the header, and the body by Arrow's parser."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from automl.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd
    import pyarrow as pa

DELIMITERS = (",", "\t", ";", "|")
_SAMPLE_LINES = 50
_SAMPLE_BYTES = 1 << 21
_LARGEST_BLOCK = 2**31 - 1


def read_delimited(data: bytes, source: str, as_text: Collection[str] = ()) -> pd.DataFrame:
    """Read UTF-8 delimited text whose first line names the columns.

    Args:
        data: The file's content.
        source: What messages call it.
        as_text: Columns whose values stay as they are written; of others types are inferred.

    Raises:
        DataError: For a header that is missing or names a column twice, or for ragged rows.
    """
    data = data.lstrip(b"\r\n")
    sample = _sample(data)
    delimiter = sniff_delimiter(sample)
    table = _read_arrow(data, delimiter, source, as_text)
    names = _header(table.column_names, source)
    return arrow_to_frame(table.rename_columns(names), source)


def _sample(data: bytes) -> str:
    """The first lines, cut at the end of one."""
    head = data[:_SAMPLE_BYTES]
    if len(head) < len(data) and b"\n" in head:
        head = head[: head.rindex(b"\n") + 1]
    return head.decode(errors="replace")


def sniff_delimiter(sample: str) -> str:
    """The separator that gives the most lines one same number of fields above one."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        widths = _widths(sample, delimiter)
        if not widths:
            continue
        header = widths[0]
        agreement = sum(w == header for w in widths) / len(widths)
        if header > 1 and (score := (round(agreement, 1), header)) > best_score:
            best, best_score = delimiter, score
    return best


def _widths(sample: str, delimiter: str) -> list[int]:
    return [len(row) for row in _first_rows(sample, delimiter, _SAMPLE_LINES) if row]


def _first_rows(sample: str, delimiter: str, most: int) -> list[list[str]]:
    """At most so many rows; none where quotes leave the sample unreadable."""
    limit = csv.field_size_limit(_SAMPLE_BYTES)
    try:
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        return list(islice(reader, most))
    except csv.Error:
        return []
    finally:
        csv.field_size_limit(limit)


def _read_arrow(data: bytes, delimiter: str, source: str, as_text: Collection[str]) -> pa.Table:
    """Parse the body; one block as large as the file, so that types are inferred from all rows."""
    import pyarrow as pa

    try:
        table = _arrow_csv(data, delimiter, min(len(data) + 1, _LARGEST_BLOCK), as_text)
        return _as_written(table, data, delimiter)
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise DataError(_parse_message(str(error), data, delimiter, source)) from None
    return _arrow_csv(data, delimiter, _LARGEST_BLOCK, None)


def _as_written(table: pa.Table, data: bytes, delimiter: str) -> pa.Table:
    """The table with columns of words that Arrow spells otherwise as text.

    Such as 007, which it takes for a whole number, and 9:30, a time of day: in a file that holds
    other words, too, they stay as they are.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    types = [field.type for field in table.schema]
    times = [i for i, kind in enumerate(types) if pa.types.is_time(kind)]
    whole = [i for i, kind in enumerate(types) if pa.types.is_integer(kind)]
    if whole and re.search(rb'[,;\t|\n" ]-?0\d', data) is None:
        whole = []
    if not times and not whole:
        return table
    words = _arrow_csv(data, delimiter, _LARGEST_BLOCK, None)
    zeros = r"^\s*-?0\d"
    whole = [i for i in whole if pc.any(pc.match_substring_regex(words.column(i), zeros)).as_py()]
    for i in (*times, *whole):
        table = table.set_column(i, table.schema.names[i], words.column(i))
    return table


def _arrow_csv(
    data: bytes, delimiter: str, block: int, as_text: Collection[str] | None
) -> pa.Table:
    """Parse the body, some columns as text, or all of them (None)."""
    import pyarrow as pa
    from pyarrow import csv as pacsv

    header = (_first_rows(_sample(data), delimiter, 1) or [[]])[0]
    words = [name for name in header if as_text is None or name.strip() in as_text]
    return pacsv.read_csv(
        pa.BufferReader(data),
        read_options=pacsv.ReadOptions(block_size=block),
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=True,
            ignore_empty_lines=len(header) != 1,  # of one column they are rows without a value
        ),
        convert_options=pacsv.ConvertOptions(
            null_values=[""],
            strings_can_be_null=True,
            # TRUE, yes and 1 stay as written: they may be labels.
            true_values=[],
            false_values=[],
            column_types=dict.fromkeys(words, pa.string()),
        ),
    )


def _parse_message(error: str, data: bytes, delimiter: str, source: str) -> str:
    found = re.search(r"Expected (\d+) columns, got (\d+)", error)
    if "cannot infer number of columns" in error:
        return f"{source}: a quote in the first line is never closed; close it or leave it out"
    if not found:
        return f"{source} is not a table of delimited text: {error.splitlines()[0]}"
    expected, got = found.groups()
    line = _ragged_line(data, delimiter, int(expected))
    where = f"line {line}" if line else "one row"
    return (
        f"{source}: {where} has {got} values where the header has {expected}; mend that row, "
        "or put quotes around values that hold the separator."
    )


def _ragged_line(data: bytes, delimiter: str, expected: int) -> int | None:
    reader = csv.reader(io.StringIO(data.decode(errors="replace"), newline=""), delimiter=delimiter)
    try:
        for row in reader:
            if row and len(row) != expected:
                return reader.line_num
    except csv.Error:
        return None
    return None


def _header(names: Sequence[str], source: str) -> list[str]:
    """Column names, stripped, each given once, and not a row of data."""
    stripped = [name.strip() for name in names]
    if any(re.fullmatch(r"[-+]?\d+\.\d+(e[-+]?\d+)?", name, re.IGNORECASE) for name in stripped):
        msg = f"{source} starts with numbers, not with column names; add a header line."
        raise DataError(msg)
    filled = [name or f"unnamed_{i}" for i, name in enumerate(stripped, start=1)]
    check_names(filled, source)
    return filled


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


def arrow_to_frame(table: pa.Table, source: str) -> pd.DataFrame:
    """An Arrow table as pandas, names and strings stripped; dates become datetime64.

    Raises:
        DataError: If two columns share a name.
    """
    names = [name.strip() for name in table.column_names]
    check_names(names, source)
    columns = [_plain(column) for column in table.columns]
    changed = any(new is not old for new, old in zip(columns, table.columns, strict=True))
    if changed or names != table.column_names:
        import pyarrow as pa

        table = pa.table(columns, names=names)
    frame: pd.DataFrame = table.replace_schema_metadata(None).to_pandas(date_as_object=False)
    return frame


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
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
