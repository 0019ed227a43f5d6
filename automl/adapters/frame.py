"""Frames as numbers, for learners that know no categories by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl.types import Array


def category_levels(frame: Any) -> list[int]:
    """Levels of each column of a `frame` view; 0 for numbers."""
    return [len(t.categories) if hasattr(t, "categories") else 0 for t in frame.dtypes]


def coded_matrix(frame: Any, levels: Sequence[int]) -> Array:
    """A `frame` view as (n, d) float32: numbers, and codes of categories.

    Args:
        frame: The rows.
        levels: `category_levels` of the training rows; missing and later levels become NaN.
    """
    import numpy as np

    if not any(levels):
        return np.asarray(frame.to_numpy(np.float32))
    out = np.empty(frame.shape, np.float32)
    numeric = [i for i, count in enumerate(levels) if not count]
    out[:, numeric] = frame.iloc[:, numeric].to_numpy(np.float32)
    for i, count in enumerate(levels):
        if count:
            codes = frame.iloc[:, i].cat.codes.to_numpy()
            out[:, i] = np.where((codes < 0) | (codes >= count), np.nan, codes)
    return out
