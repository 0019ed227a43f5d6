"""One view, fitted: what turns typed rows into the form that a learner takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.data.views.encode import Encoded, Encoder
from automl.data.views.scale import Scaler
from automl.data.views.target import LevelMeans
from automl.types import Array, TensorBlock, ViewKind

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class OneHot:
    """A category column as zeros and ones."""

    column: int
    names: tuple[str, ...]
    slots: tuple[int, ...]
    """Code -> column of the block, -1 for none."""


@dataclass(frozen=True, eq=False)
class SavedView:
    """A fitted view: small, picklable, able to prepare new rows."""

    kind: ViewKind
    encoder: Encoder
    means: tuple[LevelMeans, ...]
    """Category columns that become numbers."""
    scaler: Scaler | None = None
    """Scale of the encoded numbers; None for `frame`."""
    means_scaler: Scaler | None = None
    gaps: tuple[int, ...] = ()
    """Number columns whose missing values get an indicator (`matrix`)."""
    one_hot: tuple[OneHot, ...] = ()
    native: tuple[int, ...] = ()
    """Category columns kept as categories (`frame`)."""

    def transform(self, X: pd.DataFrame) -> Any:
        """A typed frame as this view's X; see `types.View`."""
        if self.kind == "image":
            return self.encoder.pixels(X)
        return self.shape(self.encoder.encode(X))

    def shape(self, rows: Encoded, means: Array | None = None, scaled: Array | None = None) -> Any:
        """Encoded rows as this view's X.

        Args:
            rows: from the view's own encoder.
            means: (n, e) float32 to use for `means`, cross-fitted for training rows.
            scaled: (n, p) float32, `scaler` applied to the numbers, where that is done already.
        """
        if means is None:
            means = self._means(rows)
        if self.scaler is None:
            return self._frame(rows, means)
        if scaled is None:
            scaled = self.scaler.apply(rows.numbers)
        if self.means_scaler is not None:
            means = self.means_scaler.apply(means)
        if self.kind == "matrix":
            return self._matrix(rows, means, scaled)
        return self._tensors(rows, means, scaled)

    @property
    def names(self) -> list[str]:
        """Names of the columns of `frame` and `matrix`, or numbers of `tensors`; no two alike."""
        names = self.encoder.names
        if self.kind == "frame":
            names = [names[j] for j in self.encoder.plain]
        names = names + [name for part in self.means for name in part.names]
        if self.kind == "frame":
            return _unique(names + [self.encoder.levels[j].name for j in self.native])
        names += [f"{names[j]}: missing" for j in self.gaps]
        return _unique(names + [name for part in self.one_hot for name in part.names])

    def _means(self, rows: Encoded) -> Array:
        if not self.means:
            return np.empty((len(rows), 0), dtype=np.float32)
        return np.hstack([part.apply(rows.codes) for part in self.means])

    def _frame(self, rows: Encoded, means: Array) -> pd.DataFrame:
        import pandas as pd

        plain = self.encoder.plain
        numbers = rows.numbers
        if len(plain) < numbers.shape[1]:
            numbers = np.asfortranarray(numbers[:, plain])
        if means.shape[1]:
            numbers = np.asfortranarray(np.hstack([numbers, means]))
        names = self.names
        frame = pd.DataFrame(numbers, columns=names[: numbers.shape[1]], copy=False)
        if not self.native:
            return frame
        columns = {}
        for name, j in zip(names[numbers.shape[1] :], self.native, strict=True):
            levels = self.encoder.levels[j]
            dtype = pd.CategoricalDtype(pd.Index(levels.labels, dtype="str"))
            columns[name] = pd.Categorical.from_codes(rows.codes[:, j] - 1, dtype=dtype)
        return pd.concat([frame, pd.DataFrame(columns, copy=False)], axis=1)

    def _matrix(self, rows: Encoded, means: Array, scaled: Array) -> Array:
        if not self.one_hot and not self.gaps and not means.shape[1]:
            return scaled
        gaps = np.isnan(rows.numbers[:, list(self.gaps)])
        return np.hstack([scaled, means, gaps.astype(np.float32), self._hot(rows.codes)])

    def _hot(self, codes: Array) -> Array:
        width = sum(len(part.names) for part in self.one_hot)
        block = np.zeros((len(codes), width), dtype=np.float32)
        for part in self.one_hot:
            slots = np.array(part.slots)[codes[:, part.column]]
            rows = np.flatnonzero(slots >= 0)
            block[rows, slots[rows]] = 1.0
        return block

    def _tensors(self, rows: Encoded, means: Array, scaled: Array) -> TensorBlock:
        missing = np.zeros((len(rows), scaled.shape[1] + means.shape[1]), dtype=bool)
        missing[:, : scaled.shape[1]] = np.isnan(rows.numbers)
        numbers = np.hstack([scaled, means]) if means.shape[1] else scaled
        cardinalities = tuple(len(levels.labels) + 1 for levels in self.encoder.levels)
        return TensorBlock(numbers, missing, np.ascontiguousarray(rows.codes), cardinalities)


def _unique(names: list[str]) -> list[str]:
    """The names, those met before with a number of their own."""
    if len(set(names)) == len(names):
        return names
    taken = set(names)
    seen: set[str] = set()
    out = []
    for name in names:
        chosen, number = name, 2
        while chosen in seen or (chosen != name and chosen in taken):
            chosen, number = f"{name} ({number})", number + 1
        seen.add(chosen)
        out.append(chosen)
    return out
