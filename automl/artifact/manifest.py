"""`manifest.json`: sizes and SHA-256 of the files of a saved model, compared before any is read."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NoReturn

from automl.errors import ArtifactError
from automl.files import PLAIN_PATH, sha256, write_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

NAME = "manifest.json"
FORMAT = 1
FITS = ("members", "views")
"""Folders with one folder for each fit; a run that goes on adds to them."""
OTHERS = {NAME, "ensembles.json", *(f"{name}.part" for name in ("artifact.json", NAME))}
"""Files of the run that may lie beside those of a model; nothing is predicted from them."""
DIGEST = re.compile(r"[0-9a-f]{64}")
AGAIN = "copy the whole folder again, or fit again"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as it was when the model was saved."""

    size: int
    sha256: str


def write_manifest(model: Path, names: Iterable[str]) -> None:
    """Record the files of a model.

    Args:
        model: The folder.
        names: Paths of its files, inside the folder.
    """
    files = {name: _record(model / name) for name in sorted(names)}
    content = {name: asdict(record) for name, record in files.items()}
    write_json(model / NAME, {"format": FORMAT, "files": content})


def _record(file: Path) -> FileRecord:
    return FileRecord(file.stat().st_size, sha256(file))


class Manifest:
    """The files of a saved model, given out once they are known to be those that were saved.

    A manifest tells damage, mixed-up copies and stray files. It does not tell who wrote it: whoever
    can write the model can write its manifest.
    """

    def __init__(self, model: Path, files: Mapping[str, FileRecord] | None) -> None:
        """Hold the records.

        Args:
            model: The folder.
            files: Path inside the folder -> its record; None for models of earlier versions.
        """
        self._model = model
        self._files = files
        self._compare = lru_cache(maxsize=None)(self._compare_file)

    @classmethod
    def read(cls, model: Path) -> Manifest:
        """Read the manifest of a model, and compare the names and sizes of its files.

        Without one no file may be a link, and no more is known.

        Raises:
            ArtifactError: Naming a file that is missing, cut, a link, or does not belong here.
        """
        _refuse_link(model / NAME)
        there = (model / NAME).exists()
        found = cls(model, _read_records(model / NAME) if there else None)
        found._compare_listing()
        return found

    @property
    def listed(self) -> bool:
        """False for models of earlier versions, whose files nobody recorded."""
        return self._files is not None

    def path(self, name: str) -> Path:
        """The place of a file or folder of the model."""
        return self._model / name

    def content(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            ArtifactError: It is missing, or not the file that was saved.
        """
        file = self._model / name
        _refuse_link(file)
        try:
            content = file.read_bytes()
        except OSError:
            _fail(file, f"is missing from the model; {AGAIN}")
        known = self._files and self._files.get(name)
        if self.listed and (not known or hashlib.sha256(content).hexdigest() != known.sha256):
            _fail(file, f"was altered after the model was saved; {AGAIN}")
        return content

    def folder(self, name: str) -> Path:
        """A folder, all of whose files are those that were saved; models without files have none.

        Raises:
            ArtifactError: Naming a file that is not.
        """
        if self._files is not None:
            listed = [inside for inside in self._files if inside.startswith(f"{name}/")]
            stray = next(_walk(self._model, name), None)
            if stray and not listed:
                _fail(self._model / stray[0], f"is not listed in {NAME}; {AGAIN}")
            for inside in listed:
                self._compare(inside)
        return self._model / name

    def copy(self, target: Path) -> None:
        """Copy the model to a folder, made if need be.

        Raises:
            ArtifactError: Naming a file that is not the one that was saved.
        """
        if self._files is None:
            shutil.copytree(self._model, target, dirs_exist_ok=True)
            return
        for name in self._files:
            self._compare_file(name)
        for name in (*self._files, NAME):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self._model / name, target / name)

    def _compare_file(self, name: str) -> None:
        """Raise unless a file has the content that it was saved with."""
        file = self._model / name
        try:
            digest = sha256(file)
        except OSError as error:
            _fail(file, f"cannot be read ({error.strerror}); {AGAIN}")
        if self._files is not None and digest != self._files[name].sha256:
            _fail(file, f"was altered after the model was saved; {AGAIN}")

    def _compare_listing(self) -> None:
        """Raise unless the folder holds the listed files, of their sizes, and no others."""
        files = self._files or {}
        folders = {str(folder) for name in files for folder in PurePosixPath(name).parents}
        for name, entry in _walk(self._model, ""):
            parent = str(PurePosixPath(name).parent)
            of_another_fit = parent in FITS and entry.is_dir()
            if parent in folders and name not in {*files, *folders, *OTHERS} and not of_another_fit:
                _fail(self._model / name, "does not belong to the model; take it out of the folder")
        for name, known in files.items():
            _compare_size(self._model / name, known.size)


def _read_records(file: Path) -> dict[str, FileRecord]:
    """The records of a `manifest.json`, whose names stay inside its folder."""
    try:
        content = json.loads(file.read_bytes())
        if content["format"] > FORMAT:
            _fail(file, "was written by a newer automl; upgrade automl to read the model")
        records = {name: FileRecord(**one) for name, one in content["files"].items()}
        wrong = next((n for n, one in records.items() if not _is_sound(n, **asdict(one))), None)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        _fail(file, f"is damaged ({error}); {AGAIN}")
    if wrong is not None:
        _fail(file, f"is damaged (it lists {wrong!r}); {AGAIN}")
    return records


def _is_sound(name: str, size: Any, sha256: Any) -> bool:
    """True for the record of a file that can be inside the folder."""
    counted = type(size) is int and size >= 0
    summed = isinstance(sha256, str) and DIGEST.fullmatch(sha256)
    return bool(PLAIN_PATH.fullmatch(name) and counted and summed)


def _walk(model: Path, folder: str) -> Iterator[tuple[str, os.DirEntry[Any]]]:
    """(path inside the model, entry) of all that is in a folder; a link is refused."""
    try:
        entries = sorted(os.scandir(model / folder), key=lambda entry: entry.name)
    except OSError:  # missing, or a file: told where a file in it is asked for
        return
    for entry in entries:
        name = f"{folder}/{entry.name}" if folder else entry.name
        _refuse_link(model / name)
        yield name, entry
        if entry.is_dir():
            yield from _walk(model, name)


def _refuse_link(file: Path) -> None:
    if file.is_symlink():
        _fail(file, "is a link, and a model is made of files alone; copy the files themselves")


def _compare_size(file: Path, size: int) -> None:
    try:
        found = file.lstat()
    except OSError:
        _fail(file, f"is missing from the model; {AGAIN}")
    if not stat.S_ISREG(found.st_mode):
        _fail(file, f"is no file; {AGAIN}")
    if found.st_size != size:
        _fail(file, f"has {found.st_size:,} bytes of the {size:,} that were saved; {AGAIN}")


def _fail(file: Path, told: str) -> NoReturn:
    msg = f"{file} {told}"
    raise ArtifactError(msg)
