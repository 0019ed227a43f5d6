"""Read a table from a file or an address, and leave every judgement to the schema.

Only an empty field is read as missing here; words such as `NA`, `?` or `None` survive as text.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from automl.data.delimited import read_delimited
from automl.data.encoding import to_utf8
from automl.data.frames import arrow_to_frame, check_names, find_decimal, text_to_frame
from automl.data.images.albums import FOLDER, album_table, list_archive, list_folder
from automl.data.json_tables import read_json
from automl.data.load import EMPTY, load
from automl.data.named import read_openml, read_sklearn
from automl.data.parquet import is_parquet, read_parquet
from automl.data.saved import note_layout
from automl.errors import DataError
from automl.text import first_line
from automl.types import Reading, TextLayout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    import pyarrow as pa

    from automl.data.amounts import DecimalVotes
    from automl.data.sniff import Form

ANY = Reading()
"""A file of which nothing is known."""


def read_table(source: str | Path, how: Reading = ANY) -> pd.DataFrame:
    """Read CSV (any common separator), Parquet, Arrow or JSON, packed or not, or a named set.

    A folder is read as one table of all Parquet files in it; one of images, or a zip file of them,
    becomes a table of their paths, with the sub-folders as labels.

    Args:
        source: A path, `sklearn:NAME` or `openml:NAME`.
        how: Its layout as far as it was asked for, or that of the training file.

    Returns:
        One column per field, names and values stripped of outer spaces, numbers and ISO dates
        typed where a whole column is of that kind. `attrs["target"]` names the target where
        the source declares one; `saved.layout_of` gives the form of a text.

    Raises:
        DataError: If there is nothing to read, or it is not a table with one name per column.
    """
    address = str(source)
    if address.startswith("sklearn:"):
        return read_sklearn(address.removeprefix("sklearn:"))
    if address.startswith("openml:"):
        return read_openml(address.removeprefix("openml:"))
    path = Path(source).expanduser()
    if is_parquet(path):
        frame = arrow_to_frame(read_parquet(path, how), str(path))
    elif names := list_folder(path) if path.is_dir() else list_archive(path):
        return album_table(path, names)
    else:
        frame = _typed(_parse(load(path), path, how), str(path), how)
    frame.attrs[FOLDER] = str(path.absolute().parent)
    if not len(frame):
        msg = f"{path} has column names but no rows; give a file with data."
        raise DataError(msg)
    return frame


class _Text(NamedTuple):
    """Delimited text, parsed."""

    tables: list[pa.Table]
    """One table of columns of words, to be taken out."""
    form: Form
    layout: TextLayout


def _parse(data: bytes, path: Path, how: Reading) -> pd.DataFrame | _Text:
    """A table, or the columns of a text, which needs its bytes no more."""
    if read := next((r for mark, r in _BINARY.items() if data.startswith(mark)), None):
        return arrow_to_frame(_read_binary(data, path, read), str(path))
    _check_format(data, path)
    given, later = how.layout, bool(how.expected)
    asked = "" if later else given.encoding
    text, encoding, said = to_utf8(data, str(path), asked, given.encoding)
    del data
    if re.search(rb"\S", text) is None:
        raise DataError(EMPTY.format(path))
    if text.lstrip()[:1] in (b"{", b"["):
        frame = read_json(text, path)
        if frame is not None:
            return frame
    if text.lstrip()[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        msg = f"{path} is a web page or XML, not a table; download the data file itself."
        raise DataError(msg)
    return _read_text(text.lstrip(b"\r\n"), str(path), how, TextLayout(encoding, notes=_some(said)))


def _some(said: str) -> tuple[str, ...]:
    return (said,) if said else ()


def _read_text(text: bytes, source: str, how: Reading, layout: TextLayout) -> _Text:
    """Delimited text as columns of words."""
    table, form = read_delimited(
        text,
        source,
        separator=_separator(text, how),
        header=how.layout.header,
        expected=how.expected,
    )
    check_names(table.column_names, source)
    return _Text([table], form, layout)


def _typed(read: pd.DataFrame | _Text, source: str, how: Reading) -> pd.DataFrame:
    """Columns of words typed, with the layout of the text under `attrs`."""
    if not isinstance(read, _Text):
        return read
    given, form, table = how.layout, read.form, read.tables.pop()
    decimal, marks = find_decimal(table, form.separator)
    doubts = () if given.decimal else _doubts(decimal, form.separator, marks)
    layout = replace(
        read.layout,
        separator=form.separator,
        quote=form.quote,
        header=given.header,
        decimal=given.decimal or decimal,
        notes=(*read.layout.notes, *form.notes, *doubts),
    )
    if how.expected:
        _check_marks(source, how, marks)
    names, columns = table.column_names, table.columns
    del table
    frame = text_to_frame(columns, names, how.as_text, layout.decimal)
    note_layout(frame, layout)
    return frame


def _doubts(decimal: str, separator: str, marks: Mapping[str, DecimalVotes]) -> tuple[str, ...]:
    """A sentence on points that may stand between thousands, where commas are decimal marks."""
    commas = separator == ";" or any(m.settled == "," for m in marks.values())
    names = [name for name, m in marks.items() if m.only_points]
    if decimal or not commas or not names:
        return ()
    shown = ", ".join(names[:3])
    example = marks[names[0]].example
    return (f"Read with a decimal point: {shown}, as in {example} (--decimal , says otherwise)",)


def _separator(text: bytes, how: Reading) -> str:
    """The separator to read with, empty to look for it.

    That of the training file holds for a later one unless no name of a column is found with it.
    """
    known = how.layout.separator
    if not known or not how.expected:
        return known
    head = text[: 1 << 16].decode(errors="replace")
    fields = {cell.strip().strip("\"'") for line in head.splitlines() for cell in line.split(known)}
    return known if len(how.expected) == 1 or fields & set(how.expected) else ""


def _check_marks(source: str, how: Reading, marks: dict[str, DecimalVotes]) -> None:
    """Refuse a later file whose numbers have another decimal mark than those of training.

    Raises:
        DataError: Naming a column.
    """
    usual = how.layout.decimal
    if not usual:
        return
    other = {name: m for name, m in marks.items() if name in how.numbers and m.settled}
    wrong = [name for name, m in other.items() if m.settled != usual]
    if wrong and len(wrong) == len(other):
        words = {",": "decimal commas", ".": "decimal points"}
        shown = ", ".join(repr(name) for name in wrong[:3])
        msg = (
            f"{source}: the numbers of {shown} are written with {words[other[wrong[0]].settled]}, "
            f"those of the training file with {words[usual]}; write them as there."
        )
        raise DataError(msg)


def _parquet(data: Any) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.read_table(data)


def _feather(data: Any) -> pa.Table:
    from pyarrow import ipc

    return ipc.open_file(data).read_all()


def _stream(data: Any) -> pa.Table:
    from pyarrow import ipc

    return ipc.open_stream(data).read_all()


_BINARY: dict[bytes, Callable[[Any], pa.Table]] = {
    b"PAR1": _parquet,
    b"ARROW1\x00\x00": _feather,
    b"\xff\xff\xff\xff": _stream,
}
"""Bytes at the start of tables that Arrow reads."""
_NAMES: dict[Callable[[Any], pa.Table], str] = {
    _parquet: "Parquet",
    _feather: "Feather",
    _stream: "Arrow",
}
_OTHER = {
    b"\xd0\xcf\x11\xe0": "an old Office document; save the sheet as CSV and give that",
    b"\x89HDF": "an HDF5 file; write its table with DataFrame.to_parquet and give that",
    b"SQLite format 3": "a SQLite data base; export the table as CSV and give that",
    **dict.fromkeys(
        (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"),
        "a pickle, which may run code; write the table with DataFrame.to_parquet",
    ),
    b"\x93NUMPY": "an array of NumPy; load it in Python and give it to AutoML.fit",
    b"$FL2": "an SPSS file; read it with pandas.read_spss and give the table to AutoML.fit",
    b"<stata_dta>": "a Stata file; read it with pandas.read_stata and give AutoML.fit the table",
}
"""Bytes at the start of files that are no table to us, and the cure."""
_TAR = (257, b"ustar")


def _check_format(data: bytes, path: Path) -> None:
    """Refuse formats that other tools read, by what they are.

    Raises:
        DataError: Naming the format and the cure.
    """
    cure = next((cure for mark, cure in _OTHER.items() if data.startswith(mark)), "")
    if data.startswith(_TAR[1], _TAR[0]):
        cure = "a tar archive; unpack it and give the path of one file in it"
    if cure:
        msg = f"{path} is {cure}."
        raise DataError(msg)


def _read_binary(data: bytes, path: Path, read: Callable[[Any], pa.Table]) -> pa.Table:
    import pyarrow as pa

    try:
        return read(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as error:
        msg = f"{path} is a damaged {_NAMES[read]} file: {first_line(error)}"
        raise DataError(msg) from None
