"""The row design of a fit: its ladder over the folds of one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.rows.cells import CellRows, RowDesign
from automl.rows.ladder import BAG
from automl.types import TOP, Cell

if TYPE_CHECKING:
    import pandas as pd

    from automl.rows.folds import Split
    from automl.types import Array, Dataset


@dataclass(frozen=True, eq=False)
class FoldDesign(RowDesign):
    """Nested subsets of the folds of a table.

    Where anomalies are looked for, pseudo-labels stand in for the labels that no fit may see.
    """

    data: Dataset
    """All training rows."""
    truth: Array
    """(n,) answers that configurations are chosen by: the target of `data`, or pseudo-labels."""
    split: Split
    locked: Dataset | None = None
    """Test rows, which every model predicts as well."""
    seed: int = 0
    """Seed of the order in which rows without a target come in."""

    def rows(self, cell: Cell) -> CellRows:
        data = self.data
        subset = self.split.subset(cell.fold, cell.rung)
        stop = self.split.stop_rows(cell.fold, cell.rung)
        fitted = np.concatenate([subset[~stop], subset[stop]])
        validation = self.split.validation(cell.fold)
        blind = data.pseudo_labels is not None
        return CellRows(
            schema=data.schema,
            X=data.X.iloc[fitted],
            y=np.zeros(len(fitted), np.int64) if blind else data.y[fitted],
            n_stop=int(stop.sum()),
            validation_X=data.X.iloc[validation],
            validation_y=self.truth[validation],
            test_X=None if self.locked is None else self.locked.X,
            test_y=None if self.locked is None else self.locked.y,
            unlabelled=self._unlabelled(cell),
            stop_y=self.truth[subset[stop]] if blind else None,
            weights=None if data.weights is None else data.weights[fitted],
            validation_weights=None if data.weights is None else data.weights[validation],
        )

    def _unlabelled(self, cell: Cell) -> pd.DataFrame | None:
        """As large a share of the rows without a target as the cell has of the others, nested."""
        rows = self.data.unlabelled
        if rows is None:
            return None
        share = self.size(cell) / self.size(cell._replace(rung=TOP))
        order = np.random.default_rng(self.seed).permutation(len(rows))
        return rows.iloc[order[: max(1, round(min(share, 1.0) * len(rows)))]]

    def size(self, cell: Cell) -> int:
        return len(self.split.subset(cell.fold, cell.rung))

    def encoded_as(self, cell: Cell) -> Cell:
        """Rung 4 shares the rows of rung 3, but for the fit on every row."""
        shared = cell.rung == BAG and cell.fold < self.split.n_folds
        return cell._replace(rung=TOP) if shared else cell

    def upcoming(self, cell: Cell) -> tuple[Cell, ...]:
        """The next fold; after the fit on every row comes fold 1."""
        following = cell.fold % self.split.n_folds + 1
        there = cell.fold and following < self.split.n_folds
        return (cell._replace(fold=following),) if there else ()

    def keeps_model(self, cell: Cell) -> bool:
        return cell.rung >= TOP

    def where(self, cell: Cell) -> str:
        return f"on rung {cell.rung}"
