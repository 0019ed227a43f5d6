"""Contrasts: the difference of a deep and a classical side at their common anchors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from automl.rows.repeats import ENOUGH
from automl.scaling.censoring import CutShort, bounded, time_limit
from automl.scaling.criteria import CRITERIA
from automl.scaling.curve import window
from automl.scaling.picks import (
    Pairs,
    Pick,
    RepeatAnchor,
    Side,
    by_learner,
    cells_of,
    gap,
    pick,
    ratio,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automl.scaling.estimate import Series
    from automl.scaling.points import Point, Study

TUNED_ANEW = {"retuned"}
"""Regimes in which a learner has other configurations at every anchor."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """A deep side against a classical one, at the anchors that both have."""

    kind: Literal["family", "learner"]
    deep: str
    classical: str
    pairs: Pairs
    gap: Series
    """Loss of the deep side less loss of the classical one: > 0 where classical leads."""
    ratio: Series | None
    """log2 of their ratio; None where a loss is not above 0."""
    cut_short: tuple[CutShort, CutShort] = (CutShort(), CutShort())
    """Fits of the deep and of the classical side that the time limit cut short."""
    absent: tuple[str, ...] = ()
    """Learners without the last anchor in any repeat that counts, which represent no family."""
    envelope: Series | None = None
    """The gap if both sides choose anew at every anchor; None if that changes nothing."""


def contrasts(study: Study) -> list[Contrast]:
    """The family contrast first, then every deep learner against the best classical one.

    Each side is one learner a repeat: the one that validation prefers at the last common anchor,
    followed down. Choosing anew at every anchor would add the loss of a choice by few validation
    rows to the curve, which shrinks with n and looks like scaling.

    The choice is among the first m configurations of every learner in the order of their starts.
    m is the smaller of the two sides' numbers of configurations of the most tried learner there,
    so that neither side is tuned deeper. (The first m of a whole family would be its cheapest
    learners, which start first.) A repeat counts if it has, on each side, the learner that
    validation prefers most often; others may be missing.

    Args:
        study: Points of one regime.
    """
    deep, classical = (
        {name: cells_of(p) for name, p in by_learner(study).items() if p[0].family == family}
        for family in ("deep", "classical")
    )
    if not deep or not classical:
        return []
    # a ladder stops learners that it found worse; a study only those that are too expensive
    racing = None if study.single else (_racing(study, deep), _racing(study, classical))
    found = [_contrast(study, "family", (deep, classical), _meet(deep, classical, racing))]
    for name, cells in deep.items():
        sides = ({name: cells}, classical)
        found.append(_contrast(study, "learner", sides, _meet(*sides)))
    return [contrast for contrast in found if contrast is not None]


# --------------------------------------------------------------------------- pairing

Sides: TypeAlias = tuple[Side, Side]
"""Deep and classical."""


class _Meeting(NamedTuple):
    """The last anchor that two sides have in common, and the learners that have it."""

    last: float
    there: Mapping[int, Sides]
    """Repeat -> the learners of each side that have the last anchor."""


def _contrast(
    study: Study, kind: Literal["family", "learner"], sides: Sides, met: _Meeting | None
) -> Contrast | None:
    if met is None:
        return None
    chosen = {repeat: _chosen(study, met, repeat) for repeat in sorted(met.there)}
    favourites = [_favourite(picks[side] for picks in chosen.values()) for side in (0, 1)]
    kept = [
        repeat
        for repeat in chosen
        if all(favourites[side] in met.there[repeat][side] for side in (0, 1))
    ]
    pairs: dict[RepeatAnchor, tuple[Pick, Pick]] = {}
    for repeat in kept:
        pairs |= _followed(study, met, repeat, chosen[repeat])
    pairs = _ended(study, pairs, met.last)
    difference = gap(study, pairs)
    if difference is None:
        return None
    proportion = ratio(study, pairs)
    there = {name for repeat in kept for side in met.there[repeat] for name in side}
    tops = [_candidates(met.there[repeat], RepeatAnchor(repeat, met.last)) for repeat in kept]
    censored = [
        time_limit(
            study,
            sides[side],
            [pair[side] for pair in pairs.values()],
            [point for top in tops for point in top[side]],
        )
        for side in (0, 1)
    ]
    difference = bounded(difference, censored)
    # in a learner contrast the deep side is one learner, the other its best rival
    names = ("best deep", "best classical") if kind == "family" else favourites
    return Contrast(
        kind=kind,
        deep=names[0],
        classical=names[1],
        pairs=pairs,
        gap=difference,
        ratio=proportion and replace(proportion, lower=difference.lower, higher=difference.higher),
        cut_short=(censored[0].cut_short, censored[1].cut_short),
        absent=tuple(sorted({n for s in sides for n in s} - there)) if kind == "family" else (),
        envelope=_envelope(study, met, kept, pairs) if kind == "family" else None,
    )


def _racing(study: Study, side: Side) -> int:
    """Number of learners of a side that went on after the first repeat."""
    return len(side.keys() - set(study.eliminated))


def _meet(deep: Side, classical: Side, racing: tuple[int, int] | None = None) -> _Meeting | None:
    """Find the last anchor that both sides have in three repeats, and the learners that have it.

    Args:
        deep: One side.
        classical: The other.
        racing: Learners of each side of which half must have the last anchor; None if one must.
    """
    sides = (deep, classical)
    needed = (1, 1) if racing is None else [max(1, count / 2) for count in racing]
    every = {cell for side in sides for cells in side.values() for cell in cells}
    shared = [
        cell
        for cell in sorted(every)
        if all(
            sum(cell in cells for cells in side.values()) >= least
            for side, least in zip(sides, needed, strict=True)
        )
    ]
    if not shared:
        return None if racing is None else _meet(deep, classical)
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


def _chosen(study: Study, met: _Meeting, repeat: int) -> tuple[Pick, Pick]:
    """The learner and configuration of each side that validation prefers at the last anchor."""
    deep, classical = _candidates(met.there[repeat], RepeatAnchor(repeat, met.last))
    return pick(study, deep), pick(study, classical)


def _candidates(sides: Sides, cell: RepeatAnchor) -> tuple[list[Point], list[Point]]:
    """Points of both sides at a cell, tuned equally deep, in the order of their starts."""
    deep, classical = (
        cells_of(point for cells in side.values() for point in cells.get(cell, ()))[cell]
        for side in sides
    )
    m = min(_depth(deep), _depth(classical))
    return _first(deep, m), _first(classical, m)


def _favourite(picks: Iterable[Pick]) -> str:
    votes = Counter(point.learner for one in picks for point in one.points)
    return votes.most_common(1)[0][0]


def _followed(study: Study, met: _Meeting, repeat: int, top: tuple[Pick, Pick]) -> Pairs:
    """The chosen learners at all anchors of a repeat that both have."""
    there = met.there[repeat]
    own: list[Side] = [
        {point.learner: there[side][point.learner] for point in top[side].points} for side in (0, 1)
    ]
    shared = set.intersection(*(set(cells) for side in own for cells in side.values()))
    found = {}
    for cell in sorted(shared):
        if cell.repeat == repeat and cell.n <= met.last:
            points = _candidates(there, cell)
            pair = [_at(study, cell, own[side], points[side], top[side]) for side in (0, 1)]
            if pair[0] is not None and pair[1] is not None:
                found[cell] = (pair[0], pair[1])
    return found


def _at(
    study: Study, cell: RepeatAnchor, side: Side, candidates: Sequence[Point], top: Pick
) -> Pick | None:
    """Follow the choice of the last anchor to another anchor; None where it was not trained there.

    The configuration is kept, or where learners are tuned anew the learner, by its best there.
    """
    chosen = []
    for part, wanted in enumerate(top.points):
        if wanted.regime in TUNED_ANEW:
            own = [point for point in candidates if point.learner == wanted.learner]
            chosen.append(pick(study, own).points[part])
            continue
        same = [point for point in side[wanted.learner][cell] if point.trial == wanted.trial]
        if not same:
            return None
        chosen.append(same[0])
    return Pick(tuple(chosen))


def _ended(study: Study, pairs: Pairs, last: float) -> dict[RepeatAnchor, tuple[Pick, Pick]]:
    """Drop anchors below the last at which a fit was cut short.

    All are kept, as bounds, if too few anchors for a rate would remain.
    """
    cut = {
        cell.n
        for cell, pair in pairs.items()
        if cell.n < last and any(point.censored for one in pair for point in one.points)
    }
    kept = {cell: pair for cell, pair in pairs.items() if cell.n not in cut}
    anchors = np.array(sorted({cell.n for cell in kept}))
    enough = window(anchors).sum() >= CRITERIA.fewest_anchors
    return kept if enough and not study.equal_seconds else dict(pairs)


def _envelope(study: Study, met: _Meeting, kept: Sequence[int], pairs: Pairs) -> Series | None:
    """The gap if each side chooses anew at every anchor, among learners that have all anchors."""
    anew: dict[RepeatAnchor, tuple[Pick, Pick]] = {}
    for repeat in kept:
        sides = met.there[repeat]
        every = [cells for side in sides for cells in side.values()]
        for cell in set.intersection(*map(set, every)):
            if cell.repeat == repeat and cell.n <= met.last:
                deep, classical = _candidates(sides, cell)
                anew[cell] = (pick(study, deep), pick(study, classical))
    return None if all(pairs.get(cell) == pair for cell, pair in anew.items()) else gap(study, anew)


def _depth(points: Sequence[Point]) -> int:
    """Number of configurations of the most tried learner."""
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
