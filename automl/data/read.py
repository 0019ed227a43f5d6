"""Read a table from a file or an address, and leave every judgement to the schema.

Only an empty field is read as missing here; words such as `NA`, `?` or `None` survive as text.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from automl.data.delimited import arrow_to_frame, read_delimited
from automl.data.named import read_openml, read_sklearn
from automl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_PACKED: dict[bytes, tuple[str, Callable[[bytes], bytes]]] = {
    b"\x1f\x8b": ("gzip", gzip.decompress),
    b"BZh": ("bzip2", bz2.decompress),
    b"\xfd7zXZ\x00": ("xz", lzma.decompress),
}
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1a\x1b")) + b"\x7f"


def read_table(source: str | Path, as_text: Collection[str] = ()) -> pd.DataFrame:
    """Read CSV (any common separator), Parquet or JSON lines, packed or not, or a named data set.

    Args:
        source: A path, `sklearn:NAME` or `openml:NAME`.
        as_text: Columns of delimited text whose values stay as they are written.

    Returns:
        One column per field, names and values stripped of outer spaces, numbers and ISO dates
        typed where a whole column is of that kind. `attrs["target"]` names the target where
        the source declares one.

    Raises:
        DataError: If there is nothing to read, or it is not a table with one name per column.
    """
    address = str(source)
    if address.startswith("sklearn:"):
        return read_sklearn(address.removeprefix("sklearn:"))
    if address.startswith("openml:"):
        return read_openml(address.removeprefix("openml:"))
    path = Path(source).expanduser()
    frame = _parse(_load(path), path, as_text)
    if not len(frame):
        msg = f"{path} has column names but no rows; give a file with data."
        raise DataError(msg)
    return frame


def _load(path: Path) -> bytes:
    """The bytes of a file, unpacked."""
    if path.is_dir():
        msg = f"{path} is a directory; give the path of one file in it."
        raise DataError(msg)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        msg = f"{path} does not exist; check the path."
        raise DataError(msg) from None
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}."
        raise DataError(msg) from None
    data = _unpack(data, path)
    if not data.strip():
        msg = f"{path} is empty; give a file with column names and rows."
        raise DataError(msg)
    return data


def _unpack(data: bytes, path: Path) -> bytes:
    if data.startswith(b"PK\x03\x04"):
        return _unzip(data, path)
    for magic, (name, decompress) in _PACKED.items():
        if data.startswith(magic):
            try:
                return decompress(data)
            except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
                msg = f"{path} is damaged: it starts like a {name} file but ends early ({error})."
                raise DataError(msg) from None
    return data


def _unzip(data: bytes, path: Path) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [
                n
                for n in archive.namelist()
                if not n.endswith("/") and not n.startswith(("__MACOSX/", "."))
            ]
            if "[Content_Types].xml" in names:
                msg = f"{path} is an Office document; save the sheet as CSV and give that."
                raise DataError(msg)
            if len(names) != 1:
                msg = f"{path} holds {len(names)} files; give a zip with one, or the file itself."
                raise DataError(msg)
            return _unpack(archive.read(names[0]), path)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error) as error:
        msg = f"{path} cannot be unpacked: {error}."
        raise DataError(msg) from None


def _parse(data: bytes, path: Path, as_text: Collection[str]) -> pd.DataFrame:
    if data.startswith(b"PAR1"):
        return _read_parquet(data, path)
    text = _as_utf8(data, path)
    if text.lstrip()[:1] in (b"{", b"["):
        frame = _read_json(text, path)
        if frame is not None:
            return frame
    if text.lstrip()[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        msg = f"{path} is a web page or XML, not a table; download the data file itself."
        raise DataError(msg)
    return read_delimited(text, str(path), as_text)


def _as_utf8(data: bytes, path: Path) -> bytes:
    """The text as UTF-8 without a byte-order mark; Windows-1252 is the fall back."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            try:
                return data.decode(encoding).encode()
            except UnicodeDecodeError:
                break
    data = data.removeprefix(b"\xef\xbb\xbf")
    if _looks_binary(data):
        msg = f"{path} is not a text table but binary data; give CSV, Parquet or JSON lines."
        raise DataError(msg)
    try:
        data.decode()
    except UnicodeDecodeError:
        try:
            return data.decode("cp1252").encode()
        except UnicodeDecodeError:
            return data.decode("latin-1").encode()
    return data


def _looks_binary(data: bytes) -> bool:
    """True with a zero byte, or control characters beyond the odd stray one."""
    if b"\x00" in data[: 1 << 20]:
        return True
    head = data[: 1 << 16]
    return len(head) - len(head.translate(None, _CONTROL)) > len(head) // 1000


def _read_parquet(data: bytes, path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as error:
        msg = f"{path} is a damaged Parquet file: {_first_line(error)}"
        raise DataError(msg) from None
    return arrow_to_frame(table, str(path))


def _read_json(data: bytes, path: Path) -> pd.DataFrame | None:
    """JSON lines, or one array of records; None if it is not JSON after all."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.json as pj

    if data.lstrip().startswith(b"{"):
        try:
            options = pj.ReadOptions(block_size=min(len(data) + 1, 2**31 - 1))
            return arrow_to_frame(pj.read_json(pa.BufferReader(data), options), str(path))
        except pa.ArrowException:
            records: object = _json_records(data, path)
    else:
        try:
            records = json.loads(data)
        except ValueError:
            return None
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        msg = f"{path} is JSON but not a list of records; write one object per line."
        raise DataError(msg)
    return pd.DataFrame.from_records(records).rename(columns=lambda name: str(name).strip())


def _json_records(data: bytes, path: Path) -> list[object]:
    """One object per line, for values of mixed types, which Arrow refuses."""
    records = []
    for number, line in enumerate(data.splitlines(), start=1):
        if line.strip():
            try:
                records.append(json.loads(line))
            except ValueError:
                msg = f"{path}, line {number}, is not one JSON object; write one per line."
                raise DataError(msg) from None
    return records


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
