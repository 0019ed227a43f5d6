"""Who stands for a learner or a family at each anchor, and how two of them differ."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

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


@dataclass(frozen=True, slots=True)
class Contrast:
    """A deep side against a classical one, at the anchors that both have."""

    kind: Literal["family", "learner"]
    deep: str
    classical: str
    pairs: Pairs
    gap: Series
    """loss of the deep side - loss of the classical one: > 0 where classical leads."""
    absent: tuple[str, ...] = ()
    """Learners that did not get to its last anchor, and stand for no family at any."""


def contrasts(study: Study) -> list[Contrast]:
    """The family contrast first, then every deep learner against the best classical one.

    *Family*: at each anchor the first m configurations of every learner in the order they were
    dealt, each side's best chosen on validation; m is the smaller of what the most tried learner
    of each family has there, so that neither family is tuned deeper. (The first m of a whole
    family would be its cheapest learners, for those are dealt first.) *Learner*: the same
    between a deep learner and the classical learner that validation prefers at the last common
    anchor of a repeat. The same learners stand at every anchor and in every repeat, or a change
    of who can afford it would look like a change of the curves.

    Args:
        study: Points of one regime.
    """
    deep, classical = (
        {name: cells_of(p) for name, p in _by_learner(study).items() if p[0].family == family}
        for family in ("deep", "classical")
    )
    if not deep or not classical:
        return []
    found = [_of_families(study, deep, classical)]
    found += [_of_learner(study, name, deep[name], classical) for name in deep]
    return [contrast for contrast in found if contrast is not None]


def learner_curves(study: Study) -> dict[str, Curve]:
    """Learner -> its best configuration by validation at every anchor of every repeat."""
    return {
        name: {cell: pick(study, found) for cell, found in cells_of(points).items()}
        for name, points in _by_learner(study).items()
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


# --------------------------------------------------------------------------- pairing

Cells: TypeAlias = Mapping[Cell, "list[Point]"]
Side: TypeAlias = Mapping[str, Cells]
"""Learner -> its points."""


class _Meeting(NamedTuple):
    """Who is compared where: every learner has a point in every cell."""

    deep: Side
    classical: Side
    cells: set[Cell]


def _of_families(study: Study, deep: Side, classical: Side) -> Contrast | None:
    # a ladder leaves behind whom it found worse; a study only those that are too dear
    part = 0.0 if study.single else 0.5
    met = _meet(deep, classical, part)
    if met is None:
        return None
    sides = [cells_of(_join(side, met.cells)) for side in (met.deep, met.classical)]
    pairs = _paired(study, *sides)
    absent = sorted((deep.keys() - met.deep.keys()) | (classical.keys() - met.classical.keys()))
    found = gap(study, pairs)
    if found is None:
        return None
    return Contrast("family", "best deep", "best classical", pairs, found, tuple(absent))


def _of_learner(study: Study, name: str, cells: Cells, classical: Side) -> Contrast | None:
    met = _meet({name: cells}, classical)
    if met is None:
        return None
    best, pairs = _against_best(study, cells, met)
    found = gap(study, pairs)
    return None if found is None else Contrast("learner", name, best, pairs, found)


def _meet(deep: Side, classical: Side, part: float = 0.0) -> _Meeting | None:
    """The last anchor that both sides have in three repeats, and everyone who has it there.

    Args:
        deep: One side.
        classical: The other.
        part: Of the learners of each side that must have the last anchor; at least one.
    """
    sides = (deep, classical)
    held = {
        cell: [sum(cell in cells for cells in side.values()) for side in sides]
        for cell in {cell for side in sides for cells in side.values() for cell in cells}
    }
    shared = [
        cell
        for cell, counts in held.items()
        if all(c >= max(1, part * len(side)) for c, side in zip(counts, sides, strict=True))
    ]
    if not shared:
        return None if part == 0 else _meet(deep, classical)
    often = Counter(cell.n for cell in shared)
    last = max([n for n, count in often.items() if count >= ENOUGH] or often)
    tops = [cell for cell in shared if cell.n == last]
    tops.sort(key=lambda cell: (-sum(held[cell]), cell.repeat))
    for count in range(min(ENOUGH, len(tops)), 0, -1):
        one, other = ({n: c for n, c in s.items() if c.keys() >= {*tops[:count]}} for s in sides)
        if one and other:
            break
    common = set.intersection(*(set(cells) for side in (one, other) for cells in side.values()))
    cells = {cell for cell in common if cell.n <= last and Cell(cell.repeat, last) in common}
    return _Meeting(one, other, cells)


def _paired(study: Study, deep: Cells, classical: Cells) -> dict[Cell, tuple[Pick, Pick]]:
    """The best of both sides, tuned equally deep."""
    pairs = {}
    for cell in deep.keys() & classical.keys():
        m = min(_depth(deep[cell]), _depth(classical[cell]))
        pairs[cell] = pick(study, _first(deep[cell], m)), pick(study, _first(classical[cell], m))
    return pairs


def _depth(points: Sequence[Point]) -> int:
    """Configurations of the most tried learner."""
    return max(Counter(point.learner for point in points).values())


def _first(points: Sequence[Point], m: int) -> list[Point]:
    """The first m configurations of every learner."""
    seen: Counter[str] = Counter()
    kept = []
    for point in points:
        seen[point.learner] += 1
        if seen[point.learner] <= m:
            kept.append(point)
    return kept


def _against_best(study: Study, deep: Cells, met: _Meeting) -> tuple[str, Pairs]:
    """The pairs with the rival that validation prefers at the top, per repeat and part.

    Gives the rival that was preferred most often, and the pairs.
    """
    own = {cell: deep[cell] for cell in met.cells}
    every = {name: _paired(study, own, cells) for name, cells in met.classical.items()}
    last = max(cell.n for cell in met.cells)
    sign = -1.0 if study.greater_is_better else 1.0
    merged: dict[Cell, tuple[Pick, Pick]] = {}
    votes: Counter[str] = Counter()
    for top in sorted(cell for cell in met.cells if cell.n == last):
        parts = range(len(next(iter(every.values()))[top][1].points))
        names = [
            min(every, key=lambda name: _preferred(sign, every[name][top][1], part))
            for part in parts
        ]
        votes.update(names)
        for cell in (cell for cell in met.cells if cell.repeat == top.repeat):
            merged[cell] = (
                Pick(tuple(every[name][cell][0].points[part] for part, name in enumerate(names))),
                Pick(tuple(every[name][cell][1].points[part] for part, name in enumerate(names))),
            )
    return votes.most_common(1)[0][0], merged


def _preferred(sign: float, chosen: Pick, part: int) -> float:
    value = sign * chosen.points[part].score_val[part]
    return math.inf if math.isnan(value) else value


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


def _by_learner(study: Study) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = {}
    for point in study.points:
        found.setdefault(point.learner, []).append(point)
    return dict(sorted(found.items()))


def _join(side: Side, cells: set[Cell]) -> list[Point]:
    return [point for own in side.values() for cell in cells for point in own[cell]]
