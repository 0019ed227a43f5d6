"""Histograms of oriented gradients (Dalal and Triggs 2005), by scikit-image where it is there."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec

import numpy as np

from automl.types import Array

CELLS, DIRECTIONS, BLOCK = 4, 9, 2
"""Cells a side, directions of a gradient and cells of a block: 9 and 2 as published; so many cells
fit into 8 pixels."""
FEATURES = (CELLS - BLOCK + 1) ** 2 * BLOCK**2 * DIRECTIONS
COMPONENTS = 64
"""Principal components of the pixels at most."""
WIDTH = FEATURES + COMPONENTS
"""Numbers, at most, that learners other than nets of images see of an image."""
ABSENT = (
    "scikit-image is not installed, so learners other than nets of images see the principal "
    "components of the pixels and no gradients: pip install 'automl-crossover[vision]'"
)


def has_gradients() -> bool:
    """True if scikit-image is installed."""
    return find_spec("skimage") is not None


def gradients(pixels: Array) -> Array:
    """(n, height, width, channels) uint8 to (n, FEATURES) float32."""
    from skimage.feature import hog

    height, width, channels = pixels.shape[1:]
    cell = height // CELLS, width // CELLS
    top, left = (height - CELLS * cell[0]) // 2, (width - CELLS * cell[1]) // 2
    inner = pixels[:, top : top + CELLS * cell[0], left : left + CELLS * cell[1]]
    describe = partial(
        hog,
        orientations=DIRECTIONS,
        pixels_per_cell=cell,
        cells_per_block=(BLOCK, BLOCK),
        channel_axis=-1 if channels > 1 else None,
    )
    out = np.empty((len(pixels), FEATURES), dtype=np.float32)
    for row, image in enumerate(inner if channels > 1 else inner[..., 0]):
        out[row] = describe(image)
    return out
