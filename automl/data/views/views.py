"""All views of one set of training rows, made on demand from one shared encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from automl.data.views.encode import Encoded, fit_encoder
from automl.data.views.scale import Scaler, fit_scaler
from automl.data.views.shape import OneHot, SavedView
from automl.data.views.store import save_view
from automl.data.views.target import LevelMeans, fit_level_means, make_targets
from automl.errors import ViewError
from automl.types import Array, Schema, ViewKind

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

NATIVE_LEVELS = 255
"""Levels that `frame` leaves to the learner (the limit of scikit-learn's boosting)."""
HOT_LEVELS = 20
EMBEDDED_LEVELS = 100
"""Levels above which `tensors` adds target means to the codes."""
MOST_HOT = 1_000
MOST_MEANS = 256
MOST_GAPS = 256


class Views:
    """The views of one (rung, fold), fitted on its training rows only.

    Args:
        X: typed training rows, as in `Dataset.X`.
        y: (n,) int64 class codes or float64 values of the same rows.
        schema: of the data set.
        seed: of samples, cross-fitting folds and topics.
    """

    def __init__(self, X: pd.DataFrame, y: Array, schema: Schema, seed: int = 0) -> None:
        self._seed = seed
        self._tails = schema.task == "anomaly"
        self._images = X[[c.name for c in schema.features if c.kind == "image"]]
        self._targets = make_targets(y, schema.task, seed)
        self._encoder, self._rows, self._counts = fit_encoder(X, schema, self._targets, seed)
        self._level_means: dict[int, tuple[LevelMeans, Array]] = {}
        self._fitted: dict[ViewKind, SavedView] = {}
        self._scaled: dict[bool, tuple[Scaler, Array]] = {}
        """By whether tails are kept."""

    @property
    def nbytes(self) -> int:
        """Bytes of the encoded training rows."""
        scaled = sum(rows.nbytes for _, rows in self._scaled.values())
        return int(self._rows.numbers.nbytes + self._rows.codes.nbytes + scaled)

    def train(self, kind: ViewKind) -> Any:
        """The X of `types.View` for the training rows, cross-fitted where it uses the target."""
        view = self.fitted(kind)
        if kind == "image":
            return view.transform(self._images)
        means = [self._means_of(part.column)[1] for part in view.means]
        joined = np.hstack(means) if means else np.empty((len(self._rows), 0), np.float32)
        return view.shape(self._rows, joined, None if kind == "frame" else self._scale(kind)[1])

    def transform(self, kind: ViewKind, X: pd.DataFrame | Encoded) -> Any:
        """The X of `types.View` for other rows: typed, or from `encode`."""
        if kind == "image" and not isinstance(X, Encoded):
            return self.fitted(kind).transform(X)
        rows = X if isinstance(X, Encoded) else self.encode(X)
        return self.fitted(kind).shape(rows)

    def encode(self, X: pd.DataFrame) -> Encoded:
        """The shared part of `transform`, worth keeping when several kinds are wanted."""
        return self._encoder.encode(X)

    def describe(self, kind: ViewKind) -> list[str]:
        """Names of the columns of `frame` and `matrix`, or of the numbers of tensors."""
        return self.fitted(kind).names

    def save(self, kind: ViewKind, folder: Path) -> None:
        """Write what `load_view` needs: JSON and arrays, no pickle."""
        save_view(self.fitted(kind), folder)

    def fitted(self, kind: ViewKind) -> SavedView:
        """The view without its training rows."""
        if kind not in self._fitted:
            make = {"frame": self._frame, "matrix": self._matrix, "image": self._image}
            self._fitted[kind] = make[kind]() if kind in make else self._tensors(kind)
        return self._fitted[kind]

    def _image(self) -> SavedView:
        if not self._encoder.images:
            msg = "there is no column of images"
            raise ViewError(msg)
        return SavedView("image", self._encoder, ())

    def _frame(self) -> SavedView:
        high = self._above(NATIVE_LEVELS)
        native = tuple(j for j in range(len(self._counts)) if j not in set(high))
        return SavedView("frame", self._encoder, self._means(high), native=native)

    def _matrix(self) -> SavedView:
        hot, high = _choose_hot(self._counts, [v.labels for v in self._encoder.levels])
        names = [levels.name for levels in self._encoder.levels]
        one_hot = tuple(
            OneHot(part.column, tuple(f"{names[part.column]}={n}" for n in part.names), part.slots)
            for part in hot
        )
        missing = np.count_nonzero(np.isnan(self._rows.numbers), axis=0)
        most = np.argsort(-missing, kind="stable")[:MOST_GAPS]
        gaps = tuple(sorted(int(j) for j in most if missing[j]))
        return self._scaled_view("matrix", high, gaps, one_hot)

    def _tensors(self, kind: ViewKind) -> SavedView:
        return self._scaled_view(kind, self._above(EMBEDDED_LEVELS), (), ())

    def _scaled_view(
        self, kind: ViewKind, high: list[int], gaps: tuple[int, ...], one_hot: tuple[OneHot, ...]
    ) -> SavedView:
        means = self._means(high)
        scaler = None
        if means:
            crossed = np.hstack([self._means_of(j)[1] for j in high])
            scaler = fit_scaler(crossed, self._seed, tails=self._keeps_tails(kind))
        return SavedView(kind, self._encoder, means, self._scale(kind)[0], scaler, gaps, one_hot)

    def _scale(self, kind: ViewKind) -> tuple[Scaler, Array]:
        tails = self._keeps_tails(kind)
        if tails not in self._scaled:
            scaler = fit_scaler(self._rows.numbers, self._seed, tails=tails)
            self._scaled[tails] = (scaler, scaler.apply(self._rows.numbers))
        return self._scaled[tails]

    def _keeps_tails(self, kind: ViewKind) -> bool:
        return self._tails or kind == "plain_tensors"

    def _above(self, levels: int) -> list[int]:
        return [j for j, counts in enumerate(self._counts) if len(counts) - 1 > levels]

    def _means(self, columns: list[int]) -> tuple[LevelMeans, ...]:
        return tuple(self._means_of(j)[0] for j in columns)

    def _means_of(self, column: int) -> tuple[LevelMeans, Array]:
        if column not in self._level_means:
            high = len(self._above(HOT_LEVELS))
            targets = self._targets.first(max(1, MOST_MEANS // max(high, 1)))
            self._level_means[column] = fit_level_means(
                column,
                self._encoder.levels[column].name,
                self._rows.codes[:, column],
                len(self._counts[column]) - 1,
                targets,
            )
        return self._level_means[column]


def _choose_hot(
    counts: list[Array], labels: list[tuple[str, ...]]
) -> tuple[list[OneHot], list[int]]:
    """One-hot columns, narrow ones first while they fit; the positions of the others."""
    hot: list[OneHot] = []
    high: list[int] = []
    used = 0
    room = max(MOST_HOT, 2 * len(counts))
    for j in sorted(range(len(counts)), key=lambda j: len(counts[j])):
        part = _one_hot(j, counts[j], labels[j], used)
        if part is None or used + len(part.names) > room:
            high.append(j)
            continue
        hot.append(part)
        used += len(part.names)
    return hot, sorted(high)


def _one_hot(column: int, counts: Array, labels: tuple[str, ...], start: int) -> OneHot | None:
    """A column's slots from `start` on; None if it has too many levels."""
    levels, n = len(counts) - 1, int(counts.sum())
    few = 2 if n < 1_000 else 10
    kept = int(np.count_nonzero(counts[1:] >= few))
    rare_rows = int(counts[kept + 1 :].sum())
    if levels <= kept + 1 or kept == 0 or rare_rows > n / 4:
        kept, rare_rows = levels, 0
    if kept + (rare_rows > 0) > HOT_LEVELS:
        return None
    if levels == 2 and counts[0] == 0:
        return OneHot(column, (labels[1],), (-1, -1, start))
    names = labels[:kept] + (("rare",) if rare_rows else ())
    slots = [-1, *(start + min(i, len(names) - 1) for i in range(levels))]
    return OneHot(column, names, tuple(slots))
