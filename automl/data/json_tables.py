"""Tables in JSON: lines, records, and the layouts that `DataFrame.to_json` and others write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from automl.data.frames import arrow_to_frame
from automl.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def read_json(data: bytes, path: Path) -> pd.DataFrame | None:
    """Read JSON lines, or one document that is a table; None if it is not JSON after all.

    Raises:
        DataError: It is JSON, but no table.
    """
    document = _document(data)
    if document is None:
        return _lines(data, path) if data.lstrip().startswith(b"{") else None
    return _frame(_records(document, path))


def _document(data: bytes) -> Any:
    """The one document of a text; None for lines of JSON and for other text."""
    first = data.lstrip().split(b"\n", 1)[0].strip()
    if first.startswith(b"{") and first.endswith(b"}") and data.strip() != first:
        return None  # an object a line
    try:
        return json.loads(data)
    except ValueError:
        return None


def _records(document: Any, path: Path) -> Any:
    """Columns or records for `DataFrame`.

    Raises:
        DataError: The document is of no layout that is known.
    """
    found = document if _are_records(document) else None
    if isinstance(document, dict):
        found = _of_parts(document) or _of_columns(document)
    if found is None:
        msg = f"{path} is JSON but not a list of records; write one object per line."
        raise DataError(msg)
    return found


def _of_parts(document: dict[str, Any]) -> Any:
    """Records beside their schema, names beside rows, or the one list in a wrapping."""
    rows = document.get("data")
    if "schema" in document and _are_records(rows):
        return rows
    if "columns" in document and isinstance(rows, list):
        if all(isinstance(row, list) for row in rows):
            names = [str(name) for name in document["columns"]]
            return [dict(zip(names, row, strict=False)) for row in rows]
        return None
    inner = list(document.values())
    return inner[0] if len(inner) == 1 and _are_records(inner[0]) else None


def _of_columns(document: dict[str, Any]) -> Any:
    """Columns of lists or of values by row, rows by their keys, or one record."""
    inner = list(document.values())
    if inner and all(isinstance(value, dict) for value in inner):
        return _by_key(document)
    if inner and all(isinstance(value, list) for value in inner):
        return document if len({len(value) for value in inner}) == 1 else None
    return None if any(isinstance(value, dict | list) for value in inner) else [document]


def _are_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _by_key(document: dict[str, dict[str, Any]]) -> Any:
    """Columns of values by row, or rows of values by column: the keys of rows are numbers."""
    inner = next(iter(document.values()))
    if all(key.isdigit() for key in document) and not all(key.isdigit() for key in inner):
        return list(document.values())
    rows = list(dict.fromkeys(key for column in document.values() for key in column))
    return {name: [column.get(row) for row in rows] for name, column in document.items()}


def _frame(records: Any) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(records).rename(columns=lambda name: str(name).strip())


def _lines(data: bytes, path: Path) -> pd.DataFrame:
    """JSON lines, by Arrow where the values of a column are of one type."""
    import pyarrow as pa
    import pyarrow.json as pj

    try:
        options = pj.ReadOptions(block_size=min(len(data) + 1, 2**31 - 1))
        return arrow_to_frame(pj.read_json(pa.BufferReader(data), options), str(path))
    except pa.ArrowException:
        return _frame(_line_by_line(data, path))


def _line_by_line(data: bytes, path: Path) -> list[object]:
    """One object per line, for values of mixed types, which Arrow refuses."""
    records: list[object] = []
    for number, line in enumerate(data.splitlines(), start=1):
        if line.strip():
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if not isinstance(record, dict):
                msg = f"{path}, line {number}, is not one JSON object; write one per line."
                raise DataError(msg)
            records.append(record)
    return records
