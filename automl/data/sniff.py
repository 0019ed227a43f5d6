"""The form of a delimited text: its separator, its quotes, and where its table begins."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from automl.data.words import is_remark, shown
from automl.errors import DataError
from automl.text import counted

USUAL = (",", "\t", ";", "|")
RARE = ("\x01", "\x1f", "^", "~")
BLANKS = " "
"""Stands for one or more blanks."""
LONGEST = 2**31 - 1
"""Bytes of a field at most, as of a block of Arrow."""
_LINES = 100
_BYTES = 1 << 21
_FEW, _CELLS = 20, 50_000
"""Rows, and fields of wide tables, that tell what the first line is."""
_SEP = re.compile(r"\ufeff?\"?sep=(.|\\t)\"?", re.IGNORECASE)
_DECIMAL = re.compile(r"[-+]?\d+\.\d+(e[-+]?\d+)?", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)(e[-+]?\d+)?", re.IGNORECASE)
_SINGLE = re.compile(r"(?:^|[,;\t|])'[^'\n]*'(?=[,;\t|\r\n]|$)", re.MULTILINE)
_UNIT = re.compile(r"[\[(]?[^\W\d_]{0,12}[\w/%°µ²³^*. -]{0,12}[\])]?")
Rows = Sequence[tuple[int, list[str]]]
"""Rows of fields, each with the lines that the text has up to its end."""


@dataclass(frozen=True, slots=True)
class Form:
    """The form of one text."""

    separator: str
    quote: str
    start: int
    """Bytes before the first row of values."""
    names: tuple[str, ...]
    width: int
    """Fields of a row; more than names where rows begin with a name or end in a separator."""
    escape: str = ""
    comment: bool = False
    """True if lines that begin with `#` are remarks."""
    units: bool = False
    """True if the first row holds the units of the columns, or is a line drawn under the names."""
    tight: bool = False
    """True if blanks before opening quotes had to go."""
    notes: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """Its marks as readers and writers of `csv` take them."""
        return csv_options(self.separator, self.quote, self.escape)


def find_form(
    data: bytes,
    source: str,
    *,
    separator: str = "",
    header: bool = True,
    expected: Collection[str] = (),
) -> Form:
    """The form of UTF-8 text, inferred from its first lines.

    Args:
        data: The content of a file.
        source: Its name in messages.
        separator: The separator, where it is known.
        header: Whether the first line names the columns.
        expected: Names of columns that its header should have.

    Raises:
        DataError: The header is missing or names a column twice.
    """
    lines = _first_lines(data)
    hint = _SEP.fullmatch(lines[0].strip("\r\n")) if lines else None
    notes: tuple[str, ...] = ()
    skipped = 0
    if hint:
        separator = separator or hint[1].replace("\\t", "\t")
        notes = (f"Left out the line {lines[0].strip()!r}, which is meant for Excel",)
        lines, skipped = lines[1:], len(lines[0].encode())
    separator, quote, escape = _dialect(lines, separator)
    tight = _has_blank_quotes(lines, separator, quote)
    if tight:
        lines = list(io.StringIO(without_blanks("".join(lines), separator), newline=""))
    rows = split(lines, separator, quote, escape)
    _check_quotes(lines, rows, source)
    form = Form(separator, quote, 0, (), 1, escape, notes=notes, tight=tight)
    if not header:
        return _nameless(form, rows, lines, skipped)
    form, at = _begin(form, rows, expected)
    return _named(form, rows[at:], lines, skipped, source)


def _first_lines(data: bytes) -> list[str]:
    head = data[:_BYTES]
    if len(head) < len(data) and b"\n" in head:
        head = head[: head.rindex(b"\n") + 1]
    text = io.StringIO(head.decode(errors="replace"), newline="")
    return [line for _, line in zip(range(10 * _LINES), text, strict=False)]


def csv_options(separator: str, quote: str, escape: str) -> dict[str, Any]:
    """Marks as readers and writers of `csv` take them."""
    return {"delimiter": separator, "quotechar": quote, "escapechar": escape or None}


@contextmanager
def csv_reader(lines: Iterable[str], options: dict[str, Any]) -> Iterator[Any]:
    """A reader of `csv` whose fields may be as long as Arrow's."""
    limit = csv.field_size_limit(LONGEST)
    try:
        yield csv.reader(lines, **options)
    finally:
        csv.field_size_limit(limit)


def split(lines: Sequence[str], separator: str, quote: str, escape: str = "") -> Rows:
    """The rows of some lines, at most a hundred; none where quotes leave them unreadable."""
    if separator == BLANKS:
        lines = [re.sub(r"[ \t]+", " ", line.strip(" \t")) for line in lines]
    try:
        with csv_reader(lines, csv_options(separator, quote, escape)) as reader:
            return [(reader.line_num, row) for _, row in zip(range(_LINES), reader, strict=False)]
    except csv.Error:
        return []


def _check_quotes(lines: Sequence[str], rows: Rows, source: str) -> None:
    text = "".join(lines)
    swallowed = len(rows) == 1 and rows[0][0] > 1 and text.count('"') % 2
    if not rows or swallowed:
        msg = f"{source}: a quote in the first line is never closed; close it or leave it out."
        raise DataError(msg)


def _dialect(lines: Sequence[str], separator: str) -> tuple[str, str, str]:
    """Separator, quote and escape that give the most rows the same number of fields."""
    text = "".join(lines)
    quotes = [('"', "")]
    if '\\"' in text:
        quotes.append(('"', "\\"))
    if len(_SINGLE.findall(text)) > 2:
        quotes.insert('"' in text, ("'", ""))
    tiers = [(separator,)] if separator else [USUAL, RARE, (BLANKS,)]
    best = (separator or ",", '"', "")
    best_score: tuple[float, int, int] = (0.0, 0, 0)
    for tier in tiers:
        for quote, escape in quotes:
            for one in tier:
                score = _score(lines, one, quote, escape)
                if score > best_score:
                    best, best_score = (one, quote, escape), score
        if best_score[2] > 1:
            break
    return best


def _score(lines: Sequence[str], separator: str, quote: str, escape: str) -> tuple[float, int, int]:
    """Agreement of the rows, signs of a header above them, and their width."""
    rows = split(lines, separator, quote, escape)
    fields = [row for _, row in rows if row and not is_remark(row[0])]
    widths = [len(row) for row in fields]
    width = _usual(widths)
    if width < 2:
        return 0.0, 0, 0
    agreement = round(sum(w == width for w in widths) / len(widths), 1)
    first = widths.index(width)
    head = fields[first - 1] if first and _precedes(widths[first - 1], width) else fields[first]
    named = not any(_NUMBER.fullmatch(cell.strip()) for cell in head)
    if separator == BLANKS and (agreement < 1 or not _some_numbers(fields, width)):
        return 0.0, 0, 0
    signs = 4 * named + 2 * (len(head) == width) + (head is fields[0])
    return agreement, signs, width


def _precedes(width: int, usual: int) -> bool:
    """True for the width of a header over rows of the usual width."""
    return width >= 2 and abs(width - usual) == 1


def _some_numbers(rows: Sequence[Sequence[str]], width: int) -> bool:
    full = [row for row in rows[1:] if len(row) == width]
    return any(all(_NUMBER.fullmatch(row[j]) for row in full) for j in range(width) if full)


def _usual(widths: Sequence[int]) -> int:
    """The most frequent width; of several the largest."""
    counts = Counter(w for w in widths if w)
    return max(counts, key=lambda w: (counts[w], w), default=0)


def _begin(form: Form, rows: Rows, expected: Collection[str]) -> tuple[Form, int]:
    """The form with its width, and the position of the header among the rows."""
    remarks = [i for i, (_, row) in enumerate(rows) if row and is_remark(row[0])]
    widths = [len(row) for _, row in rows]
    width = _usual([w for i, w in enumerate(widths) if i not in set(remarks)] or widths)
    form = replace(form, width=width)
    at = _expected_at(rows, expected)
    if at is None:
        at = _header_at(rows, widths, width, remarks)
    comment = any(i < at for i in remarks)
    above = [(line, row) for line, row in rows[:at] if any(cell.strip() for cell in row)]
    if above:
        first = form.separator.join(above[0][1]).strip()
        note = f"Left out {counted(len(above), 'line')} above the table: {shown(first)}"
        form = replace(form, notes=(*form.notes, note))
    return replace(form, comment=comment), at


def _expected_at(rows: Rows, expected: Collection[str]) -> int | None:
    """The row that holds the most of the names, at least half of them."""
    wanted = set(expected)
    hits = [len({cell.strip().lstrip("#") for cell in row} & wanted) for _, row in rows]
    most = max(hits, default=0)
    return hits.index(most) if most and 2 * most >= len(wanted) else None


def _header_at(rows: Rows, widths: Sequence[int], width: int, remarks: Sequence[int]) -> int:
    """The position of the row that names the columns."""
    first = next((i for i, w in enumerate(widths) if w and i not in set(remarks)), 0)
    if width < 2:
        return first
    at = next((i for i in range(first, len(rows)) if widths[i] == width), first)
    if at > first and _precedes(widths[at - 1], width) and at - 1 not in set(remarks):
        at -= 1
    elif at and at - 1 in set(remarks) and widths[at - 1] == width and _is_row(rows, at):
        return at - 1  # names behind a '#'
    return _below_titles(rows, at, width)


def _below_titles(rows: Rows, at: int, width: int) -> int:
    """The first row from there on that is neither blank nor a title filled up with separators."""
    filled = [sum(bool(cell.strip()) for cell in row) for _, row in rows]
    while at + 1 < len(rows):
        first = bool(rows[at][1]) and bool(rows[at][1][0].strip())
        title = (
            filled[at] == 1
            and first
            and (filled[at + 1] == 0 or (width > 2 and filled[at + 1] > 1))
        )
        if filled[at] and not title and not _above_names(rows, filled, at, width):
            break
        at += 1
    return at


def _above_names(rows: Rows, filled: Sequence[int], at: int, width: int) -> bool:
    """True for a row of headings over groups of columns, whose names stand in the next row."""
    if width < 3 or 2 * filled[at] > width or at + 2 >= len(rows):
        return False
    names = [cell.strip() for cell in rows[at + 1][1]]
    return (
        len(names) == width == len(set(names)) == filled[at + 1]
        and not any(_NUMBER.fullmatch(name) for name in names)
        and _is_row(rows, at + 2)
    )


def _is_row(rows: Rows, at: int) -> bool:
    return any(_NUMBER.fullmatch(cell.strip()) for cell in rows[at][1])


def _named(form: Form, rows: Rows, lines: Sequence[str], skipped: int, source: str) -> Form:
    """The form with the names that the first of the rows gives."""
    end, head = rows[0]
    names = [cell.strip() for cell in head]
    if names and names[0].startswith("#") and len(names) > 1:
        names[0] = names[0].lstrip("# ")
    some = rows[1 : 1 + max(_FEW, _CELLS // form.width)]
    body = [row for _, row in some if len(row) == form.width and row != head]
    form = _fitted(replace(form, names=tuple(names)), body)
    body = [row for row in body if len(row) == form.width]
    _check_header(form, body, source)
    start = skipped + sum(len(line.encode()) for line in lines[:end])
    form = replace(form, start=start)
    if body and is_drawn(body[0]):
        note = "Left out the line drawn under the names"
        return replace(form, units=True, notes=(*form.notes, note))
    if _holds_units(form, body):
        units = ", ".join(cell.strip() for cell in body[0] if cell.strip())
        note = f"Left out the row under the names, which holds units: {shown(units)}"
        form = replace(form, units=True, notes=(*form.notes, note))
    return form


def _fitted(form: Form, body: Sequence[Sequence[str]]) -> Form:
    """The form with as many names as rows have fields."""
    names = list(form.names)
    if not body:
        return replace(form, width=len(names))
    if len(names) == form.width - 1:
        if all(not row[-1].strip() for row in body):
            note = "Left out the empty field behind the last separator of every row"
            return replace(form, names=(*names, ""), notes=(*form.notes, note))
        if len({row[0] for row in body}) < len(body):
            return replace(form, width=len(names))  # names of rows differ: the rows are too long
        note = "The first field of every row has no name: taken for the names of the rows"
        return replace(form, names=("", *names), notes=(*form.notes, note))
    while len(names) > form.width and not names[-1]:
        names.pop()
    return replace(form, names=tuple(names), width=len(names))


def _check_header(form: Form, body: Sequence[Sequence[str]], source: str) -> None:
    """Refuse a first line that is a row.

    Raises:
        DataError: There are no names of columns.
    """
    named = [name for name in form.names if name]
    if any(_DECIMAL.fullmatch(name) for name in named):
        msg = (
            f"{source} starts with numbers, not with column names; add a header line, or say "
            "--no-header."
        )
        raise DataError(msg)
    alike = sum(_among(name, [row[j] for row in body]) for j, name in enumerate(form.names))
    words = [name for name in named if not _NUMBER.fullmatch(name)]
    twice = len(set(named)) < len(named)
    if len(body) >= 2 and len(named) > 1 and alike >= 0.8 * len(form.names) and (words or twice):
        msg = (
            f"{source} starts with a row, not with column names: {shown(', '.join(named))} are "
            "values of the columns; add a header line, or say --no-header."
        )
        raise DataError(msg)


def _among(name: str, cells: Sequence[str]) -> bool:
    """True for a name that is like the values below it: a number over numbers, or one of them."""
    stripped = [cell.strip() for cell in cells]
    filled = [cell for cell in stripped if cell]
    if _NUMBER.fullmatch(name):
        return bool(filled) and all(_NUMBER.fullmatch(cell) for cell in filled)
    return name in stripped


def is_drawn(cells: Sequence[str]) -> bool:
    """True for the fields of a line of dashes, as Markdown and consoles draw under names."""
    plain = "".join(cells).replace(" ", "")
    return "--" in plain and not plain.strip("-+|:=")


def _has_blank_quotes(lines: Sequence[str], separator: str, quote: str) -> bool:
    """True if a blank stands between a separator and the quote that opens a field."""
    pattern = rf'{re.escape(separator)} +"'
    return quote == '"' and separator != BLANKS and re.search(pattern, "".join(lines)) is not None


def without_blanks(text: str, separator: str) -> str:
    """The text without blanks between a separator and the quote that opens a field."""
    pattern = rf'(?<![^{re.escape(separator)}\n]) +(?=")|"(?:[^"]|"")*"'
    return re.sub(pattern, lambda found: found[0] if found[0].startswith('"') else "", text)


def _holds_units(form: Form, body: Sequence[Sequence[str]]) -> bool:
    """True if the first row has words where the columns below hold numbers."""
    if len(body) < 4:
        return False
    first, others = body[0], body[1:]
    numbers = [
        j
        for j in range(form.width)
        if sum(bool(_NUMBER.fullmatch(row[j].strip())) for row in others) >= 0.9 * len(others)
    ]
    if len(numbers) < 2 or 2 * len(numbers) < form.width:
        return False
    cells = [first[j].strip() for j in numbers]
    filled = [cell for cell in first if cell.strip()]
    return (
        sum(map(bool, cells)) >= max(2, len(numbers) / 2)
        and all(_UNIT.fullmatch(cell) and not _NUMBER.fullmatch(cell) for cell in cells)
        and all(len(cell) <= 20 for cell in filled)
        and not any(cell.lower() in {"na", "nan", "null", "?", "-", "n/a"} for cell in cells)
    )


def _nameless(form: Form, rows: Rows, lines: Sequence[str], skipped: int) -> Form:
    """The form of a text without a header: columns are called x1, x2, ..."""
    remarks = 0
    while remarks < len(rows) and rows[remarks][1] and is_remark(rows[remarks][1][0]):
        remarks += 1
    width = _usual([len(row) for _, row in rows[remarks:]])
    names = tuple(f"x{j}" for j in range(1, width + 1))
    end = rows[remarks - 1][0] if remarks else 0
    start = skipped + sum(len(line.encode()) for line in lines[:end])
    return replace(form, start=start, names=names, width=width, comment=remarks > 0)
