"""Columns that hold images: paths of files, or many numbers that are the pixels of one image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from automl.data import parse
from automl.data.images.albums import FOLDER, is_image
from automl.data.images.decode import Album, Extent, Found, peek
from automl.data.images.gradients import ABSENT, WIDTH, has_gradients
from automl.data.images.pictures import ImageDtype, images_of
from automl.data.images.pixels import DARKEST, FORMS, LIGHTEST, arranged
from automl.errors import DataError, UsageError
from automl.text import counted
from automl.types import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

NONE = "no"
"""Value of `--image` by which no column is read as images."""
OTHERWISE = "--image HxW takes another size, --image no none"
LOOKED_AT = 200
"""Files whose size and colours stand for all."""
NAMED = 0.9
"""Share of the cells that end as names of images do."""
THERE = 0.5
"""Share of the files that must be there and be images."""
LARGEST = 64
"""Pixels of the longer side unless asked otherwise: larger ones take a GPU."""
SMALLEST = 8
"""Pixels of a side at least, so that four cells of two lie beside each other."""
ROWS = 1_000
"""Rows that tell how pixels are arranged."""
SMOOTH = 0.8
"""Difference of pixels beside each other, relative to that of any two, of what is an image."""
COLOURS = 3


@dataclass(frozen=True, slots=True)
class Images:
    """Columns of images, and sentences about columns that only look so."""

    columns: tuple[Column, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def sources(self) -> dict[str, Column]:
        """Column of the table -> the image that it belongs to."""
        return {name: c for c in self.columns for name in c.sources or (c.name,)}


def parse_size(asked: str) -> Extent | None:
    """The size that `--image` asks for, 1 channel unless it says 3; None where it asks for none.

    Raises:
        UsageError: It is no size.
    """
    if asked in ("", NONE):
        return None
    parts = asked.lower().split("x")
    numbers = [int(part) for part in parts if part.isdecimal()]
    if len(numbers) != len(parts) or len(parts) not in (2, 3):
        msg = f"--image takes a size such as 28x28 or 32x32x3, or {NONE}, not {asked!r}"
        raise UsageError(msg)
    size = Extent(numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else 0)
    if min(size[:2]) < SMALLEST or size.channels not in (0, 1, COLOURS):
        msg = f"--image takes sides of at least {SMALLEST} pixels and 1 or 3 channels, not {asked}"
        raise UsageError(msg)
    return size


def find_images(frame: pd.DataFrame, asked: str = "") -> Images:
    """Find the columns of images among features.

    Args:
        frame: Features as read; its `attrs` name the folder that paths are relative to.
        asked: The value of `--image`: a size, `no`, or empty to infer.

    Raises:
        DataError: A size is asked for, and neither files nor so many numbers are there.
        UsageError: It asks for what is no size.
    """
    size = parse_size(asked)
    if asked == NONE:
        return Images()
    if held := _held(frame):
        return Images(held)
    named = _named(frame)
    folder = str(frame.attrs.get(FOLDER, ""))
    seen = {name: _seen(folder, cells) for name, cells in named.items()}
    there = {name: found for name, found in seen.items() if len(found) >= THERE * len(named[name])}
    notes = tuple(_absent(name, folder or ".") for name in named if name not in there)
    eyeless = () if has_gradients() else (ABSENT + ".",)
    if there:
        return Images(_of_paths(frame, there, size, asked), (*notes, *eyeless))
    pixels = _of_pixels(frame, size)
    if size is not None and pixels is None:
        wide = f"{size.height * size.width * (size.channels or 1):,} columns of numbers"
        msg = (
            f"--image {asked}: the table has neither paths of images nor {wide} beside the target "
            f"(there are {counted(len(_numeric(frame)), 'column')} of numbers); give another size."
        )
        raise DataError(msg)
    return Images((pixels,), (*notes, *eyeless)) if pixels else Images((), notes)


def _held(frame: pd.DataFrame) -> tuple[Column, ...]:
    """Columns that hold images already, which are taken as they are."""
    held = [str(name) for name, dtype in frame.dtypes.items() if isinstance(dtype, ImageDtype)]
    arrays = [(name, images_of(frame[name])) for name in held]
    return tuple(
        Column(
            name,
            "image",
            "images",
            f"image:{Extent(*array.shape_of_one)}",
            float(array.isna().mean()),
            len(array),
            width=WIDTH,
        )
        for name, array in arrays
    )


# ------------------------------------------------------------------------------- paths


def _named(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Columns whose cells are names of images, with some of those."""
    found = {}
    for name, dtype in frame.dtypes.items():
        if not (isinstance(dtype, pd.StringDtype | pd.CategoricalDtype) or dtype.kind == "O"):
            continue
        cells = frame[name].dropna()
        some = [str(cell) for cell in cells.iloc[:: max(len(cells) // LOOKED_AT, 1)]]
        if some and sum(map(is_image, some)) >= NAMED * len(some):
            found[str(name)] = some
    return found


def _seen(folder: str, names: Sequence[str]) -> list[Found]:
    """The images among some files."""
    album = Album(folder)
    peeked = (peek(album, name) for name in names)
    return [one for one in peeked if one is not None]


def _absent(name: str, folder: str) -> str:
    return (
        f"{name} names images, but few of the files are in {folder}: it is read as text; put them "
        "there, or give paths relative to that folder"
    )


def _of_paths(
    frame: pd.DataFrame, there: dict[str, list[Found]], asked: Extent | None, words: str
) -> tuple[Column, ...]:
    """Columns of paths, all brought to one height and width."""
    every = [one for found in there.values() for one in found]
    height, width = asked[:2] if asked else _usual(every)
    columns = []
    for name, found in there.items():
        coloured = sum(one.coloured for one in found) > 0
        channels = (asked.channels if asked else 0) or (COLOURS if coloured else 1)
        size = Extent(height, width, channels)
        sizes = {(one.height, one.width) for one in found}
        was = "all of this size" if sizes == {(height, width)} else f"{len(sizes)} sizes"
        how = f"as asked by --image {words}" if asked else f"{was} seen; {OTHERWISE}"
        cells = frame[name]
        columns.append(
            Column(
                name,
                "image",
                f"paths of images, read as {size} ({how})",
                f"image:{size}",
                float(cells.isna().mean()),
                int(cells.nunique()),
                width=WIDTH,
            )
        )
    return tuple(columns)


def _usual(found: Sequence[Found]) -> tuple[int, int]:
    """The median height and width, made smaller together until the longer side is 64."""
    sides = median(one.height for one in found), median(one.width for one in found)
    shrunk = min(1.0, LARGEST / max(sides))
    height, width = (max(SMALLEST, round(side * shrunk)) for side in sides)
    return height, width


# ------------------------------------------------------------------------------ pixels


def _numeric(frame: pd.DataFrame) -> list[str]:
    """Names of the columns of numbers."""
    return [
        str(name)
        for name, dtype in frame.dtypes.items()
        if parse.is_number_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    ]


def _of_pixels(frame: pd.DataFrame, asked: Extent | None) -> Column | None:
    """All columns of numbers as one image, if they are one."""
    names = _numeric(frame)
    size = _fitting(len(names), asked)
    if size is None or (asked is None and len(names) < frame.shape[1]):
        return None
    some = frame[names].iloc[:: max(len(frame) // ROWS, 1)].to_numpy(np.float64, na_value=np.nan)
    if not np.isfinite(some).any():
        return None
    low, high = float(np.nanmin(some)), float(np.nanmax(some))
    if asked is None and not _are_bytes(some, low, high):
        return None
    rough = {form: _roughness(arranged(np.nan_to_num(some), form, size)) for form in FORMS}
    form = min(rough, key=lambda one: rough[one])
    if asked is None and rough[form] > SMOOTH:
        return None
    if asked is None:
        told = (
            f"{len(names)} columns of whole numbers from 0 to 255, alike where they are neighbours"
        )
        how = OTHERWISE
    else:
        told, how = f"{len(names)} columns of pixels", "as asked by --image"
    lightest = LIGHTEST if 100 < high <= LIGHTEST else high
    whole = frame[names].to_numpy(np.float64, na_value=np.nan)
    return Column(
        _free_name(frame),
        "image",
        f"{told}, read as one image of {size} ({how})",
        f"{form}:{size}:{min(low, DARKEST):g}:{lightest:g}",
        float(np.isnan(whole).all(axis=1).mean()),
        len(frame),
        sources=tuple(names),
        width=WIDTH,
    )


def _fitting(count: int, asked: Extent | None) -> Extent | None:
    """The size of an image of so many numbers; None where there is none, or not the one asked."""
    if asked is not None:
        area = asked.height * asked.width
        fits = [c for c in (1, COLOURS) if area * c == count and asked.channels in (0, c)]
        return asked._replace(channels=fits[0]) if fits else None
    for channels in (1, COLOURS):
        side = math.isqrt(count // channels)
        if side >= SMALLEST and side * side * channels == count:
            return Extent(side, side, channels)
    return None


def _are_bytes(values: np.ndarray, low: float, high: float) -> bool:
    """True for whole numbers from 0 to 255 that are more than yes and no, without gaps."""
    return low >= 0 and 1 < high <= LIGHTEST and bool(np.array_equal(values, np.round(values)))


def _roughness(images: np.ndarray) -> float:
    """Mean difference of neighbours relative to that of pixels anywhere; infinite if all are equal.

    Args:
        images: (n, height, width, channels).
    """
    down = np.abs(np.diff(images, axis=1)).mean()
    right = np.abs(np.diff(images, axis=2)).mean()
    flat = images.reshape(len(images), -1)
    order = np.random.default_rng(0).permutation(flat.shape[1])
    anywhere = np.abs(flat - flat[:, order]).mean()
    return float(max(down, right) / anywhere) if anywhere > 0 else math.inf


def _free_name(frame: pd.DataFrame) -> str:
    name = "image"
    while name in frame.columns:
        name += "_"
    return name
