"""Columns of pixels as images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from automl.data.images.albums import FOLDER
from automl.data.images.decode import Extent, decode
from automl.data.images.pictures import ImageArray, ImageStore, Oddity
from automl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from automl.types import Array, Column

FORMS = ("pixels", "planes")
"""Orders of the numbers of an image: the channels of a pixel together, or a plane a channel."""
DARKEST, LIGHTEST = 0.0, 255.0


def size_of(column: Column) -> Extent:
    """The size of the images of a column."""
    return Extent(*column.shape)


def to_images(column: Column, table: pd.DataFrame) -> ImageArray:
    """The images of a column.

    Args:
        column: Of the schema.
        table: (n, d) raw table with its sources.
    """
    form, _, *limits = column.parse.split(":")
    size = size_of(column)
    if form not in FORMS:
        cells = table[column.name]
        if isinstance(cells.array, ImageArray):
            return _of_size(cells.array, column)
        names = [
            None if missing else str(cell)
            for cell, missing in zip(cells, cells.isna(), strict=True)
        ]
        return decode(names, str(table.attrs.get(FOLDER, "")), size)
    values = table[list(column.sources)].apply(_numbers).to_numpy(np.float32, na_value=np.nan)
    missing = np.isnan(values).all(axis=1)
    low, high = map(float, limits)
    scaled = (np.nan_to_num(values, nan=low) - low) * (LIGHTEST / ((high - low) or 1.0))
    pixels = np.clip(np.round(scaled), DARKEST, LIGHTEST).astype(np.uint8)
    oddities = missing.astype(np.uint8) * np.uint8(Oddity.UNNAMED)
    return ImageArray(ImageStore(arranged(pixels, form, size), oddities))


def _of_size(images: ImageArray, column: Column) -> ImageArray:
    if images.shape_of_one != size_of(column):
        msg = (
            f"The images of {column.name!r} are {Extent(*images.shape_of_one)}, those of training "
            f"{size_of(column)}; bring them to that size."
        )
        raise DataError(msg)
    return images


def _numbers(series: pd.Series) -> pd.Series:
    import pandas as pd

    return series if series.dtype.kind in "iufb" else pd.to_numeric(series, errors="coerce")


def arranged(values: Array, form: str, size: Extent) -> Array:
    """(n, height x width x channels) numbers as (n, height, width, channels)."""
    if form == "planes":
        planes = values.reshape(len(values), size.channels, size.height, size.width)
        return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
    return np.ascontiguousarray(values.reshape(len(values), *size))
