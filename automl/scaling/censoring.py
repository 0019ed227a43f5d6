"""What a time limit kept from one side of a contrast, and what its scores are bounds of.

A fit that time ended or hastened is censored: its loss is an upper bound of what the settings can
do. So is the loss of a side one of whose learners was cut short and might be its best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from automl.scaling.curve import SLACK
from automl.scaling.picks import Cells, Pick, Side, pick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.scaling.estimate import Series
    from automl.scaling.points import Point, Study


@dataclass(frozen=True, slots=True)
class Cut:
    """What the time limit kept from one side of a contrast."""

    fits: int = 0
    """Fits that the side stands on: all candidates at the last anchor, the chosen ones below."""
    censored: int = 0
    """How many of them time ended or hastened."""
    learners: tuple[str, ...] = ()
    """Whose fits among those leave a verdict open: they were chosen, or might have been."""
    left_behind: tuple[str, ...] = ()
    """Learners that time left behind below the last anchor, and that might lead at it."""
    seconds: float = 0.0
    """What it takes at most to let them end, beyond what they took; NaN where not known."""

    def __bool__(self) -> bool:
        return bool(self.learners or self.left_behind)


@dataclass(frozen=True, slots=True)
class Limit:
    """Where the losses of one side are upper bounds."""

    anchors: frozenset[float]
    """Anchors at which they are."""
    choice: bool
    """Whether another learner might have been chosen, had there been more time."""
    cut: Cut


def time_limit(
    study: Study, side: Side, picks: Sequence[Pick], candidates: Sequence[Point]
) -> Limit:
    """What the time limit kept from a side.

    The fits that were chosen count at every anchor. At the last one every candidate counts that
    was cut short, or left behind, and might have been chosen otherwise.

    Args:
        study: Points of one regime.
        side: All learners of the side.
        picks: What was chosen at every anchor of every repeat that counts.
        candidates: What was to choose from at the last anchor of those repeats.
    """
    last, repeats = candidates[0].n, {point.repeat for point in candidates}
    chosen = {point for one in picks for point in one.points}
    fits = {*chosen, *candidates}
    if study.equal_seconds:
        return Limit(frozenset(), choice=False, cut=Cut(fits=len(fits)))
    hopeful = {name for name in side if _might_lead(study, side, name, last)}
    matter = [p for p in fits if p.censored and (p in chosen or p.learner in hopeful)]
    behind = [
        name
        for name in sorted(side.keys() & set(study.not_reached))
        if not repeats <= {cell.repeat for cell in side[name] if cell.n >= last}
        and _might_lead(study, side, name, max(cell.n for cell in side[name]))
    ]
    more = [point.needed_seconds - point.fit_seconds for point in matter]
    more += [len(repeats) * _seconds_at(side[name], last) for name in behind]
    return Limit(
        frozenset(point.n for point in matter) | ({last} if behind else set()),
        choice=bool(behind) or not chosen.issuperset(matter),
        cut=Cut(
            fits=len(fits),
            censored=sum(point.censored for point in fits),
            learners=tuple(sorted({point.learner for point in matter})),
            left_behind=tuple(behind),
            seconds=math.fsum(more),
        ),
    )


def bounded(difference: Series, limits: Sequence[Limit]) -> Series:
    """A gap with its bounds: lower had deep fits ended by themselves, higher had classical ones.

    Where another learner might have been chosen it might have any other curve below the top.

    Args:
        difference: Loss of the deep side less loss of the classical one.
        limits: Of the deep and of the classical side.
    """
    deep, classical = (np.array([n in side.anchors for n in difference.n]) for side in limits)
    below = np.arange(len(difference.n)) < len(difference.n) - 1
    if any(side.choice for side in limits):
        deep, classical = deep | below, classical | below
    return replace(difference, lower=deep, higher=classical)


def _might_lead(study: Study, side: Side, name: str, last: float) -> bool:
    """Whether a learner might lead its side at an anchor, as far as is known.

    It might unless fits of it that ended by themselves, no further than an octave below, trail by
    validation in most repeats: on published curves the leader at half of the rows still leads at
    all of them in 97% of pairs (LCDB 1.1, benchmarks/lcdb).
    """
    own = side[name]
    ended = [
        cell
        for cell, points in own.items()
        if SLACK * last / 2 <= cell.n <= last and not any(point.censored for point in points)
    ]
    led, cells = 0, [cell for cell in ended if cell.n == max(other.n for other in ended)]
    for cell in cells:
        every = [point for points in side.values() for point in points.get(cell, ())]
        led += any(point.learner == name for point in pick(study, every).points)
    return led >= len(cells) / 2


def _seconds_at(cells: Cells, n: float) -> float:
    """Seconds of a fit at n, in proportion to those at the last anchor; NaN if not known."""
    top = max(cell.n for cell in cells)
    points = [point for cell in cells if cell.n == top for point in cells[cell]]
    taken = [p.needed_seconds if p.censored else p.fit_seconds for p in points]
    return float(np.mean(taken)) * n / top
