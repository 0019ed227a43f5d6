"""Axes of the rows themselves: how many there are, and how many have a label."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from automl.rows.axes.base import BaseAxis, subset_rows
from automl.rows.repeats import FOLDS, anchors_of, whole_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.rows.cells import CellRows
    from automl.rows.repeats import Repeat
    from automl.types import Array, Cell, Dataset, Learner


class RowsAxis(BaseAxis):
    """Rows to train on: nested subsets of one permutation a repeat."""

    graded = True

    def __init__(self, data: Dataset, repeats: Sequence[Repeat], anchors: int) -> None:
        self._data = data
        self._repeats = repeats
        self.parted = data.groups is None
        rows = min(len(repeat.order) for repeat in repeats)
        asked = anchors_of(rows, anchors, len(data.schema.classes))
        self._asked, self.sizes = asked, asked
        if data.groups is not None:
            self._asked, self.sizes = whole_groups(repeats[:FOLDS], asked)
        self.levels = tuple(float(n) for n in self.sizes)

    def subset(self, repeat: int, level: int) -> Array:
        """(m,) positions of the rows at one level in one repeat, all parts together."""
        return self._repeats[repeat].subset(self._asked[level])

    def rows(self, cell: Cell) -> CellRows:
        repeat = self._repeats[cell.repeat]
        return subset_rows(self._data, repeat, self._asked[cell.level], cell.fold)

    def label(self, level: int) -> str:
        return f"{self.sizes[level]:,} rows"


class LabelsAxis(BaseAxis):
    """Percent of the rows that have a label: the others lose theirs and are kept without it."""

    graded = True

    def __init__(self, data: Dataset, repeats: Sequence[Repeat], anchors: int) -> None:
        self._data = data
        self._rows = RowsAxis(data, repeats, anchors)
        self.sizes = self._rows.sizes
        self.levels = tuple(100.0 * n / self.sizes[-1] for n in self.sizes)

    def sizes_for(self, learner: Learner) -> tuple[int, ...]:
        return self.sizes[-1:] * len(self.sizes) if learner.uses_unlabelled else self.sizes

    def rows(self, cell: Cell) -> CellRows:
        labelled = self._rows.rows(cell)
        known = len(self._rows.subset(cell.repeat, cell.level))
        others = self._rows.subset(cell.repeat, len(self.sizes) - 1)[known:]
        return replace(labelled, unlabelled=self._data.X.iloc[others] if len(others) else None)

    def label(self, level: int) -> str:
        return f"{self.levels[level]:.3g}% of the labels"
