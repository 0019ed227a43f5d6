"""Time limits: the fits of a contrast that were cut short, and the losses that are only bounds.

A fit that the time limit ended or hastened is censored: its loss is an upper bound of the loss of
its settings. So is the loss of a side if one of its learners was cut short and might be its best.
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
class CutShort:
    """Fits of one side of a contrast that the time limit cut short."""

    fits: int = 0
    """Number of fits of the side: all candidates at the last anchor, the chosen ones below."""
    censored: int = 0
    """Number of those that the time limit ended or hastened."""
    learners: tuple[str, ...] = ()
    """Learners with censored fits that were chosen or might have been; they leave verdicts open."""
    left_behind: tuple[str, ...] = ()
    """Learners that had no time for the last anchor and might lead there."""
    seconds: float = 0.0
    """Upper bound of the further seconds that those fits need; NaN where not known."""

    def __bool__(self) -> bool:
        return bool(self.learners or self.left_behind)


@dataclass(frozen=True, slots=True)
class CensoredAnchors:
    """Anchors at which the losses of one side are upper bounds."""

    anchors: frozenset[float]
    """The anchors."""
    choice: bool
    """True if another learner might have been chosen with more time."""
    cut_short: CutShort


def time_limit(
    study: Study, side: Side, picks: Sequence[Pick], candidates: Sequence[Point]
) -> CensoredAnchors:
    """Find the anchors of a side that the time limit censored.

    Chosen fits count at every anchor. At the last anchor, candidates count too that were cut short
    or had no time for it, if they might have been chosen otherwise.

    Args:
        study: Points of one regime.
        side: All learners of the side.
        picks: Choices at every anchor of every repeat that counts.
        candidates: Candidates at the last anchor of those repeats.
    """
    last, repeats = candidates[0].n, {point.repeat for point in candidates}
    chosen = {point for one in picks for point in one.points}
    fits = {*chosen, *candidates}
    if study.equal_seconds:
        return CensoredAnchors(frozenset(), choice=False, cut_short=CutShort(fits=len(fits)))
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
    return CensoredAnchors(
        frozenset(point.n for point in matter) | ({last} if behind else set()),
        choice=bool(behind) or not chosen.issuperset(matter),
        cut_short=CutShort(
            fits=len(fits),
            censored=sum(point.censored for point in fits),
            learners=tuple(sorted({point.learner for point in matter})),
            left_behind=tuple(behind),
            seconds=math.fsum(more),
        ),
    )


def bounded(difference: Series, censored: Sequence[CensoredAnchors]) -> Series:
    """Mark where a gap is a bound: lower if deep fits had ended by themselves, higher if classical.

    If another learner might have been chosen, all anchors below the last are bounds on both sides.

    Args:
        difference: Loss of the deep side less loss of the classical one.
        censored: The censored anchors of the deep and of the classical side.
    """
    deep, classical = (np.array([n in side.anchors for n in difference.n]) for side in censored)
    below = np.arange(len(difference.n)) < len(difference.n) - 1
    if any(side.choice for side in censored):
        deep, classical = deep | below, classical | below
    return replace(difference, lower=deep, higher=classical)


def _might_lead(study: Study, side: Side, name: str, last: float) -> bool:
    """True unless it is known that a learner does not lead its side at an anchor.

    That is known if uncensored fits at most an octave below trail by validation in most repeats:
    on published curves the leader at half of the rows also leads at all rows in 97% of pairs
    (LCDB 1.1, benchmarks/lcdb).
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
    """Seconds of a fit at n, extrapolated linearly from the last anchor; NaN if not known."""
    top = max(cell.n for cell in cells)
    points = [point for cell in cells if cell.n == top for point in cells[cell]]
    taken = [p.needed_seconds if p.censored else p.fit_seconds for p in points]
    return float(np.mean(taken)) * n / top
