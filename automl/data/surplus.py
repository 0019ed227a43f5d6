"""Rows of a table of text that are none: units, remarks, headers, totals, rows without a value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from automl.data.words import EXCEL_ERRORS, FOOTERS, shown
from automl.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from automl.data.sniff import Form

_LAST = 5
"""Rows at the end that may hold totals."""


def is_total(cells: Sequence[str]) -> bool:
    """True for the fields of a line that begins as a total or a note does."""
    first = re.split(r"[\s:(]", cells[0].lower(), maxsplit=1)[0]
    return first in FOOTERS


def rows_only(table: pa.Table, form: Form, *, training: bool) -> tuple[pa.Table, list[str]]:
    """The table without what has as many fields as a row and is none; sentences on that."""
    import pyarrow as pa
    import pyarrow.compute as pc

    notes: list[str] = []
    if form.units:
        table = table.slice(1)
    if form.comment and len(table):
        first = pc.fill_null(table.column(0), "")
        errors = pc.is_in(first, value_set=pa.array(EXCEL_ERRORS, first.type))
        keep = pc.or_(pc.invert(pc.starts_with(first, "#")), errors)
        table, left = _filtered(table, keep)
        notes += _told(left, "that begin with #")
    if len(table) and len(form.names) > 1:
        table, left = _filtered(table, _no_header(table, form.names))
        notes += _told(left, "that repeat the header")
    if training and len(table) and table.num_columns > 1:
        table, left = _filtered(table, _some_value(table))
        notes += _told(left, "without any value")
    return _without_totals(table, notes)


def _told(rows: int, what: str) -> list[str]:
    return [f"Left out {counted(rows, 'line')} {what}"] if rows else []


def _filtered(table: pa.Table, keep: Any) -> tuple[pa.Table, int]:
    import pyarrow.compute as pc

    if keep is None or pc.all(keep).as_py() is not False:
        return table, 0
    kept = table.filter(keep)
    return kept, len(table) - len(kept)


def _no_header(table: pa.Table, names: Sequence[str]) -> Any:
    """(n,) bool: False for rows that repeat the names; None if there is none."""
    import pyarrow.compute as pc

    same: Any = None
    for column, name in zip(table.columns, names, strict=True):
        if not name:
            continue
        here = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(column), name), False)
        same = here if same is None else pc.and_(same, here)
        if not pc.any(same).as_py():
            return None
    return None if same is None else pc.invert(same)


def _some_value(table: pa.Table) -> Any:
    """(n,) bool: False for rows without any value; None if every row has one."""
    import pyarrow.compute as pc

    empty: Any = None
    for column in table.columns:
        if not column.null_count:
            return None
        here = pc.is_null(column)
        empty = here if empty is None else pc.and_(empty, here)
        if not pc.any(empty).as_py():
            return None
    return pc.invert(empty)


def _without_totals(table: pa.Table, notes: list[str]) -> tuple[pa.Table, list[str]]:
    """The table without rows at its end that are called totals and leave fields empty."""
    rows = len(table)
    for _ in range(min(_LAST, max(rows - 1, 0))):
        row = [column[rows - 1].as_py() for column in table.columns]
        cells = [cell for cell in row if cell]
        if len(cells) == len(row) or len(row) < 3 or not is_total(cells):
            break
        rows -= 1
    if rows < len(table):
        first = next(c[rows].as_py() for c in table.columns if c[rows].as_py())
        many = counted(len(table) - rows, "line")
        notes.append(f"Left out {many} of totals below the table: {shown(first)}")
    return table.slice(0, rows), notes
