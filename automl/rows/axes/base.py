"""Axes: quantities that grow in a study, and the rows of every cell along them."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

import numpy as np

from automl.rows.cells import CellRows, RowDesign
from automl.rows.repeats import parts_of
from automl.types import Cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.rows.repeats import Repeat
    from automl.types import Dataset, Learner


class Axis(RowDesign, Protocol):
    """The row design of a study: a quantity that takes several levels."""

    @property
    def levels(self) -> tuple[float, ...]:
        """Its values, ascending and above 0: log2 of them is the study's scale."""
        ...

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows that a fit takes at each level, all parts together."""
        ...

    def sizes_for(self, learner: Learner) -> tuple[int, ...]:
        """`sizes` of one learner, with the rows without a label where it learns from them."""
        ...

    @property
    def graded(self) -> bool:
        """True if lower levels are cheaper, so that a learner may stop below the top."""
        ...

    @property
    def parted(self) -> bool:
        """True if a level may be repeated on other rows: cells then have a subset, their `fold`."""
        ...

    def unfit(self, learner: Learner) -> str:
        """Why there is nothing to see of a learner along this axis; empty where there is."""
        ...

    @property
    def trials(self) -> int | None:
        """Configurations to try at every level; None leaves it to the regime."""
        ...

    def values(self, level: int, order: int) -> tuple[float, ...]:
        """Values on the axis that a fit stands for.

        Args:
            level: That it was made at.
            order: Its place among the configurations tried there.
        """
        ...

    def label(self, level: int) -> str:
        """The level in words, such as "4,000 rows"."""
        ...


class BaseAxis(RowDesign):
    """Answers that most axes share: they are about any learner, configured as it is."""

    levels: tuple[float, ...]
    sizes: tuple[int, ...]
    graded = False
    parted = False
    trials: int | None = None

    def size(self, cell: Cell) -> int:
        return self.sizes[cell.level]

    def sizes_for(self, learner: Learner) -> tuple[int, ...]:
        del learner
        return self.sizes

    def upcoming(self, cell: Cell) -> tuple[Cell, ...]:
        above = cell.level + 1
        return (cell._replace(level=above, fold=0),) if above < len(self.levels) else ()

    def keeps_model(self, cell: Cell) -> bool:
        del cell
        return False

    def unfit(self, learner: Learner) -> str:
        del learner
        return ""

    def values(self, level: int, order: int) -> tuple[float, ...]:
        del order
        return (self.levels[level],)

    def where(self, cell: Cell) -> str:
        subset = f", subset {cell.fold + 1}" if cell.fold else ""
        return f"at {self.label(cell.level)} in repeat {cell.repeat + 1}{subset}"

    @abstractmethod
    def label(self, level: int) -> str:
        """The level in words."""


class AllRowsAxis(BaseAxis):
    """All rows of every repeat, at every level."""

    def __init__(self, data: Dataset, repeats: Sequence[Repeat], levels: Sequence[float]) -> None:
        self._data = data
        self._repeats = repeats
        self.levels = tuple(levels)
        self.sizes = (min(len(repeat.order) for repeat in repeats),) * len(self.levels)

    def rows(self, cell: Cell) -> CellRows:
        return subset_rows(self._data, self._repeats[cell.repeat], self.sizes[cell.level])


def subset_rows(data: Dataset, repeat: Repeat, n: int, place: int = 0) -> CellRows:
    """A subset of n rows of a repeat, parted, as they stand in the table.

    Args:
        data: The table.
        repeat: The repeat.
        n: Rows.
        place: 0 for the nested subset, above for others that share no rows with it.
    """
    parts = parts_of(repeat, n, place)
    fitted = np.concatenate([parts.train, parts.stop])
    return CellRows(
        schema=data.schema,
        X=data.X.iloc[fitted],
        y=data.y[fitted],
        n_stop=len(parts.stop),
        validation_X=data.X.iloc[parts.validation],
        validation_y=data.y[parts.validation],
        test_X=data.X.iloc[parts.test],
        test_y=data.y[parts.test],
    )
