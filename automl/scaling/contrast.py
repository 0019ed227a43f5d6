"""How a deep side differs from a classical one, at the anchors where both stand."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from automl.scaling.picks import ENOUGH, Cell, Pairs, Pick, by_learner, cells_of, gap, pick

if TYPE_CHECKING:
    from automl.scaling.estimate import Series
    from automl.scaling.points import Point, Study


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
        {name: cells_of(p) for name, p in by_learner(study).items() if p[0].family == family}
        for family in ("deep", "classical")
    )
    if not deep or not classical:
        return []
    found = [_of_families(study, deep, classical)]
    found += [_of_learner(study, name, deep[name], classical) for name in deep]
    return [contrast for contrast in found if contrast is not None]


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


def _join(side: Side, cells: set[Cell]) -> list[Point]:
    return [point for own in side.values() for cell in cells for point in own[cell]]
