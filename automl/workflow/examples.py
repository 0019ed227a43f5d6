"""Images that a model is most wrong about, small enough to stand in a report."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.data.images.pictures import images_of

if TYPE_CHECKING:
    import pandas as pd

    from automl.types import Array, Schema

MOST = 10
"""Images that are shown."""
LARGEST = 100
"""Pixels of a side of what is shown, at most."""


def wrong_images(
    X: pd.DataFrame, schema: Schema, y: Array, prediction: Array
) -> list[dict[str, Any]]:
    """The images with the most probability in a wrong class, or furthest from their value.

    Args:
        X: (n, columns) typed rows.
        schema: Of the table, with a column of images.
        y: (n,) class codes or values.
        prediction: (n, k) probabilities or (n,) values; rows that are not finite are left out.

    Returns:
        `{row, truth, predicted, share, png}` each, the worst first: `row` counts from 1, `share`
        is the probability of the predicted class, None for values; `png` is in base64.
    """
    column = images_of(X[next(c.name for c in schema.features if c.kind == "image")])
    finite = np.isfinite(prediction.reshape(len(y), -1)).all(axis=1) & ~column.isna()
    if prediction.ndim > 1:
        told = prediction.argmax(axis=1)
        badness = np.where(told == y, 0.0, prediction.max(axis=1))
    else:
        told, badness = prediction, np.abs(prediction - y)
    badness = np.where(finite, badness, 0.0)
    worst = np.argsort(-badness, kind="stable")[:MOST]
    return [
        {
            "row": int(X.index[at]) + 1,
            "truth": _label(schema, y[at]),
            "predicted": _label(schema, told[at]),
            "share": float(prediction[at].max()) if prediction.ndim > 1 else None,
            "png": _png(column[at]),
        }
        for at in worst
        if badness[at] > 0
    ]


def _label(schema: Schema, value: Any) -> str:
    return str(schema.classes[int(value)]) if schema.classes else f"{value:.4g}"


def _png(pixels: Array) -> str:
    """An image as a PNG file in base64, no larger than `LARGEST`."""
    from PIL import Image

    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.thumbnail((LARGEST, LARGEST))
    out = io.BytesIO()
    image.save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode("ascii")
