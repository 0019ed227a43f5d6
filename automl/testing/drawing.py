"""The rows of a test table as images, for learners that see images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from automl.data.images.pictures import ImageArray, ImageStore, Oddity

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from automl.types import Array

SIDE = 12
MIDDLE, STEP = 128, 40
"""Brightness of a value of 0, and what 1 adds to it."""
COLOURS = ("x0", "x1", "city")
"""Columns that are the red, the green and the blue of an image."""


def draw(table: pd.DataFrame, kept: str, levels: Mapping[str, float]) -> pd.DataFrame:
    """Paint each row: its colours tell the first two numbers and the city, slopes the next two.

    A value that is missing is black, a row without any value a missing image.

    Args:
        table: From `make_table`, or some of its columns.
        kept: Column that stays beside the images, if it is there.
        levels: City -> its number.
    """
    import pandas as pd

    features = table.drop(columns=[kept], errors="ignore")
    ramp = np.linspace(-1, 1, SIDE)
    down = _values(features, "x2", levels, 0.0)[:, None, None] * ramp[:, None]
    right = _values(features, "x3", levels, 0.0)[:, None, None] * ramp
    black = -MIDDLE / STEP
    colours = np.stack([_values(features, name, levels, black) for name in COLOURS], axis=1)
    values = MIDDLE + STEP * colours[:, None, None, :] + (down + right)[..., None] * STEP / 2
    pixels = np.clip(np.round(values), 0, 255).astype(np.uint8)
    missing = features.isna().all(axis=1).to_numpy()
    store = ImageStore(pixels, missing.astype(np.uint8) * np.uint8(Oddity.UNNAMED))
    drawn = pd.DataFrame({"image": pd.Series(ImageArray(store), index=table.index)})
    return drawn.join(table[[kept]]) if kept in table else drawn


def _values(rows: pd.DataFrame, name: str, levels: Mapping[str, float], missing: float) -> Array:
    """(n,) numbers of a column; 0 for levels that are not known, and where there is no column."""
    if name not in rows:
        return np.zeros(len(rows))
    column = rows[name]
    if column.dtype.kind != "f":
        column = column.map(lambda level: level if level != level else levels.get(level, 0.0))  # noqa: PLR0124 - NaN
    return column.fillna(missing).to_numpy(dtype=np.float64)
