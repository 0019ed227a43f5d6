"""Cells: the places at which fits are made, and the rows that belong to each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pandas as pd

    from automl.types import Array, Cell, Config, Learner, Schema


@dataclass(frozen=True, eq=False)
class CellRows:
    """The rows of one cell, not encoded yet."""

    schema: Schema
    X: pd.DataFrame
    """Training rows, then early-stopping rows."""
    y: Array
    """(n,) targets of `X`; zeros where no label may reach a worker."""
    n_stop: int
    """Early-stopping rows, the last ones of `X`."""
    validation_X: pd.DataFrame
    validation_y: Array
    """Targets that configurations are chosen by."""
    test_X: pd.DataFrame | None = None
    test_y: Array | None = None
    unlabelled: pd.DataFrame | None = None
    """Rows without a target, for the learners that use them."""
    stop_y: Array | None = None
    """Pseudo-labels of the early-stopping rows, where no label may reach a worker."""
    weights: Array | None = None
    """(n,) how much each row of `X` counts; None where all count alike."""
    validation_weights: Array | None = None


class RowDesign(Protocol):
    """Maps cells to rows: all that tells a fit and a study apart, but for their schedules.

    Where a method has a body, designs that inherit it fit configurations as they are, in cells
    with encodings of their own.
    """

    def rows(self, cell: Cell) -> CellRows:
        """The rows of a cell, the same at every call."""
        ...

    def size(self, cell: Cell) -> int:
        """Rows of the nested subset that a fit takes in a cell."""
        ...

    def encoded_as(self, cell: Cell) -> Cell:
        """The cell whose encoded rows serve this one as well; most cells have their own."""
        return cell

    def upcoming(self, cell: Cell) -> tuple[Cell, ...]:
        """Cells that a learner will probably want after this one."""
        ...

    def keeps_model(self, cell: Cell) -> bool:
        """Return whether models of a cell may predict new rows, so that they are saved."""
        ...

    def config(self, config: Config, cell: Cell, learner: Learner) -> Config:
        """The settings that a configuration means in a cell."""
        del cell, learner
        return config

    def threads(self, cell: Cell) -> int | None:
        """CPUs of a fit in a cell; None leaves it to the workers."""
        del cell
        return None

    def where(self, cell: Cell) -> str:
        """The cell in words, such as "on rung 2" or "at 4,000 rows in repeat 1"."""
        ...
