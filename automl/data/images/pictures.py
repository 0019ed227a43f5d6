"""A column of images of one size, as pandas holds it: places in a store of pixels."""

from __future__ import annotations

import hashlib
from enum import IntFlag
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray, ExtensionDtype

from automl.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from automl.types import Array

NO_PLACE = -1
"""Place of an image that is missing altogether."""


class Oddity(IntFlag):
    """Facts about one image that users should know of."""

    UNNAMED = 1
    """Its cell is empty."""
    ABSENT = 2
    """There is no such file."""
    DAMAGED = 4
    """The file cannot be read as an image."""
    RESIZED = 8
    ANIMATED = 16
    """Its first frame was taken."""
    DEEP = 32
    """It had 16 bits or more a channel, and 8 were kept."""
    SEE_THROUGH = 64
    """It was laid on white."""


UNREADABLE = Oddity.UNNAMED | Oddity.ABSENT | Oddity.DAMAGED


class ImageStore:
    """Images of one size with what is odd about each, and what was computed from them."""

    def __init__(self, pixels: Array, oddities: Array) -> None:
        """Keep them.

        Args:
            pixels: (n, height, width, channels) uint8.
            oddities: (n,) uint8 of `Oddity`.
        """
        self.pixels = pixels
        self.oddities = oddities
        self._computed: dict[str, Array] = {}

    def computed(self, name: str, compute: Callable[[Array], Array]) -> Array:
        """The result of a function of the pixels, computed at the first call.

        Args:
            name: Of the result.
            compute: (n, height, width, channels) uint8 to (n, d).
        """
        if name not in self._computed:
            self._computed[name] = compute(self.pixels)
        return self._computed[name]


class ImageDtype(ExtensionDtype):
    """The dtype of a column of images."""

    name = "image"
    type = np.ndarray
    kind = "O"

    @classmethod
    def construct_array_type(cls) -> Any:
        """The array of this dtype."""
        return ImageArray


class ImageArray(ExtensionArray):
    """Images by their places in a store: rows are taken without copying pixels.

    An image that could not be read is missing; its pixels are 0.
    """

    def __init__(self, store: ImageStore, places: Array | None = None) -> None:
        """Name images of a store.

        Args:
            store: Pixels.
            places: (n,) positions in it, -1 for none; None for all of them.
        """
        self.store = store
        self.places = np.arange(len(store.pixels)) if places is None else places

    @property
    def dtype(self) -> ImageDtype:
        """`image`."""
        return ImageDtype()

    @property
    def nbytes(self) -> int:
        """Bytes of its pixels, each image counted once a row."""
        return len(self.places) * int(np.prod(self.shape_of_one))

    @property
    def shape_of_one(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        height, width, channels = self.store.pixels.shape[1:]
        return height, width, channels

    @property
    def pixels(self) -> Array:
        """(n, height, width, channels) uint8, a copy; 0 where missing."""
        found = self.store.pixels[self.places]
        found[self.isna()] = 0
        return found

    @property
    def oddities(self) -> Array:
        """(n,) uint8 of `Oddity`."""
        found = self.store.oddities[self.places]
        found[self.places == NO_PLACE] = Oddity.UNNAMED
        return found

    def computed(self, name: str, compute: Callable[[Array], Array]) -> Array:
        """(n, d) of its rows from `ImageStore.computed`."""
        return self.store.computed(name, compute)[self.places]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, int | np.integer):
            missing = bool(self.isna()[item])
            return None if missing else self.store.pixels[self.places[item]]
        item = pd.api.indexers.check_array_indexer(self, item)
        return type(self)(self.store, self.places[item])

    def __setitem__(self, key: Any, value: Any) -> None:
        if value is not None and value is not pd.NA and not _is_nan(value):
            msg = "an image can be removed, not set"
            raise TypeError(msg)
        self.places[pd.api.indexers.check_array_indexer(self, key)] = NO_PLACE

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, ImageArray) or len(other) != len(self):
            return NotImplemented
        same = (self.pixels == other.pixels).all(axis=(1, 2, 3))
        return same & ~self.isna() & ~other.isna()

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> dict[str, Any]:
        """Only the images that are there, so that a part of a column travels light."""
        oddities = self.oddities
        store = ImageStore(self.pixels, oddities)
        return {"store": store, "places": np.arange(len(self.places))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def isna(self) -> Array:
        """(n,) bool: images that could not be read."""
        missing: Array = (self.oddities & UNREADABLE) > 0
        return missing

    def take(self, indices: Any, *, allow_fill: bool = False, fill_value: Any = None) -> ImageArray:
        """The images at these positions; -1 is a missing one where filling is allowed."""
        del fill_value
        at = np.asarray(indices, dtype=np.int64)
        if not allow_fill:
            return ImageArray(self.store, self.places[at])
        places = np.full(len(at), NO_PLACE)
        places[at >= 0] = self.places[at[at >= 0]]
        return ImageArray(self.store, places)

    def copy(self) -> Self:
        """A copy of the places; pixels are shared, for nothing writes to them."""
        return type(self)(self.store, self.places.copy())

    @classmethod
    def _concat_same_type(cls, to_concat: Sequence[Self]) -> Self:
        first = to_concat[0].store
        if all(part.store is first for part in to_concat):
            return cls(first, np.concatenate([part.places for part in to_concat]))
        pixels = np.concatenate([part.pixels for part in to_concat])
        return cls(ImageStore(pixels, np.concatenate([part.oddities for part in to_concat])))

    @classmethod
    def _from_sequence(cls, scalars: Any, *, dtype: Any = None, copy: bool = False) -> Self:
        del dtype
        if isinstance(scalars, cls):
            return scalars.copy() if copy else scalars
        known = [one for one in scalars if one is not None]
        shape = known[0].shape if known else (1, 1, 1)
        pixels = np.stack([np.zeros(shape, np.uint8) if s is None else s for s in scalars])
        absent = np.array([s is None for s in scalars], dtype=np.uint8)
        return cls(ImageStore(pixels, absent * np.uint8(Oddity.UNNAMED)))

    def _hash_pandas_object(self, **_: Any) -> Array:
        """(n,) uint64 that change with any pixel."""
        pixels = np.ascontiguousarray(self.pixels)
        shape = repr(self.shape_of_one).encode()
        found = [hashlib.blake2b(shape + one.tobytes(), digest_size=8).digest() for one in pixels]
        hashed = np.frombuffer(b"".join(found), dtype=np.uint64).copy()
        hashed[self.isna()] = 0
        return hashed

    def _formatter(self, boxed: bool = False) -> Callable[[Any], str]:
        del boxed
        height, width, channels = self.shape_of_one
        return lambda one: "missing" if one is None else f"image {height}x{width}x{channels}"


def images_of(column: pd.Series[Any]) -> ImageArray:
    """The array of a column of images.

    Raises:
        DataError: It holds others.
    """
    array = column.array
    if not isinstance(array, ImageArray):
        msg = f"The column {column.name!r} holds no images."
        raise DataError(msg)
    return array


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and value != value  # noqa: PLR0124 - NaN alone differs
