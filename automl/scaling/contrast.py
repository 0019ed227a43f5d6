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
    """Learners that got to its last anchor in no repeat that counts, and stand for no family."""


def contrasts(study: Study) -> list[Contrast]:
    """The family contrast first, then every deep learner against the best classical one.

    *Family*: at each anchor the first m configurations of every learner in the order they were
    dealt, each side's best chosen on validation; m is the smaller of what the most tried learner
    of each family has there, so that neither family is tuned deeper. (The first m of a whole
    family would be its cheapest learners, for those are dealt first.) *Learner*: the same
    between a deep learner and the classical learner that validation prefers at the last common
    anchor of a repeat.

    Within a repeat the same learners stand at every anchor, or a change of who can afford it
    would look like a change of the curves. A repeat counts if the learner of each side that
    validation prefers most often is there; others may be missing.

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
    """The last anchor that two sides have in common, and who got there in every repeat."""

    last: float
    there: Mapping[int, tuple[Side, Side]]
    """Repeat -> the learners of each side that have the last anchor."""


def _of_families(study: Study, deep: Side, classical: Side) -> Contrast | None:
    # a ladder leaves behind whom it found worse; a study only those that are too dear
    met = _meet(deep, classical, 0.0 if study.single else 0.5)
    if met is None:
        return None
    every = {repeat: _best_of(study, repeat, met) for repeat in met.there}
    tops = {repeat: pairs[Cell(repeat, met.last)] for repeat, pairs in every.items()}
    kept = set(tops)
    for side in (0, 1):
        votes = Counter(p.learner for pair in tops.values() for p in pair[side].points)
        favourite = votes.most_common(1)[0][0]
        kept &= {repeat for repeat in tops if favourite in met.there[repeat][side]}
    pairs = {cell: pair for repeat in sorted(kept) for cell, pair in every[repeat].items()}
    found = gap(study, pairs)
    if found is None:
        return None
    stood = {name for repeat in kept for side in met.there[repeat] for name in side}
    absent = tuple(sorted((deep.keys() | classical.keys()) - stood))
    return Contrast("family", "best deep", "best classical", pairs, found, absent)


def _best_of(study: Study, repeat: int, met: _Meeting) -> Pairs:
    """The best of both families at the anchors of a repeat that all who stand for them have."""
    sides = met.there[repeat]
    anchors = set.intersection(*(_anchors(c, repeat) for side in sides for c in side.values()))
    cells = {Cell(repeat, n) for n in anchors if n <= met.last}
    return _paired(study, *(cells_of(_join(side, cells)) for side in sides))


def _of_learner(study: Study, name: str, cells: Cells, classical: Side) -> Contrast | None:
    met = _meet({name: cells}, classical)
    if met is None:
        return None
    best, pairs = _against_best(study, cells, met)
    found = gap(study, pairs)
    return None if found is None else Contrast("learner", name, best, pairs, found)


def _meet(deep: Side, classical: Side, part: float = 0.0) -> _Meeting | None:
    """The last anchor that both sides have in three repeats, and who has it.

    Args:
        deep: One side.
        classical: The other.
        part: Of the learners of each side that must have the last anchor; at least one.
    """
    sides = (deep, classical)
    every = {cell for side in sides for cells in side.values() for cell in cells}
    shared = [
        cell
        for cell in sorted(every)
        if all(sum(cell in c for c in s.values()) >= max(1, part * len(s)) for s in sides)
    ]
    if not shared:
        return None if part == 0 else _meet(deep, classical)
    often = Counter(cell.n for cell in shared)
    last = max([n for n, count in often.items() if count >= ENOUGH] or often)
    return _Meeting(
        last,
        {
            cell.repeat: (
                {name: cells for name, cells in deep.items() if cell in cells},
                {name: cells for name, cells in classical.items() if cell in cells},
            )
            for cell in shared
            if cell.n == last
        },
    )


def _anchors(cells: Cells, repeat: int) -> set[float]:
    return {cell.n for cell in cells if cell.repeat == repeat}


def _paired(study: Study, deep: Cells, classical: Cells) -> dict[Cell, tuple[Pick, Pick]]:
    """The best of both sides, tuned equally deep."""
    pairs = {}
    for cell in deep.keys() & classical.keys():
        m = min(_depth(deep[cell]), _depth(classical[cell]))
        pairs[cell] = (
            pick(study, _first(deep[cell], m)),
            pick(study, _first(classical[cell], m)),
        )
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
    """The pairs with the rival that validation prefers at the last anchor, per repeat and part.

    Gives the rival that was preferred most often, and the pairs of the repeats that have it.
    """
    rivals = {repeat: side for repeat, (_, side) in sorted(met.there.items())}
    every = {
        repeat: {name: _paired(study, deep, cells) for name, cells in side.items()}
        for repeat, side in rivals.items()
    }
    chosen = {
        repeat: _preferred(study, own, Cell(repeat, met.last)) for repeat, own in every.items()
    }
    best = Counter(name for names in chosen.values() for name in names).most_common(1)[0][0]
    merged: dict[Cell, tuple[Pick, Pick]] = {}
    for repeat, names in chosen.items():
        if best not in rivals[repeat]:
            continue
        own = [every[repeat][name] for name in names]
        for cell in set.intersection(*(set(pairs) for pairs in own)):
            if cell.repeat == repeat and cell.n <= met.last:
                merged[cell] = (
                    Pick(tuple(pairs[cell][0].points[part] for part, pairs in enumerate(own))),
                    Pick(tuple(pairs[cell][1].points[part] for part, pairs in enumerate(own))),
                )
    return best, merged


def _preferred(study: Study, every: Mapping[str, Pairs], top: Cell) -> list[str]:
    """The rival that validation prefers at the top, one a part of the rows."""
    sign = -1.0 if study.greater_is_better else 1.0

    def loss(name: str, part: int) -> float:
        value = sign * every[name][top][1].points[part].score_val[part]
        return math.inf if math.isnan(value) else value

    parts = range(len(next(iter(every.values()))[top][1].points))
    return [min(every, key=lambda name: loss(name, part)) for part in parts]


def _join(side: Side, cells: set[Cell]) -> list[Point]:
    return [point for own in side.values() for cell in cells for point in own[cell]]
