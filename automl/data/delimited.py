"""Delimited text as columns of text, by Arrow's parser; lines that are no rows are told."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl.data.frames import is_number_at_first, stripped
from automl.data.sniff import BLANKS, Form, find_form
from automl.data.words import EXCEL_ERRORS, FOOTERS, is_remark, shown
from automl.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pyarrow as pa

_BLOCK = 1 << 24
_LARGEST_BLOCK = 2**31 - 1
_MOST_ODD = 10_000
_LAST = 5
"""Rows at the end that may hold totals."""


def read_delimited(
    data: bytes,
    source: str,
    *,
    separator: str = "",
    header: bool = True,
    expected: Collection[str] = (),
) -> tuple[pa.Table, Form]:
    """Read UTF-8 delimited text as columns of text, stripped unless they begin with numbers.

    Args:
        data: The file's content.
        source: What messages call it.
        separator: The separator, where it is known.
        header: Whether the first line names the columns.
        expected: Names of columns that the header should have; empty for a training file, whose
            rows without any value are left out.

    Returns:
        The table, and the form that it was read in.

    Raises:
        DataError: For a header that is missing or names a column twice, or for ragged rows.
    """
    import pyarrow as pa

    form = find_form(data, source, separator=separator, header=header, expected=expected)
    body = _Body(form, source, data)
    table = body.table()
    names = [name or f"unnamed_{i}" for i, name in enumerate(form.names, start=1)]
    table = table.rename_columns(names)
    if _has_blanks(data, form.separator):
        columns = [c if is_number_at_first(c) else stripped(c) for c in table.columns]
        table = pa.table(columns, names=table.column_names)
    table, notes = _rows_only(table, form, training=not expected)
    return table, _with_notes(form, (*body.notes, *notes))


def _has_blanks(data: bytes, separator: str) -> bool:
    """True if values may have blanks around them, or stand as Excel keeps words."""
    blanks = [mark for mark in (b" ", b"\t", b'="') if mark != separator.encode()]
    return not data.isascii() or any(mark in data for mark in blanks)


def _with_notes(form: Form, notes: Sequence[str]) -> Form:
    from dataclasses import replace

    return replace(form, notes=(*form.notes, *notes))


@dataclass
class _Body:
    """The rows below the header, and the lines among them that are none."""

    form: Form
    source: str
    whole: bytes
    """The whole text, header and all."""
    mended: bytes | None = None
    """The rows where they had to be rewritten."""
    notes: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        """The rows below the header."""
        return self.whole[self.form.start :] if self.mended is None else self.mended

    def table(self) -> pa.Table:
        """All rows as columns of text.

        Raises:
            DataError: A row has another number of values than the header.
        """
        if self.form.separator == BLANKS:
            lines = re.sub(rb"(?m)^[ \t]+|[ \t\r]+$", b"", self.data)
            self.mended = re.sub(rb"[ \t]+", b" ", lines)
        table = self._parsed()
        left = self._unexplained()
        if not left:
            return table
        if all(self._too_long_by_blanks(text) for text in left):
            self._mend()
            self.odd.clear()
            table = self._parsed()
            self.notes.append(f"Left out empty fields behind the last column in {len(left):,} rows")
            return table
        if self._left_open(left[0]):
            first = shown(left[0].splitlines()[0])
            msg = f"{self.source}: a quote in {first} is never closed; close it or leave it out."
            raise DataError(msg)
        raise DataError(self._ragged(left[0]))

    def _parsed(self) -> pa.Table:
        import pyarrow as pa

        rows = self._buffer()
        if re.search(rb"\S", rows) is None:
            return pa.table({str(j): pa.array([], pa.string()) for j in range(self.form.width)})
        for block in (_BLOCK, _LARGEST_BLOCK):
            self.odd.clear()
            try:
                return self._arrow(rows, min(len(rows) + 1, block))
            except pa.ArrowInvalid as error:
                if "straddling" in str(error) and block < _LARGEST_BLOCK:
                    continue
                msg = f"{self.source} is not a table of delimited text: {_first_line(error)}"
                raise DataError(msg) from None
        return pa.table({})

    def _buffer(self) -> memoryview:
        """The rows below the header, not copied."""
        if self.mended is not None:
            return memoryview(self.mended)
        return memoryview(self.whole)[self.form.start :]

    def _arrow(self, rows: memoryview, block: int) -> pa.Table:
        import pyarrow as pa
        from pyarrow import csv as pacsv

        form = self.form
        names = [str(j) for j in range(form.width)]
        return pacsv.read_csv(
            pa.BufferReader(pa.py_buffer(rows)),
            read_options=pacsv.ReadOptions(block_size=block, column_names=names),
            parse_options=pacsv.ParseOptions(
                delimiter=form.separator,
                quote_char=form.quote or False,
                escape_char=form.escape or False,
                newlines_in_values=bool(form.quote) and form.quote.encode() in self.whole,
                ignore_empty_lines=form.width > 1,  # of one column they are rows without a value
                invalid_row_handler=self._note,
            ),
            convert_options=pacsv.ConvertOptions(
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                column_types=dict.fromkeys(names, pa.string()),
            ),
        )

    def _note(self, row: Any) -> str:
        self.odd.append(row.text)
        return "skip" if len(self.odd) < _MOST_ODD else "error"

    def _fields(self, text: str) -> list[str]:
        form = self.form
        separator = form.separator
        reader = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=separator,
            quotechar=form.quote or None,
            escapechar=form.escape or None,
            quoting=csv.QUOTE_MINIMAL if form.quote else csv.QUOTE_NONE,
        )
        return [cell.strip() for cell in next(reader, [])]

    def _unexplained(self) -> list[str]:
        """The odd lines that are neither remarks nor headers nor notes at the end."""
        if not self.odd:
            return []
        odd = list(self.odd)
        remarks = [t for t in odd if is_remark(next(iter(self._fields(t)), ""))]
        named = [name for name in self.form.names if name]
        headers = [t for t in odd if [c for c in self._fields(t) if c] == named]
        empty = [t for t in odd if not any(self._fields(t))]
        notes = self._at_the_end([t for t in odd if t not in {*remarks, *headers, *empty}])
        for lines, what in (
            (remarks, "that begin with #"),
            (headers, "that repeat the header"),
            (notes, "below the table"),
        ):
            if lines:
                many = f"{len(lines):,} line" + "s" * (len(lines) > 1)
                self.notes.append(f"Left out {many} {what}: {shown(lines[0])}")
        explained = {*remarks, *headers, *empty, *notes}
        return [text for text in odd if text not in explained]

    def _at_the_end(self, odd: Sequence[str]) -> list[str]:
        """The lines below the last row that are sentences or totals."""
        found = []
        rest = self.data.rstrip()
        for text in reversed(odd):
            cells = [cell for cell in self._fields(text) if cell]
            line = text.strip().encode()
            if (
                self._left_open(text)
                or not rest.endswith(line)
                or not _is_note(cells, self.form.width)
            ):
                break
            found.append(text)
            rest = rest[: len(rest) - len(line)].rstrip()
        return found[::-1]

    def _left_open(self, text: str) -> bool:
        """True for lines behind a quote that is never closed."""
        quote = self.form.quote
        return bool(quote) and "\n" in text.strip() and text.count(quote) % 2 == 1

    def _too_long_by_blanks(self, text: str) -> bool:
        cells = self._fields(text)
        return len(cells) > self.form.width and not any(cells[self.form.width :])

    def _mend(self) -> None:
        """Rewrite the rows without the empty fields behind the last column."""
        form = self.form
        text = io.StringIO(self.data.decode(), newline="")
        out = io.StringIO(newline="")
        options: dict[str, Any] = {"delimiter": form.separator, "quotechar": form.quote or '"'}
        writer = csv.writer(out, **options)
        for row in csv.reader(text, **options):
            extra = len(row) > form.width and not any(cell.strip() for cell in row[form.width :])
            writer.writerow(row[: form.width] if extra else row)
        self.mended = out.getvalue().encode()

    def _ragged(self, text: str) -> str:
        row = rb"\n" + re.escape(text.encode()) + rb"(?=[\r\n]|$)"
        found = re.search(row, self.whole)
        lines = self.whole.count(b"\n", 0, found.start()) + 2 if found else 0
        where = f"line {lines}" if lines else "one row"
        return (
            f"{self.source}: {where} has {len(self._fields(text))} values where the header has "
            f"{self.form.width}; mend that row, or put quotes around values that hold the "
            "separator."
        )


def _is_note(cells: Sequence[str], width: int) -> bool:
    """True for the fields of a line that is a sentence or a total, not a row cut short."""
    if not cells or len(cells) > max(1, width // 2):
        return len(cells) > 0 and _is_total(cells)
    return bool(re.search(r"[^\W\d_]", cells[0])) and (
        " " in cells[0] or ":" in cells[0] or _is_total(cells)
    )


def _is_total(cells: Sequence[str]) -> bool:
    first = re.split(r"[\s:(]", cells[0].lower(), maxsplit=1)[0] if cells else ""
    return first in FOOTERS


def _rows_only(table: pa.Table, form: Form, *, training: bool) -> tuple[pa.Table, list[str]]:
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
    return [f"Left out {rows:,} line" + "s" * (rows > 1) + f" {what}"] if rows else []


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
        if len(cells) == len(row) or len(row) < 3 or not _is_total(cells):
            break
        rows -= 1
    if rows < len(table):
        first = next(c[rows].as_py() for c in table.columns if c[rows].as_py())
        many = f"{len(table) - rows:,} line" + "s" * (len(table) - rows > 1)
        notes.append(f"Left out {many} of totals below the table: {shown(first)}")
    return table.slice(0, rows), notes


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
