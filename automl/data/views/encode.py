"""The encoding that all views share: typed columns to one block of numbers and one of codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from automl.data.views.dates import ALL_PARTS, date_parts, is_cycle
from automl.data.views.image import ImageEncoder, fit_images
from automl.data.views.target import Targets
from automl.data.views.text import TextEncoder, fit_text
from automl.types import Array, Schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

MOST_LEVELS = 10_000
LARGEST = np.float32(1e30)
EPSILON = float(np.finfo(np.float32).eps)
EXACT = 2**24
"""Whole numbers up to here are exact in float32."""
FINE = 1e-4
"""Share of the spread of a column that float32 must be able to tell apart."""
LATER = {"later": True}
"""Marks fields that earlier versions did not write: left out where they are at their default."""
SOME = 10_000
"""Rows whose quartiles stand for all."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """Rows after the shared encoding.

    `numbers` (n, p) float32, column-major, NaN where missing, never infinite; `codes` (n, c)
    int32, 0 for missing and unknown, 1 for the most frequent level.
    """

    numbers: Array
    codes: Array

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True, eq=False)
class Dates:
    """A datetime column and the parts of it that vary."""

    name: str
    parts: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that `encode` gives."""
        return tuple(f"{self.name}: {part}" for part in self.parts)

    def encode(self, column: pd.Series) -> Array:
        """(n,) dates to (n, len(parts)) float32."""
        return date_parts(column)[:, [ALL_PARTS.index(part) for part in self.parts]]


@dataclass(frozen=True, eq=False)
class Levels:
    """A category column and its levels, most frequent first."""

    name: str
    labels: tuple[str, ...]

    def encode(self, column: pd.Series) -> Array:
        """(n,) category to (n,) int32 codes."""
        import pandas as pd

        index = pd.Index(self.labels, dtype="str")
        codes = index.get_indexer(column.cat.categories.astype("str")).astype(np.int32) + 1
        return np.append(codes, np.int32(0))[column.cat.codes]


@dataclass(frozen=True, eq=False)
class Encoder:
    """The shared encoding, as learned from its training rows; constant columns are left out."""

    numbers: tuple[str, ...]
    dates: tuple[Dates, ...]
    texts: tuple[TextEncoder, ...]
    levels: tuple[Levels, ...]
    origins: tuple[float, ...] = ()
    """Offset of each number before it becomes float32; none where nothing is taken off."""
    images: tuple[ImageEncoder, ...] = field(default=(), metadata=LATER)

    @property
    def names(self) -> list[str]:
        """Names of the columns of `Encoded.numbers`."""
        names = list(self.numbers)
        for part in self._parts:
            names.extend(part.names)
        return names if names or self.levels else ["constant"]

    @property
    def plain(self) -> Array:
        """Positions in `numbers` that trees want: all but sines and cosines."""
        return np.array([j for j, name in enumerate(self.names) if not is_cycle(name)], dtype=int)

    def pixels(self, X: pd.DataFrame) -> Array:
        """(n, columns) typed frame to the pixels of its images, their channels side by side."""
        return np.concatenate([part.pixels(X[part.name]) for part in self.images], axis=-1)

    def encode(self, X: pd.DataFrame) -> Encoded:
        """(n, columns) typed frame to numbers and codes."""
        parts = [_numbers(X, self.numbers, self.origins)]
        parts.extend(part.encode(X[part.name]) for part in self._parts)
        codes = np.empty((len(X), len(self.levels)), dtype=np.int32, order="F")
        for j, levels in enumerate(self.levels):
            codes[:, j] = levels.encode(X[levels.name])
        return _join(parts, codes)

    @property
    def _parts(self) -> tuple[Dates | TextEncoder | ImageEncoder, ...]:
        return (*self.dates, *self.texts, *self.images)


def fit_encoder(
    X: pd.DataFrame, schema: Schema, targets: Targets, seed: int
) -> tuple[Encoder, Encoded, list[Array]]:
    """Learn the encoding from the training rows.

    Returns:
        The encoder for new rows; the training rows, encoded (word scores cross-fitted); and
        per category column the (levels + 1,) rows of each code.
    """
    kinds = {c.name: c.kind for c in schema.features}
    names = [name for name, kind in kinds.items() if kind == "number"]
    block = _numbers(X, names)
    origins = _origins(X, names, block)
    if any(origins):
        block = _numbers(X, names, origins)
    kept = _varying(block)
    parts = [block if kept.all() else np.asfortranarray(block[:, kept])]
    dates: list[Dates] = []
    texts: list[TextEncoder] = []
    for name in (name for name, kind in kinds.items() if kind == "datetime"):
        values = date_parts(X[name])
        moving = _varying(values)
        dates.append(Dates(name, tuple(p for p, m in zip(ALL_PARTS, moving, strict=True) if m)))
        parts.append(values[:, moving])
    for column in (c for c in schema.features if c.kind == "text"):
        whole = column.parse == "text:characters"
        text, values = fit_text(X[column.name], targets, seed, characters=whole)
        texts.append(text)
        parts.append(values)
    images: list[ImageEncoder] = []
    for name in (name for name, kind in kinds.items() if kind == "image"):
        image, values = fit_images(X[name], seed)
        images.append(image)
        parts.append(values)
    categories = [name for name, kind in kinds.items() if kind == "category"]
    levels, codes, counts = _fit_levels(X, categories)
    numbers = tuple(name for name, keep in zip(names, kept, strict=True) if keep)
    taken = tuple(o for o, keep in zip(origins, kept, strict=True) if keep)
    origin = taken if any(taken) else ()
    encoder = Encoder(numbers, tuple(dates), tuple(texts), levels, origin, tuple(images))
    return encoder, _join(parts, codes), counts


def _join(parts: list[Array], codes: Array) -> Encoded:
    width = sum(part.shape[1] for part in parts)
    if width == 0 and codes.shape[1] == 0:
        return Encoded(np.zeros((len(codes), 1), dtype=np.float32), codes)
    if width == parts[0].shape[1]:
        return Encoded(parts[0], codes)
    return Encoded(np.asfortranarray(np.hstack(parts)), codes)


def _origins(X: pd.DataFrame, names: list[str], block: Array) -> list[float]:
    """(p,) medians of columns too far from 0 for float32, such as milliseconds since 1970; else 0.

    Args:
        X: (n, columns) typed frame.
        names: The p columns of numbers.
        block: (n, p) float32 of them.
    """
    found = [0.0] * len(names)
    low, high = np.fmin.reduce(block, axis=0), np.fmax.reduce(block, axis=0)
    largest = np.maximum(np.abs(low), np.abs(high))
    for j in np.flatnonzero((largest > EXACT) | (largest * EPSILON > FINE * (high - low))):
        values = X[names[j]].to_numpy(np.float64, na_value=np.nan)[:: max(len(X) // SOME, 1)]
        values = values[np.isfinite(values)]
        if len(values):
            quarter, median, three_quarters = np.percentile(values, (25, 50, 75))
            spread = three_quarters - quarter or np.ptp(values)
            if spread and abs(median) * EPSILON > FINE * spread:
                found[j] = float(median)
    return found


def _numbers(
    X: pd.DataFrame, names: tuple[str, ...] | list[str], origins: Sequence[float] = ()
) -> Array:
    """(n, p) float32, column-major, less their origins; values beyond 1e30 are cut."""
    if not names:
        return np.empty((len(X), 0), dtype=np.float32, order="F")
    part = X if list(X.columns) == list(names) else X[list(names)]
    if any(origins):
        part = part - np.asarray(origins)
    with np.errstate(over="ignore"):
        block = np.asfortranarray(part.to_numpy(dtype=np.float32, na_value=np.nan))
    if not block.flags.owndata or not block.flags.writeable:
        block = block.copy(order="F")
    return np.clip(block, -LARGEST, LARGEST, out=block)


def _varying(block: Array) -> Array:
    """(p,) bool: columns with two values, or one beside missing."""
    low, high = np.fmin.reduce(block, axis=0), np.fmax.reduce(block, axis=0)
    gaps = np.isnan(block).any(axis=0)
    kept: Array = (high > low) | (gaps & ~np.isnan(high))
    return kept


def _fit_levels(X: pd.DataFrame, names: list[str]) -> tuple[tuple[Levels, ...], Array, list[Array]]:
    fitted: list[Levels] = []
    columns: list[Array] = []
    counts: list[Array] = []
    for name in names:
        raw = X[name].cat.codes.to_numpy()
        rows = np.bincount(raw.astype(np.int64) + 1, minlength=1)
        order = np.argsort(-rows[1:], kind="stable")[:MOST_LEVELS]
        order = order[rows[1:][order] > 0]
        if len(order) == 0 or (len(order) == 1 and rows[0] == 0):
            continue
        code_of = np.zeros(len(rows), dtype=np.int32)
        code_of[order] = np.arange(1, len(order) + 1)
        column = code_of[raw]
        values = X[name].cat.categories.astype("str")[order]
        fitted.append(Levels(name, tuple(values.tolist())))
        columns.append(column)
        counts.append(np.bincount(column, minlength=len(order) + 1))
    codes = np.empty((len(X), len(columns)), dtype=np.int32, order="F")
    for j, column in enumerate(columns):
        codes[:, j] = column
    return tuple(fitted), codes, counts
