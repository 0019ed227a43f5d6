"""The configuration that validation chose in each cell of a study, and series of their values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from automl.scaling.estimate import Series

if TYPE_CHECKING:
    from automl.scaling.points import Point, Study
    from automl.types import Array

ENOUGH = 3
"""Repeats below which there is no verdict on the rate."""


class Cell(NamedTuple):
    """An anchor of a repeat."""

    repeat: int
    n: float


@dataclass(frozen=True, slots=True)
class Pick:
    """The configuration that validation chose at one anchor: one a part, often the same."""

    points: tuple[Point, ...]

    @property
    def score(self) -> float:
        """The raw metric on rows that did not choose."""
        return self._mean([point.score[part] for part, point in enumerate(self.points)])

    @property
    def error(self) -> float:
        """The error rate on the same rows; NaN where it is not known."""
        known = [math.nan if p.error is None else p.error[i] for i, p in enumerate(self.points)]
        return self._mean(known)

    @property
    def fit_seconds(self) -> float:
        return self._mean([point.fit_seconds for point in self.points])

    @property
    def predict_seconds(self) -> float:
        return self._mean([point.predict_seconds for point in self.points])

    def terms(self) -> Array | None:
        """(m,) per-row terms whose mean is `score`, None where they were not kept."""
        parts = []
        for part, point in enumerate(self.points):
            if point.terms is None:
                return None
            parts.append(point.terms()[part])
        return np.concatenate(parts)

    def _mean(self, values: Sequence[float]) -> float:
        rows = [point.rows[part] for part, point in enumerate(self.points)]
        return sum(v * r for v, r in zip(values, rows, strict=True)) / sum(rows)


Curve: TypeAlias = Mapping[Cell, Pick]
Pairs: TypeAlias = Mapping[Cell, tuple[Pick, Pick]]


def by_learner(study: Study) -> dict[str, list[Point]]:
    """Points by learner, in the order of the names."""
    found: dict[str, list[Point]] = {}
    for point in study.points:
        found.setdefault(point.learner, []).append(point)
    return dict(sorted(found.items()))


def learner_curves(study: Study) -> dict[str, Curve]:
    """Learner -> its best configuration by validation at every anchor of every repeat."""
    return {
        name: {cell: pick(study, found) for cell, found in cells_of(points).items()}
        for name, points in by_learner(study).items()
    }


def series(
    study: Study, values: Mapping[Cell, float], rows: Mapping[Cell, Pick | tuple[Pick, Pick]]
) -> Series | None:
    """Values by cell as a matrix of complete repeats, None where there is nothing.

    The last anchor is the largest that three repeats have, or else the largest of all; repeats
    without it are left out, and so are anchors that a repeat lacks.

    Args:
        study: Says whether losses or scores are compared.
        values: Cell -> value.
        rows: Cell -> what the number of rows and the per-row terms come from.
    """
    finite = {cell: value for cell, value in values.items() if math.isfinite(value)}
    if not finite:
        return None
    held = Counter(cell.n for cell in finite)
    often = [n for n, count in held.items() if count >= ENOUGH]
    last = max(often or held)
    repeats = sorted(cell.repeat for cell in finite if cell.n == last)
    anchors = sorted(n for n in held if n <= last and all(Cell(r, n) in finite for r in repeats))
    matrix = np.array([[finite[Cell(r, n)] for n in anchors] for r in repeats])
    terms = None
    if len(repeats) == 1 or study.same_rows:
        terms = _columns(study, [rows[Cell(repeats[0], n)] for n in anchors])
    floor = _floor(study, [rows[Cell(repeat, last)] for repeat in repeats])
    return Series(np.array(anchors, dtype=np.float64), matrix, terms, floor, study.test_to_train)


def _floor(study: Study, found: Sequence[Pick | tuple[Pick, Pick]]) -> float:
    """The share of one row: m rows that all agree leave room for about one that does not.

    Args:
        study: Whose metric it is.
        found: One of each repeat.
    """
    picks = [item if isinstance(item, Pick) else item[0] for item in found]
    rows = [sum(point.rows[part] for part, point in enumerate(one.points)) for one in picks]
    every = rows[0] if study.same_rows else sum(rows)
    return 1 / every if study.bounded and max(rows) > 1 else 0.0  # 1 row: their number is not known


def gap(study: Study, pairs: Pairs) -> Series | None:
    """The difference of losses, deep minus classical."""
    sign = -1.0 if study.greater_is_better else 1.0
    values = {cell: sign * (a.score - b.score) for cell, (a, b) in pairs.items()}
    return series(study, values, pairs)


def loss_series(study: Study, curve: Curve) -> Series | None:
    """The losses of one curve."""
    return series(study, {cell: study.loss(p.score) for cell, p in curve.items()}, curve)


def cells_of(points: Iterable[Point]) -> dict[Cell, list[Point]]:
    """Points by cell, in the order in which they were dealt."""
    found: dict[Cell, list[Point]] = {}
    for point in sorted(points, key=lambda p: (p.order, p.learner)):
        found.setdefault(Cell(point.repeat, point.n), []).append(point)
    return found


def pick(study: Study, points: Sequence[Point]) -> Pick:
    """What validation chooses among points of one cell; of equal ones the first dealt."""
    sign = -1.0 if study.greater_is_better else 1.0
    chosen = []
    for part in range(len(points[0].score)):
        values = [sign * point.score_val[part] for point in points]
        losses = [math.inf if math.isnan(value) else value for value in values]
        chosen.append(points[int(np.argmin(losses))])
    return Pick(tuple(chosen))


def _columns(study: Study, found: Sequence[Pick | tuple[Pick, Pick]]) -> Array | None:
    """(m, k) per-row terms of the losses, or of their differences."""
    sign = -1.0 if study.greater_is_better else 1.0
    columns: list[Array] = []
    for item in found:
        picks = (item,) if isinstance(item, Pick) else item
        terms = [kept for one in picks if (kept := one.terms()) is not None]
        if len(terms) < len(picks):
            return None
        columns.append(sign * (terms[0] - (terms[1] if len(terms) == 2 else 0.0)))
    if len({len(column) for column in columns}) != 1:
        return None
    matrix = np.stack(columns, axis=1)
    return matrix[np.isfinite(matrix).all(axis=1)]
