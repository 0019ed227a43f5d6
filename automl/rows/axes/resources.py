"""Axes of what a fit is given: how large a model, how many CPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.errors import UsageError
from automl.rows.axes.base import AllRowsAxis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.rows.repeats import Repeat
    from automl.types import Cell, Config, Dataset, Learner


class ModelSizeAxis(AllRowsAxis):
    """Times the default size of each learner's model, that one in the middle, two a doubling."""

    def __init__(self, data: Dataset, repeats: Sequence[Repeat], anchors: int) -> None:
        middle = (anchors - 1) // 2
        super().__init__(data, repeats, [2.0 ** ((k - middle) / 2) for k in range(anchors)])

    def unfit(self, learner: Learner) -> str:
        if learner.size is None and learner.family != "baseline":
            return "axis: its model has no size to set"
        return ""

    def config(self, config: Config, cell: Cell, learner: Learner) -> Config:
        if learner.size is None:
            return config
        return learner.size.grown(config, self.levels[cell.level])

    def label(self, level: int) -> str:
        return f"{self.levels[level]:.3g} times the default size"


class WorkersAxis(AllRowsAxis):
    """CPUs that a fit trains on."""

    def __init__(self, data: Dataset, repeats: Sequence[Repeat], cpus: int) -> None:
        """Set the axis up: 1, 2, 4 ... CPUs and all of them.

        Raises:
            UsageError: There is only one.
        """
        if cpus < 2:
            msg = "a study along workers needs at least 2 CPUs, and it may use 1 here"
            raise UsageError(msg)
        super().__init__(
            data, repeats, sorted({2.0**k for k in range(cpus.bit_length())} | {float(cpus)})
        )

    def threads(self, cell: Cell) -> int:
        return int(self.levels[cell.level])

    def label(self, level: int) -> str:
        cpus = int(self.levels[level])
        return "1 CPU" if cpus == 1 else f"{cpus} CPUs"
