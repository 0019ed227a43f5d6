"""Images as numbers for learners without eyes: gradients and principal components."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from automl.data.images.gradients import COMPONENTS, gradients, has_gradients
from automl.data.images.pictures import images_of
from automl.errors import ViewError
from automl.types import Array

if TYPE_CHECKING:
    import pandas as pd

    from automl.data.images.pictures import ImageArray

AT_ONCE = 2_000
"""Images that are projected together."""
MOST_FITTED = 10_000
"""Images that the components are learned from."""
LIGHTEST = 255
GRADIENTS = "gradients"


@dataclass(frozen=True, eq=False)
class ImageEncoder:
    """A fitted column of images; constant gradients are left out."""

    name: str
    fill: Array
    """(height, width, channels) uint8, in place of a missing image: the mean."""
    mean: Array
    """(pixels,) float32 of those between 0 and 1."""
    components: Array
    """(k, pixels) float32."""
    kept: Array
    """(g,) int64 positions of the gradients that vary; none where there is no scikit-image."""
    gaps: bool
    """True if images were missing among the training rows."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that `encode` gives."""
        slopes = (f"{self.name}: gradient {j + 1}" for j in self.kept)
        parts = (f"{self.name}: component {k + 1}" for k in range(len(self.components)))
        return (*slopes, *parts, *((f"{self.name}: missing",) if self.gaps else ()))

    def encode(self, column: pd.Series) -> Array:
        """(n,) images to (n, len(names)) float32."""
        array = images_of(column)
        missing = array.isna()
        out = [self._gradients(array, missing)] if len(self.kept) else []
        out.append(self._projected(array, missing))
        if self.gaps:
            out.append(missing[:, None].astype(np.float32))
        return np.hstack(out)

    def pixels(self, column: pd.Series) -> Array:
        """(n, height, width, channels) uint8, the mean image where one is missing."""
        array = images_of(column)
        found = array.pixels
        found[array.isna()] = self.fill
        return found

    def _gradients(self, array: ImageArray, missing: Array) -> Array:
        if not has_gradients():
            msg = (
                "the model sees gradients of images, which scikit-image computes: "
                "pip install 'automl-crossover[vision]'"
            )
            raise ViewError(msg)
        found = array.computed(GRADIENTS, gradients)[:, self.kept]
        if missing.any():
            found[missing] = gradients(self.fill[None])[:, self.kept]
        return found

    def _projected(self, array: ImageArray, missing: Array) -> Array:
        out = np.empty((len(array), len(self.components)), dtype=np.float32)
        for start in range(0, len(array), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            flat = _flat(array[rows].pixels)
            out[rows] = (flat - self.mean) @ self.components.T
        out[missing] = (_flat(self.fill[None]) - self.mean) @ self.components.T
        return out


def fit_images(column: pd.Series, seed: int) -> tuple[ImageEncoder, Array]:
    """Learn a column of images from the training rows.

    Args:
        column: (n,) images.
        seed: Of the sample that components are learned from.

    Returns:
        The encoder for new rows, and (n, d) float32 for the training rows.
    """
    array = images_of(column)
    missing = array.isna()
    there = np.flatnonzero(~missing)
    fill = _mean(array, there)
    if len(there) > MOST_FITTED:
        there = np.sort(np.random.default_rng(seed).choice(there, MOST_FITTED, replace=False))
    mean, components = _components(array, there, fill, seed)
    kept = np.empty(0, dtype=np.int64)
    if has_gradients():
        found = array.computed(GRADIENTS, gradients)[~missing]
        moving = np.ptp(found, axis=0) > 0 if len(found) else np.zeros(found.shape[1], dtype=bool)
        kept = np.flatnonzero(moving)
    encoder = ImageEncoder(
        str(column.name), fill, mean, components, kept, bool(missing.any() and not missing.all())
    )
    return encoder, encoder.encode(column)


def _flat(pixels: Array) -> Array:
    """(n, height, width, channels) uint8 to (n, pixels) float32 between 0 and 1."""
    return pixels.reshape(len(pixels), prod(pixels.shape[1:])).astype(np.float32) / np.float32(
        LIGHTEST
    )


def _mean(array: ImageArray, there: Array) -> Array:
    """The mean image, (height, width, channels) uint8; black where there is none."""
    total = np.zeros(array.shape_of_one)
    for start in range(0, len(there), AT_ONCE):
        total += array[there[start : start + AT_ONCE]].pixels.sum(axis=0, dtype=np.float64)
    return np.asarray(np.round(total / max(len(there), 1)), dtype=np.uint8)


def _components(array: ImageArray, there: Array, fill: Array, seed: int) -> tuple[Array, Array]:
    """The mean of the pixels and their principal components, whose signs do not depend on luck."""
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    flat = _flat(array[there].pixels)
    k = min(COMPONENTS, len(flat) - 1, flat.shape[1])
    if k < 1 or not np.ptp(flat, axis=0).any():
        return _flat(fill[None])[0], np.empty((0, fill.size), dtype=np.float32)
    with threadpool_limits(1):  # the same bits whatever the number of threads
        found = PCA(k, random_state=seed).fit(flat)
    return found.mean_.astype(np.float32), found.components_.astype(np.float32)
