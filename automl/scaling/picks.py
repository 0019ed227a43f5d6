"""Configurations that validation chose at each anchor and repeat, and series of their values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from automl.rows.repeats import ENOUGH, FOLDS
from automl.scaling.estimate import Series

if TYPE_CHECKING:
    from automl.scaling.points import Point, Study
    from automl.types import Array

_LN2 = math.log(2)


class RepeatAnchor(NamedTuple):
    """An anchor in a repeat."""

    repeat: int
    n: float


@dataclass(frozen=True, slots=True)
class Pick:
    """The configuration that validation chose at one anchor: one a part, often one for all."""

    points: tuple[Point, ...]

    @property
    def score(self) -> float:
        """The raw metric on rows that took no part in the choice."""
        return self._mean([point.score[part] for part, point in enumerate(self.points)])

    @property
    def error(self) -> float:
        """The error rate on the rows of `score`; NaN where not known."""
        known = [math.nan if p.error is None else p.error[i] for i, p in enumerate(self.points)]
        return self._mean(known)

    @property
    def fit_seconds(self) -> float:
        return self._mean([point.fit_seconds for point in self.points])

    @property
    def predict_seconds(self) -> float:
        return self._mean([point.predict_seconds for point in self.points])

    def terms(self) -> Array | None:
        """(m,) per-row terms whose mean is `score`; None if they were not kept."""
        parts = []
        for part, point in enumerate(self.points):
            if point.terms is None:
                return None
            parts.append(point.terms()[part])
        return np.concatenate(parts)

    def _mean(self, values: Sequence[float]) -> float:
        rows = [point.rows[part] for part, point in enumerate(self.points)]
        return sum(v * r for v, r in zip(values, rows, strict=True)) / sum(rows)


Curve: TypeAlias = Mapping[RepeatAnchor, Pick]
Pairs: TypeAlias = Mapping[RepeatAnchor, tuple[Pick, Pick]]
Cells: TypeAlias = Mapping[RepeatAnchor, "list[Point]"]
Side: TypeAlias = Mapping[str, Cells]
"""Learner -> its points."""
Sum: TypeAlias = "Sequence[tuple[float, Pick]]"
"""Weights and picks: the terms of a value are the weighted sum of the terms of the picks."""


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
    study: Study,
    values: Mapping[RepeatAnchor, float],
    made_of: Mapping[RepeatAnchor, Sum],
    unit: float = 1.0,
) -> Series | None:
    """Arrange values as a matrix of complete repeats; None if no value is finite.

    The last anchor is the largest that three repeats have, or else the largest of all; repeats
    without it are left out, and so are anchors that one of the repeats lacks.

    Args:
        study: Says how repeats share rows.
        values: Anchor in a repeat -> value.
        made_of: Anchor in a repeat -> the picks that give the number of rows and the terms.
        unit: Change of a value when the score changes by 1.
    """
    finite = {cell: value for cell, value in values.items() if math.isfinite(value)}
    if not finite:
        return None
    held = Counter(cell.n for cell in finite)
    often = [n for n, count in held.items() if count >= ENOUGH]
    last = max(often or held)
    repeats = sorted(cell.repeat for cell in finite if cell.n == last)
    anchors = sorted(
        n for n in held if n <= last and all(RepeatAnchor(r, n) in finite for r in repeats)
    )
    matrix = np.array([[finite[RepeatAnchor(r, n)] for n in anchors] for r in repeats])
    terms = None
    if len(repeats) == 1 or study.same_rows:
        terms = _columns([made_of[RepeatAnchor(repeats[0], n)] for n in anchors])
    floor = unit * _floor(study, [made_of[RepeatAnchor(repeat, last)][0][1] for repeat in repeats])
    return Series(
        np.array(anchors, dtype=np.float64),
        matrix,
        terms,
        floor,
        study.shared,
        np.array(repeats),
        FOLDS if study.disjoint else None,
    )


def _floor(study: Study, picks: Sequence[Pick]) -> float:
    """The share of one row, the least error of a mean over rows that all agree.

    Args:
        study: The study, which knows the metric.
        picks: One pick of each repeat.
    """
    rows = [sum(point.rows[part] for part, point in enumerate(one.points)) for one in picks]
    every = rows[0] if study.same_rows else sum(rows)
    return 1 / every if study.bounded and max(rows) > 1 else 0.0  # 1 row: their number is not known


def gap(study: Study, pairs: Pairs) -> Series | None:
    """The difference of losses, deep minus classical."""
    sign = study.sign
    values = {cell: sign * (a.score - b.score) for cell, (a, b) in pairs.items()}
    return series(study, values, {c: ((sign, a), (-sign, b)) for c, (a, b) in pairs.items()})


def ratio(study: Study, pairs: Pairs) -> Series | None:
    """log2 of deep loss over classical loss; None if a loss is not above 0.

    A loss of 0 over some rows counts as the loss of half a row.
    """
    losses = {
        cell: [max(study.loss(one.score), _floor(study, [one]) / 2) for one in pair]
        for cell, pair in pairs.items()
    }
    known = [loss for pair in losses.values() for loss in pair if math.isfinite(loss)]
    if not known or min(known) <= 0:
        return None
    slopes = {cell: [study.sign / (loss * _LN2) for loss in pair] for cell, pair in losses.items()}
    return series(
        study,
        {cell: math.log2(a) - math.log2(b) for cell, (a, b) in losses.items()},
        {c: ((slopes[c][0], a), (-slopes[c][1], b)) for c, (a, b) in pairs.items()},
        1 / (_LN2 * min(known)),
    )


def loss_series(study: Study, curve: Curve) -> Series | None:
    """The losses of one curve; upper bounds where fits were cut short."""
    losses = {cell: study.loss(p.score) for cell, p in curve.items()}
    found = series(study, losses, {cell: ((study.sign, p),) for cell, p in curve.items()})
    if found is None:
        return None
    if study.equal_seconds:
        return found
    cut = {cell.n for cell, p in curve.items() if any(point.censored for point in p.points)}
    return replace(found, lower=np.array([n in cut for n in found.n]))


def cells_of(points: Iterable[Point]) -> dict[RepeatAnchor, list[Point]]:
    """Group points by anchor and repeat, in the order of their starts."""
    found: dict[RepeatAnchor, list[Point]] = {}
    for point in sorted(points, key=lambda p: (p.order, p.learner)):
        found.setdefault(RepeatAnchor(point.repeat, point.n), []).append(point)
    return found


def pick(study: Study, points: Sequence[Point]) -> Pick:
    """Choose among the points of an anchor by validation; of equal ones the first started."""
    chosen = []
    for part in range(len(points[0].score)):
        values = [study.sign * point.score_val[part] for point in points]
        losses = [math.inf if math.isnan(value) else value for value in values]
        chosen.append(points[int(np.argmin(losses))])
    return Pick(tuple(chosen))


def _columns(sums: Sequence[Sum]) -> Array | None:
    """(m, k) per-row terms of k values."""
    columns: list[Array] = []
    for parts in sums:
        terms = [(weight, kept) for weight, one in parts if (kept := one.terms()) is not None]
        if len(terms) < len(parts):
            return None
        columns.append(np.sum([weight * kept for weight, kept in terms], axis=0))
    if len({len(column) for column in columns}) != 1:
        return None
    matrix = np.stack(columns, axis=1)
    return matrix[np.isfinite(matrix).all(axis=1)]
