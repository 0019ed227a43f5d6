"""Image files as pixels of one size: by Pillow, on all CPUs, a bad file costing itself alone."""

from __future__ import annotations

import io
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from automl.data.images.pictures import ImageArray, ImageStore, Oddity
from automl.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.types import Array

NEEDED = "pillow"
INSTALL = "images need Pillow - pip install 'automl-crossover[vision]'"
GREY = {"1", "L", "LA", "La", "I", "F"}
"""Modes of Pillow without colours; those of 16 bits begin with `I;`."""
DEEP = {"I", "F"}
WHITE = 255


class Extent(NamedTuple):
    """The size that every image of a column is brought to."""

    height: int
    width: int
    channels: int

    def __str__(self) -> str:
        return "x".join(map(str, self))


class Found(NamedTuple):
    """A file as it is, before it is brought to a size."""

    height: int
    width: int
    coloured: bool


class Album:
    """A folder of images, or an archive of them that is read in place."""

    def __init__(self, where: str) -> None:
        """Open it.

        Args:
            where: A folder or a zip file; empty for the current folder.
        """
        self.where = Path(where or ".")
        self._archive = zipfile.ZipFile(self.where) if self.where.is_file() else None

    def read(self, name: str) -> bytes | None:
        """The bytes of a file; None where there is none."""
        try:
            if self._archive is not None:
                return self._archive.read(name)
            return (self.where / name).expanduser().read_bytes()
        except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile):
            return None


def peek(album: Album, name: str) -> Found | None:
    """Height, width and colours by the head of a file; None where it is no image."""
    data = album.read(name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = _pillow().open(io.BytesIO(data or b""))
    except _faults():
        return None
    return Found(image.height, image.width, not _is_grey(image.mode))


def decode(names: Sequence[object], where: str, size: Extent) -> ImageArray:
    """Read images and bring each to one size.

    Args:
        names: Paths relative to the folder or the archive, or None for no image.
        where: The folder or the archive.
        size: That of every image.
    """
    pixels = np.zeros((len(names), *size), dtype=np.uint8)
    oddities = np.zeros(len(names), dtype=np.uint8)
    album = Album(where)
    _pillow()  # imported once, on this thread

    def read(row: int) -> None:
        oddities[row] = _read(album, names[row], size, pixels[row])

    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
        warnings.simplefilter("ignore")  # of huge images, which are refused, and odd headers
        list(pool.map(read, range(len(names)), chunksize=64))
    return ImageArray(ImageStore(pixels, oddities))


def _read(album: Album, name: object, size: Extent, out: Array) -> int:
    """Fill the pixels of one image and tell what is odd about it."""
    if not isinstance(name, str):
        return Oddity.UNNAMED
    data = album.read(name)
    if data is None:
        return Oddity.ABSENT
    try:
        image = _pillow().open(io.BytesIO(data))
        odd = _oddities(image, size)
        image.draft("L" if size.channels == 1 else "RGB", (2 * size.width, 2 * size.height))
        out[...] = _fitted(image, size)
    except _faults():
        out[...] = 0
        return Oddity.DAMAGED
    return odd


def _oddities(image: Any, size: Extent) -> int:
    odd = Oddity(0)
    if (image.height, image.width) != size[:2]:
        odd |= Oddity.RESIZED
    if getattr(image, "is_animated", False):
        odd |= Oddity.ANIMATED
    if image.mode in DEEP or image.mode.startswith("I;"):
        odd |= Oddity.DEEP
    if image.has_transparency_data:
        odd |= Oddity.SEE_THROUGH
    return odd


def _fitted(image: Any, size: Extent) -> Array:
    """(height, width, channels) uint8 of an open image."""
    if image.mode in DEEP or image.mode.startswith("I;"):
        image = _of_8_bits(image)
    if image.has_transparency_data:
        white = _pillow().new("RGBA", image.size, (WHITE,) * 4)
        image = _pillow().alpha_composite(white, image.convert("RGBA"))
    image = image.convert("L" if size.channels == 1 else "RGB")
    if (image.height, image.width) != size[:2]:
        image = image.resize((size.width, size.height), _pillow().Resampling.BILINEAR)
    pixels: Array = np.asarray(image, dtype=np.uint8).reshape(size)
    return pixels


def _of_8_bits(image: Any) -> Any:
    """A grey image of 16 or 32 bits with the highest 8 of 16, or of the range it has."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    high = float(values.max(initial=0.0))
    most = high if not 1 < high <= 2**16 - 1 else float(2**16 - 1 if high > WHITE else WHITE)
    scaled = np.clip(values, 0, None) * (WHITE / most if most > 0 else 0.0)
    return _pillow().fromarray(scaled.astype(np.uint8))


def _is_grey(mode: str) -> bool:
    return mode in GREY or mode.startswith("I;")


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise DataError(INSTALL) from None
    return Image


def _faults() -> tuple[type[BaseException], ...]:
    """Errors that Pillow raises for files that are no images, damaged or absurdly large."""
    bomb = _pillow().DecompressionBombError
    common = (OSError, ValueError, TypeError, SyntaxError, EOFError, MemoryError, IndexError)
    return (*common, KeyError, OverflowError, ZeroDivisionError, RuntimeError, bomb)
