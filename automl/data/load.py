"""The bytes of a file, unpacked piece by piece and never beyond the memory there is."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from automl.errors import DataError


def _zstd(file: IO[bytes]) -> Any:
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")


_PACKED: dict[bytes, tuple[str, Callable[[Any], Any]]] = {
    b"\x1f\x8b": ("gzip", gzip.open),
    b"BZh": ("bzip2", bz2.BZ2File),
    b"\xfd7zXZ\x00": ("xz", lzma.LZMAFile),
    b"\x28\xb5\x2f\xfd": ("zstd", _zstd),
}
_DAMAGED = (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error)
_NOT_UNZIPPED = (*_DAMAGED, zipfile.BadZipFile, RuntimeError)
"""`zipfile` raises RuntimeError for files with a password, and NotImplementedError, which is one,
for those packed in a way that it does not know."""
EMPTY = "{} is empty; give a file with column names and rows."
_PIECE = 1 << 26
_PART = 4
"""A file may fill one part in so many of the free memory: its text, the columns parsed from it,
the typed table and what Arrow holds for a moment are each about as large as the file."""
_FEWEST = 1 << 26
"""A file of this size is read however little memory seems free."""


def load(path: Path) -> bytes:
    """Read the bytes of a file, unpacked.

    Raises:
        DataError: The file is not there, empty, damaged, or larger than the memory allows.
    """
    if path.is_dir():
        msg = f"{path} is a directory; give the path of one file in it."
        raise DataError(msg)
    try:
        with path.open("rb") as file:
            data = _unpacked(file, path, _most())
    except FileNotFoundError:
        msg = f"{path} does not exist; check the path."
        raise DataError(msg) from None
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}."
        raise DataError(msg) from None
    if re.search(rb"\S", data) is None:
        raise DataError(EMPTY.format(path))
    return data


def _most() -> int:
    """Bytes that a file may have."""
    import psutil

    return max(int(psutil.virtual_memory().available) // _PART, _FEWEST)


def _unpacked(file: IO[bytes], path: Path, most: int) -> bytes:
    head = file.read(8)
    file.seek(0)
    if head.startswith(b"PK\x03\x04"):
        return _unzipped(file, path, most)
    for magic, (name, opened) in _PACKED.items():
        if head.startswith(magic):
            try:
                return _capped(opened(file), path, most)
            except _DAMAGED as error:
                msg = f"{path} is damaged: it starts like a {name} file but ends early ({error})."
                raise DataError(msg) from None
    size = os.fstat(file.fileno()).st_size if isinstance(file, io.BufferedReader) else 0
    return _capped(file, path, most, max(_PIECE, min(size, most) + 1))


def _capped(stream: IO[bytes], path: Path, most: int, piece_size: int = _PIECE) -> bytes:
    """The content of a stream, read in pieces; one that is whole is not copied.

    Raises:
        DataError: There is more of it than the memory allows.
    """
    whole = io.BytesIO()  # gives what it holds without a copy
    while piece := stream.read(piece_size):
        if whole.tell() + len(piece) > most:
            msg = (
                f"{path} holds more than {most / 1e9:.1f} GB of text, a quarter of the memory that "
                "is free; give a part of its rows, or Parquet with the columns that matter."
            )
            raise DataError(msg)
        if not whole.tell() and len(piece) < piece_size:
            return piece
        whole.write(piece)
    return whole.getvalue()


def _unzipped(file: IO[bytes], path: Path, most: int) -> bytes:
    try:
        with zipfile.ZipFile(file) as archive:
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
            with archive.open(names[0]) as member:
                return _unpacked(member, path, most)
    except _NOT_UNZIPPED as error:
        msg = f"{path} cannot be unpacked: {error}."
        raise DataError(msg) from None
