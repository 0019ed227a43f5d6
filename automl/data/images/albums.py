"""A folder or an archive of images as a table: their paths, and the sub-folders as labels."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from automl.data.saved import note_layout
from automl.errors import DataError
from automl.text import counted
from automl.types import TextLayout

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

SUFFIXES = frozenset(
    (
        *(".bmp", ".gif", ".jfif", ".jp2", ".jpeg", ".jpg", ".pbm"),
        *(".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"),
    )
)
"""Endings of names of images."""
PATHS, LABELS = "image", "label"
"""Columns of the table: the name of the file, and that of the sub-folder it is in."""
FOLDER = "folder"
"""Key of `DataFrame.attrs` for the folder, or the archive, that paths are relative to."""


def is_image(name: str) -> bool:
    """True if a name ends as those of images do."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def list_folder(path: Path) -> list[str]:
    """Paths of all visible files in a folder, relative to it, in order."""
    found = []
    for where, folders, files in os.walk(path):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "__MACOSX")))
        root = os.path.relpath(where, path)
        found += [_joined(root, name) for name in sorted(files) if not name.startswith(".")]
    return found


def _joined(root: str, name: str) -> str:
    return name if root == "." else f"{root.replace(os.sep, '/')}/{name}"


def list_archive(path: Path) -> list[str]:
    """Names of images in a zip file; none where it is no such file, or one of anything else."""
    if not path.is_file() or not zipfile.is_zipfile(path):  # a pipe can be read but once
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(one.filename for one in archive.infolist() if not one.is_dir())
    except (OSError, zipfile.BadZipFile):
        return []
    visible = [name for name in names if not name.startswith(("__MACOSX/", "."))]
    return visible if any(map(is_image, visible)) else []


def album_table(path: Path, names: list[str]) -> pd.DataFrame:
    """The table of a folder or an archive.

    Args:
        path: Of it.
        names: Of the files in it.

    Raises:
        DataError: None of them is an image.
    """
    import pandas as pd

    images = [name for name in names if is_image(name)]
    if not images:
        msg = (
            f"{path} is a directory without images; give the path of one file in it, or a folder "
            "with one sub-folder of images a class."
        )
        raise DataError(msg)
    table = pd.DataFrame({PATHS: pd.array(images, dtype="str")})
    labels = _labels(images)
    if any(label is not None for label in labels):
        table[LABELS] = pd.array(labels, dtype="str")
        table.attrs["target"] = LABELS
    table.attrs[FOLDER] = str(path.absolute())
    note_layout(table, TextLayout(notes=_notes(path, names, images)))
    return table


def _labels(images: list[str]) -> list[str | None]:
    """The sub-folder of each image; a folder that all are in, as in many archives, is passed."""
    parts = [PurePosixPath(name).parts[:-1] for name in images]
    while all(parts) and len({part[0] for part in parts}) == 1 and any(len(p) > 1 for p in parts):
        parts = [part[1:] for part in parts]
    return [part[0] if part else None for part in parts]


def _notes(path: Path, names: list[str], images: list[str]) -> tuple[str, ...]:
    if len(names) == len(images):
        return ()
    others = Counter(PurePosixPath(name).suffix or "none" for name in set(names) - set(images))
    shown = ", ".join(ending for ending, _ in others.most_common(3))
    left = counted(len(names) - len(images), "file")
    return (f"Left out {left} of {path.name} that are no images by their names (ending: {shown})",)
