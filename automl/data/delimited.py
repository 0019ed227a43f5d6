"""Delimited text as columns of text, by Arrow's parser; lines that are no rows are told."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from automl.data.frames import is_number_at_first, stripped
from automl.data.rewrite import plain_text
from automl.data.sniff import (
    BLANKS,
    LONGEST,
    Form,
    csv_reader,
    find_form,
    is_drawn,
    without_blanks,
)
from automl.data.surplus import is_total, rows_only
from automl.data.words import is_remark, shown
from automl.errors import DataError
from automl.text import counted, first_line

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pyarrow as pa

_BLOCK = 1 << 24
_MOST_ODD = 10_000


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

    data, said = plain_text(data, source)
    form = find_form(data, source, separator=separator, header=header, expected=expected)
    if form.tight:
        data = without_blanks(data.decode(), form.separator).encode()
    body = _Body(form, source, data, memoryview(data)[form.start :])
    table = body.table()
    names = [name or f"unnamed_{i}" for i, name in enumerate(form.names, start=1)]
    table = table.rename_columns(names)
    if _has_blanks(data, form.separator):
        columns = [c if is_number_at_first(c) else stripped(c) for c in table.columns]
        table = pa.table(columns, names=table.column_names)
    table, notes = rows_only(table, form, training=not expected)
    return table, replace(form, notes=(*said, *form.notes, *body.notes, *notes))


def _has_blanks(data: bytes, separator: str) -> bool:
    """True if values may have blanks around them, or stand as Excel keeps words."""
    blanks = [mark for mark in (b" ", b"\t", b'="') if mark != separator.encode()]
    return not data.isascii() or any(mark in data for mark in blanks)


@dataclass
class _Body:
    """The rows below the header, and the lines among them that are none."""

    form: Form
    source: str
    whole: bytes
    """The whole text, header and all."""
    rows: memoryview | bytes
    """The rows below the header, not copied unless they had to be rewritten."""
    notes: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    def table(self) -> pa.Table:
        """All rows as columns of text.

        Raises:
            DataError: A row has another number of values than the header.
        """
        if self.form.separator == BLANKS:
            lines = re.sub(rb"(?m)^[ \t]+|[ \t\r]+$", b"", bytes(self.rows))
            self.rows = re.sub(rb"[ \t]+", b" ", lines)
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

        if re.search(rb"\S", self.rows) is None:
            return pa.table({str(j): pa.array([], pa.string()) for j in range(self.form.width)})
        for block in (_BLOCK, LONGEST):
            self.odd.clear()
            try:
                return self._arrow(min(len(self.rows) + 1, block))
            except pa.ArrowInvalid as error:
                if "straddling" in str(error) and block < LONGEST:
                    continue
                msg = f"{self.source} is not a table of delimited text: {first_line(error)}"
                raise DataError(msg) from None
        return pa.table({})

    def _arrow(self, block: int) -> pa.Table:
        import pyarrow as pa
        from pyarrow import csv as pacsv

        form = self.form
        names = [str(j) for j in range(form.width)]
        return pacsv.read_csv(
            pa.BufferReader(pa.py_buffer(self.rows)),
            read_options=pacsv.ReadOptions(block_size=block, column_names=names),
            parse_options=pacsv.ParseOptions(
                delimiter=form.separator,
                quote_char=form.quote,
                escape_char=form.escape or False,
                newlines_in_values=form.quote.encode() in self.whole,
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
        with csv_reader(io.StringIO(text, newline=""), self.form.options) as reader:
            return [cell.strip() for cell in next(reader, [])]

    def _unexplained(self) -> list[str]:
        """The odd lines that are neither remarks nor headers nor notes at the end."""
        if not self.odd:
            return []
        odd = {text: self._fields(text) for text in self.odd}
        remarks = [t for t in self.odd if is_remark(next(iter(odd[t]), ""))]
        named = [name for name in self.form.names if name]
        headers = [t for t in self.odd if [c for c in odd[t] if c] == named]
        drawn = [t for t in self.odd if is_drawn(odd[t])]
        empty = (t for t in self.odd if not any(odd[t]))
        explained = {*remarks, *headers, *drawn, *empty}
        notes = self._at_the_end([t for t in self.odd if t not in explained])
        for lines, what in (
            (remarks, "that begin with #"),
            (headers, "that repeat the header"),
            (drawn, "of dashes"),
            (notes, "below the table"),
        ):
            if lines:
                many = counted(len(lines), "line")
                self.notes.append(f"Left out {many} {what}: {shown(lines[0])}")
        explained.update(notes)
        return [text for text in self.odd if text not in explained]

    def _at_the_end(self, odd: Sequence[str]) -> list[str]:
        """The lines below the last row that are sentences or totals."""
        found = []
        rest = bytes(self.rows).rstrip()
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
        return "\n" in text.strip() and text.count(self.form.quote) % 2 == 1

    def _too_long_by_blanks(self, text: str) -> bool:
        cells = self._fields(text)
        return len(cells) > self.form.width and not any(cells[self.form.width :])

    def _mend(self) -> None:
        """Rewrite the rows without the empty fields behind the last column."""
        form = self.form
        text = io.StringIO(str(self.rows, "utf-8"), newline="")
        out = io.StringIO(newline="")
        writer = csv.writer(out, **form.options)
        with csv_reader(text, form.options) as reader:
            for row in reader:
                extra = len(row) > form.width and not any(c.strip() for c in row[form.width :])
                writer.writerow(row[: form.width] if extra else row)
        self.rows = out.getvalue().encode()

    def _ragged(self, text: str) -> str:
        row = rb"\n" + re.escape(text.encode()) + rb"(?=[\r\n]|$)"
        found = re.search(row, self.whole)
        lines = self.whole.count(b"\n", 0, found.start()) + 2 if found else 0
        where = f"line {lines}" if lines else "one row"
        values = counted(len(self._fields(text)), "value")
        return (
            f"{self.source}: {where} has {values} where the header has {self.form.width}; mend "
            "that row, or put quotes around values that hold the separator."
        )


def _is_note(cells: Sequence[str], width: int) -> bool:
    """True for the fields of a line that is a sentence or a total, not a row cut short."""
    if not cells or len(cells) > max(1, width // 2):
        return len(cells) > 0 and is_total(cells)
    return bool(re.search(r"[^\W\d_]", cells[0])) and (
        " " in cells[0] or ":" in cells[0] or is_total(cells)
    )
