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


def contrasts(study: Study) -> list[Contrast]:
    """The family contrast first, then every deep learner against the best classical one.

    *Family*: at each anchor the first m configurations of every learner in the order they were
    dealt, each side's best chosen on validation; m is the smaller of what the most tried learner
    of each family has there, so that neither family is tuned deeper. (The first m of a whole
    family would be its cheapest learners, for those are dealt first.) *Learner*: the same
    between a deep learner and the classical learner that validation prefers at the largest
    common anchor.

    Args:
        study: Points of one regime.
    """
    deep, classical = (
        {name: points for name, points in _by_learner(study).items() if points[0].family == family}
        for family in ("deep", "classical")
    )
    if not deep or not classical:
        return []
    whole = _paired(study, _cells(_join(deep)), _cells(_join(classical)))
    found = [_contrast(study, "family", ("best deep", "best classical"), whole)]
    rivals = {name: _cells(points) for name, points in classical.items()}
    for name, points in deep.items():
        best, pairs = _against_best(study, _cells(points), rivals)
        found.append(_contrast(study, "learner", (name, best), pairs))
    return [contrast for contrast in found if contrast is not None]


def learner_curves(study: Study) -> dict[str, Curve]:
    """Learner -> its best configuration by validation at every anchor of every repeat."""
    return {
        name: {cell: pick(study, found) for cell, found in _cells(points).items()}
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
        rows: Cell -> what the per-row terms come from, where there is one repeat.
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
    if len(repeats) == 1:
        terms = _columns(study, [rows[Cell(repeats[0], n)] for n in anchors])
    # m rows that all agree leave room for about one that does not
    floor = 1 / len(terms) if study.bounded and terms is not None and len(terms) else 0.0
    return Series(np.array(anchors, dtype=np.float64), matrix, terms, floor)


def gap(study: Study, pairs: Pairs) -> Series | None:
    """The difference of losses, deep minus classical."""
    sign = -1.0 if study.greater_is_better else 1.0
    values = {cell: sign * (a.score - b.score) for cell, (a, b) in pairs.items()}
    return series(study, values, pairs)


def loss_series(study: Study, curve: Curve) -> Series | None:
    """The losses of one curve."""
    return series(study, {cell: study.loss(p.score) for cell, p in curve.items()}, curve)


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


def _contrast(
    study: Study, kind: Literal["family", "learner"], names: tuple[str, str], pairs: Pairs
) -> Contrast | None:
    found = gap(study, pairs)
    return None if found is None else Contrast(kind, *names, pairs, found)


def _paired(
    study: Study, deep: Mapping[Cell, list[Point]], classical: Mapping[Cell, list[Point]]
) -> dict[Cell, tuple[Pick, Pick]]:
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


def _against_best(
    study: Study, deep: Mapping[Cell, list[Point]], rivals: Mapping[str, Mapping[Cell, list[Point]]]
) -> tuple[str, Pairs]:
    """The pairs with the rival that validation prefers at the top, per repeat and part.

    Only rivals that share the most anchors with the deep learner are asked.
    """
    every = {name: _paired(study, deep, cells) for name, cells in rivals.items()}
    most = max(len(pairs) for pairs in every.values())
    every = {name: pairs for name, pairs in every.items() if len(pairs) == most}
    shared = set.intersection(*(set(pairs) for pairs in every.values())) or set()
    tops = {cell.repeat: cell for cell in sorted(shared)}
    sign = -1.0 if study.greater_is_better else 1.0
    merged: dict[Cell, tuple[Pick, Pick]] = {}
    votes: Counter[str] = Counter()
    for repeat, top in tops.items():
        parts = range(len(next(iter(every.values()))[top][1].points))
        names = [
            min(every, key=lambda name: _preferred(sign, every[name][top][1], part))
            for part in parts
        ]
        votes.update(names)
        for cell in (cell for cell in shared if cell.repeat == repeat):
            merged[cell] = (
                Pick(tuple(every[name][cell][0].points[part] for part, name in enumerate(names))),
                Pick(tuple(every[name][cell][1].points[part] for part, name in enumerate(names))),
            )
    return (votes.most_common(1)[0][0] if votes else ""), merged


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


def _join(learners: Mapping[str, Iterable[Point]]) -> list[Point]:
    return [point for points in learners.values() for point in points]


def _cells(points: Iterable[Point]) -> dict[Cell, list[Point]]:
    """Points by cell, in the order in which they were dealt."""
    found: dict[Cell, list[Point]] = {}
    for point in sorted(points, key=lambda p: (p.order, p.learner)):
        found.setdefault(Cell(point.repeat, point.n), []).append(point)
    return found
