"""Delimited text in unusual wrappings made plain, before its form is looked for."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from automl.data.sniff import USUAL, csv_reader
from automl.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

DOUBLE = "::"
"""Between the fields of MovieLens and others; parsers take one character."""
FIELD_MARK = "\x1f"
_HEAD = 1 << 16
_LINES = 100
_LEAST = 3
"""Lines that show a habit."""
_SPARSE = re.compile(rb"\s*[-+.\w]+(?:[ \t]+(?:\d+|qid):[-+.\w]+)+[ \t]*(?:#.*)?")
_ATTRIBUTE = re.compile(r"\s*@attribute\s+('(?:[^'\\]|\\.)*'|\"[^\"]*\"|\S+)\s+\S", re.IGNORECASE)
_DATA = re.compile(rb"(?mi)^[ \t]*@data\b[^\n]*(?:\n|$)")
_RELATION = re.compile(rb"(?i)(?:\s|%[^\n]*\n)*@relation\b")


def plain_text(data: bytes, source: str) -> tuple[bytes, tuple[str, ...]]:
    """The text as lines of fields, and sentences on what was taken off.

    Args:
        data: UTF-8 text.
        source: Its name in messages.

    Raises:
        DataError: It is in a sparse format, which is no table.
    """
    if _RELATION.match(data[:_HEAD]):
        return _from_arff(data, source), ()
    lines = _head(data)
    if len(lines) > 1 and all(map(_is_sparse, lines)):
        msg = (
            f"{source} is in the sparse format of LIBSVM, not a table; read it with "
            "sklearn.datasets.load_svmlight_file and give the arrays to AutoML.fit."
        )
        raise DataError(msg)
    text = [line.decode(errors="replace") for line in lines]
    if _in_quotes(text):
        return _unquoted(data), ("Left out the quotes around whole lines",)
    if _are_fields([line.split(DOUBLE) for line in text]) and not _divided(text):
        return data.replace(DOUBLE.encode(), FIELD_MARK.encode()), ()
    return data, ()


def _is_sparse(line: bytes) -> bool:
    """True for a label and pairs of ascending numbers of columns and values."""
    if not _SPARSE.fullmatch(line):
        return False
    places = [int(place) for place in re.findall(rb"[ \t](\d+):", line)]
    return len(places) > 1 and places == sorted(set(places))


def _head(data: bytes) -> list[bytes]:
    """The first lines that are whole and not empty."""
    head = data[:_HEAD]
    lines = head.splitlines()
    whole = lines if len(head) == len(data) else lines[:-1]
    return [line for line in whole if line.strip()][:_LINES]


def _are_fields(rows: Sequence[Sequence[str]]) -> bool:
    """True if all rows have the same number of fields, at least two, and the first is full."""
    widths = {len(row) for row in rows}
    return (
        len(rows) >= _LEAST
        and len(widths) == 1
        and widths.pop() > 1
        and all(cell.strip() for cell in rows[0])
    )


def _divided(lines: Sequence[str]) -> bool:
    """True if a usual separator divides the lines alike."""
    return any(_are_fields([line.split(mark) for line in lines]) for mark in USUAL)


def _in_quotes(lines: Sequence[str]) -> bool:
    """True if every line is one quoted field that holds fields itself."""
    plain = [line.strip() for line in lines]
    if not all(re.fullmatch(r'"(?:[^"]|"")*"', line) for line in plain):
        return False
    inner = [line[1:-1].replace('""', '"') for line in plain]
    return any(_are_fields([_row(line, mark) for line in inner]) for mark in USUAL)


def _row(line: str, separator: str) -> list[str]:
    with csv_reader([line], {"delimiter": separator}) as reader:
        return next(reader, [])


def _unquoted(data: bytes) -> bytes:
    return re.sub(
        rb'(?m)^[ \t]*"((?:[^"\r\n]|"")*)"[ \t]*(?=\r|\n|\Z)',
        lambda found: found[1].replace(b'""', b'"'),
        data,
    )


def _from_arff(data: bytes, source: str) -> bytes:
    """The rows of an ARFF file of Weka as CSV.

    Raises:
        DataError: It has no rows, or sparse ones.
    """
    begin = _DATA.search(data)
    if begin is None:
        msg = f"{source} is an ARFF file without @data; give one with rows."
        raise DataError(msg)
    head = data[: begin.start()].decode(errors="replace")
    found = (_ATTRIBUTE.match(line) for line in head.splitlines())
    names = [re.sub(r"\\(.)", r"\1", one[1].strip("'\"")) for one in found if one]
    text = data[begin.end() :].decode(errors="replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("%")]
    if lines and lines[0].lstrip().startswith("{"):
        msg = f"{source} is a sparse ARFF file; write it with all values of a row."
        raise DataError(msg)
    quote = "'" if "'" in text else '"'
    form = {"delimiter": ",", "quotechar": quote, "escapechar": "\\", "skipinitialspace": True}
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(names)
    with csv_reader(lines, form) as reader:
        writer.writerows(reader)
    return out.getvalue().encode()
