"""What grows in a study, and what that does to the rows of one cell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from automl.workflow.study.design import FOLDS, Repeat, anchors_of, parts_of, whole_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from automl.search.objective import Order
    from automl.types import Array, Dataset, Learner, Schema


@dataclass(frozen=True, eq=False)
class Cell:
    """The rows of one level of the axis in one repeat."""

    schema: Schema
    X: pd.DataFrame
    """Training rows, then stop rows."""
    y: Array
    n_stop: int
    choose_X: pd.DataFrame
    choose_y: Array
    scored_X: pd.DataFrame
    scored_y: Array
    unlabelled: pd.DataFrame | None = None
    """Rows without a target, for the learners that use them."""


class Axis(Protocol):
    """A quantity that takes several levels."""

    @property
    def levels(self) -> tuple[float, ...]:
        """Its values, ascending and above 0: log2 of them is the study's scale."""
        ...

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows that a fit takes at each level, all parts together."""
        ...

    def rows(self, learner: Learner) -> tuple[int, ...]:
        """The same for one learner, with the rows without a label where it learns from them."""
        ...

    @property
    def graded(self) -> bool:
        """Whether lower levels are cheaper, so that a learner may stop below the top."""
        ...

    def unfit(self, learner: Learner) -> str:
        """Why there is nothing to see of a learner along this axis; empty where there is."""
        ...

    def cell(self, repeat: int, level: int) -> Cell:
        """The rows at one level in one repeat."""
        ...

    def order(self, order: Order, level: int, learner: Learner) -> Order:
        """What a worker is asked to do at one level."""
        ...

    @property
    def trials(self) -> int | None:
        """Configurations to try at every level; None leaves it to the regime."""
        ...

    def values(self, level: int, order: int) -> tuple[float, ...]:
        """Where on the axis a fit stands.

        Args:
            level: That it was made at.
            order: Its place among the configurations tried there.
        """
        ...

    def label(self, level: int) -> str:
        """The level in words, such as "4,000 rows"."""
        ...


class Usual:
    """What most axes have in common: they are about any learner, configured as it is."""

    graded = False
    trials: int | None = None
    levels: tuple[float, ...]
    sizes: tuple[int, ...]

    def rows(self, learner: Learner) -> tuple[int, ...]:
        del learner
        return self.sizes

    def unfit(self, learner: Learner) -> str:
        del learner
        return ""

    def order(self, order: Order, level: int, learner: Learner) -> Order:
        del level, learner
        return order

    def values(self, level: int, order: int) -> tuple[float, ...]:
        del order
        return (self.levels[level],)


class AllRows(Usual):
    """All rows of every repeat, at every level."""

    def __init__(self, data: Dataset, repeats: Sequence[Repeat], levels: Sequence[float]) -> None:
        self._data = data
        self._repeats = repeats
        self.levels = tuple(levels)
        self.sizes = (min(len(repeat.order) for repeat in repeats),) * len(self.levels)

    def cell(self, repeat: int, level: int) -> Cell:
        return cell_of(self._data, self._repeats[repeat], self.sizes[level])


class Rows(Usual):
    """The rows axis: nested prefixes of one permutation a repeat."""

    graded = True

    def __init__(self, data: Dataset, repeats: Sequence[Repeat], anchors: int) -> None:
        self._data = data
        self._repeats = repeats
        rows = min(len(repeat.order) for repeat in repeats)
        asked = anchors_of(rows, anchors, len(data.schema.classes))
        self._asked, self.sizes = asked, asked
        if data.groups is not None:
            self._asked, self.sizes = whole_groups(repeats[:FOLDS], asked)
        self.levels = tuple(float(n) for n in self.sizes)

    def prefix(self, repeat: int, level: int) -> Array:
        """(m,) positions of the rows at one level in one repeat, all parts together."""
        return self._repeats[repeat].prefix(self._asked[level])

    def cell(self, repeat: int, level: int) -> Cell:
        return cell_of(self._data, self._repeats[repeat], self._asked[level])

    def label(self, level: int) -> str:
        return f"{self.sizes[level]:,} rows"


class Labels(Usual):
    """Percent of the rows that have a label: the others lose theirs and are kept without it."""

    graded = True

    def __init__(self, data: Dataset, repeats: Sequence[Repeat], anchors: int) -> None:
        self._data = data
        self._rows = Rows(data, repeats, anchors)
        self.sizes = self._rows.sizes
        self.levels = tuple(100.0 * n / self.sizes[-1] for n in self.sizes)

    def rows(self, learner: Learner) -> tuple[int, ...]:
        return self.sizes[-1:] * len(self.sizes) if learner.uses_unlabelled else self.sizes

    def cell(self, repeat: int, level: int) -> Cell:
        cell = self._rows.cell(repeat, level)
        known = len(self._rows.prefix(repeat, level))
        others = self._rows.prefix(repeat, len(self.sizes) - 1)[known:]
        return replace(cell, unlabelled=self._data.X.iloc[others] if len(others) else None)

    def label(self, level: int) -> str:
        return f"{self.levels[level]:.3g}% of the labels"


def cell_of(data: Dataset, repeat: Repeat, n: int) -> Cell:
    """The first n rows of a repeat as they are."""
    parts = parts_of(repeat, n)
    fitted = np.concatenate([parts.train, parts.stop])
    return Cell(
        data.schema,
        data.X.iloc[fitted],
        data.y[fitted],
        len(parts.stop),
        data.X.iloc[parts.choose],
        data.y[parts.choose],
        data.X.iloc[parts.scored],
        data.y[parts.scored],
    )
