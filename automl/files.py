"""Files that are there whole or not at all, checksummed lines, JSON, and folders as bytes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import zlib
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from automl.types import Array

PLAIN_PATH = re.compile(r"\w[\w.+=@ -]*(?:/\w[\w.+=@ -]*)*")
"""A path inside a folder: not absolute, without `..`, no part of it hidden."""
CHECKSUM = ', "crc32": '
"""Introduces the CRC-32 of a line, its last entry."""


FINGERPRINT = 16
"""Hex digits of a fingerprint: 64 bits, so that two tables do not meet by chance."""


def fingerprint(parts: Iterable[bytes | memoryview]) -> str:
    """Hex digits that change with any of the bytes."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:FINGERPRINT]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a draft beside `path` that takes its place once it is whole and on disk.

    An error leaves `path` as it was, and no draft.
    """
    draft = path.with_name(f"{path.name}.part")
    try:
        yield draft
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace a text file at once, in UTF-8."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any, **how: Any) -> None:
    """Replace a JSON document at once; `how` goes to `json.dumps`."""
    write_text(path, json.dumps(value, indent=1, **how))


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file at once."""
    with replacing(path) as draft:
        draft.write_bytes(content)


def write_array(path: Path, values: Array) -> None:
    """Replace an array in NumPy's own format at once."""
    import numpy as np

    with replacing(path) as draft, draft.open("wb") as file:
        np.save(file, values, allow_pickle=False)


def append_line(path: Path, record: Mapping[str, Any]) -> None:
    """Add a record to a file of JSON lines, with its checksum, and wait until it is on disk.

    What cannot be written whole is cut off again, so that the next line starts on its own.
    """
    text = json.dumps(record)
    line = f"{text[:-1]}{CHECKSUM}{zlib.crc32(text.encode())}}}\n".encode()
    with path.open("ab", buffering=0) as file:
        before = os.fstat(file.fileno()).st_size
        try:
            while line:
                line = line[file.write(line) :]
            os.fsync(file.fileno())
        except BaseException:
            file.truncate(before)
            raise


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk, which those of its files do not bring along."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def read_lines(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Read a file of JSON lines.

    Returns:
        The intact records, and how many lines are damaged. A last line without its end was torn by
        a kill and counts as neither; lines without a checksum are of earlier versions.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    found = [_record(line) for line in lines if line.endswith("\n")]
    return [record for record in found if record is not None], found.count(None)


def _record(line: str) -> dict[str, Any] | None:
    """The record of a line; None where it is damaged."""
    text, mark, checksum = line.rstrip("}\n").rpartition(CHECKSUM)
    whole = f"{text}}}" if mark else line
    if mark and checksum != str(zlib.crc32(whole.encode())):
        return None
    try:
        record: dict[str, Any] = json.loads(whole)
    except ValueError:
        return None
    return record


def mend_lines(path: Path) -> int:
    """Cut a torn last line off, so that the next one starts on its own line.

    Returns:
        The bytes that were cut off.
    """
    content = path.read_bytes() if path.exists() else b""
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)  # it needs no space, and a kill leaves the old or the new end
    return len(content) - whole


def known_fields(kind: type, content: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a JSON object that a dataclass has fields for, lists as tuples."""
    names = {field.name for field in fields(kind)}
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in content.items()
        if name in names
    }


def to_plain(value: Any) -> Any:
    """A value as JSON has it: dataclasses as objects, tuples as lists."""
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    return value


def read_folder(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, by its path inside."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write what `read_folder` read into a folder, made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / name, content)
