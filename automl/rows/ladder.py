"""The ladder of a fit: the cells that a configuration climbs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl.types import TOP, Cell

if TYPE_CHECKING:
    from collections.abc import Mapping

BAG = 4
"""The rung that repeats the top, on every row and on the other folds."""
FEW = 200
"""Rows below which a fold scores by luck, and no rung is made."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The cells of one data set."""

    sizes: Mapping[int, int]
    """Rung -> rows of its nested subset, for the rungs that exist up to the top."""
    folds: int
    all_folds_at_top: bool
    """True for small tables: rung 3 runs every fold, if there is time for all learners."""
    refit: bool = False
    """True where rows are ordered in time: what predicts is one fit on every row."""
    whole: bool = True
    """True if the best are also fitted on every row; such a fit has no score."""
    growth: float = 1.0
    """Every row, in units of those that a model of fold 0 learns from."""

    @property
    def single(self) -> tuple[Cell, ...]:
        """The cells of one fold, up to all of its rows."""
        return tuple(Cell(rung, 0) for rung in sorted(self.sizes))

    @property
    def others(self) -> tuple[Cell, ...]:
        """The other folds of the top, which score a configuration on all rows of a small table."""
        folds = range(1, self.folds) if self.all_folds_at_top else ()
        return tuple(Cell(TOP, fold) for fold in folds)

    @property
    def tiny(self) -> bool:
        """True if one fold scores too few rows to tell learners apart."""
        return self.all_folds_at_top and self.sizes[TOP] < FEW * (self.folds - 1)

    @property
    def bag(self) -> tuple[Cell, ...]:
        """Cells that repeat a configuration at the top: one fit on every row, then the other folds.

        Beside a model of one fold, one of every row is worth about two of other folds.
        """
        whole = (Cell(BAG, self.folds),) if self.whole or self.refit else ()
        if self.refit:
            return whole
        return whole + (self.others or tuple(Cell(BAG, fold) for fold in range(1, self.folds)))

    def rows(self, cell: Cell) -> int:
        """Rows of a cell's nested subset."""
        return self.sizes[min(cell.rung, TOP)]

    def share(self, cell: Cell) -> float:
        """Rows of a cell in units of the top rung."""
        return self.rows(cell) / self.sizes[TOP]
