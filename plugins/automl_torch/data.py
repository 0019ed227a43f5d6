"""From the `tensors` view to torch: inputs copied once, targets scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from automl import TensorBlock

MARGIN = 0.05
"""Standard deviations that a predicted value may lie outside the training range."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The inputs a net was built for."""

    numbers: int
    flagged: tuple[int, ...]
    """Number columns that had missing values in training; each gets a 0/1 input."""
    cardinalities: tuple[int, ...]

    @classmethod
    def of(cls, block: TensorBlock) -> Layout:
        """Read the layout off the training rows."""
        flagged = np.flatnonzero(np.asarray(block.missing).any(axis=0))
        return cls(
            block.numbers.shape[1],
            tuple(int(column) for column in flagged),
            tuple(int(levels) for levels in block.cardinalities),
        )

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Layout:
        """The layout that was written as JSON."""
        return cls(saved["numbers"], tuple(saved["flagged"]), tuple(saved["cardinalities"]))


@dataclass(frozen=True, slots=True)
class Inputs:
    """Rows as a net takes them.

    `numbers` is (n, d) float32, `flags` (n, f) float32 and `codes` (n, c) int64.
    """

    numbers: torch.Tensor
    flags: torch.Tensor
    codes: torch.Tensor

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: torch.Tensor) -> Inputs:
        """The rows at the given positions, an (m,) int64 tensor."""
        return Inputs(
            self.numbers.index_select(0, rows),
            self.flags.index_select(0, rows),
            self.codes.index_select(0, rows),
        )

    def joined(self, other: Inputs) -> Inputs:
        """These rows, then the others."""
        return Inputs(
            torch.cat([self.numbers, other.numbers]),
            torch.cat([self.flags, other.flags]),
            torch.cat([self.codes, other.codes]),
        )


def to_inputs(block: TensorBlock, layout: Layout, device: str) -> Inputs:
    """Copy a block to the device; codes that training never counted become 0, unknown."""
    levels = np.asarray(layout.cardinalities, dtype=np.int64)
    codes = np.asarray(block.codes, dtype=np.int64)
    known = (codes >= 0) & (codes < levels)
    flags = np.asarray(block.missing)[:, list(layout.flagged)]
    return Inputs(
        _copy(np.asarray(block.numbers, dtype=np.float32), device),
        _copy(flags.astype(np.float32), device),
        _copy(np.where(known, codes, 0), device),
    )


def _copy(array: npt.NDArray[Any], device: str) -> torch.Tensor:
    """A tensor of its own; to a GPU through pinned memory, which does not wait."""
    tensor = torch.tensor(array)
    if device == "cpu":
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)


@dataclass(frozen=True, slots=True)
class Entrance:
    """The way in which the rows of a view enter a net.

    Layouts and inputs may be of other classes than those of tables: inputs have a length and
    `take`, layouts are dataclasses.
    """

    layout: Callable[[Any], Any]
    """Reads the layout off the X of training rows."""
    restored: Callable[[Mapping[str, Any]], Any]
    """A layout from its fields."""
    inputs: Callable[[Any, Any, str], Any]
    """(X, layout, device) -> inputs."""


TABLE = Entrance(Layout.of, Layout.restored, to_inputs)


@dataclass(frozen=True, slots=True)
class TargetScale:
    """Standardises a regression target and keeps predictions near the values seen."""

    mean: float
    deviation: float
    low: float
    high: float

    @classmethod
    def of(cls, y: npt.NDArray[np.float64]) -> TargetScale:
        """Measure the training target, (n,); a constant one gets deviation 1."""
        deviation = float(np.std(y)) or 1.0
        margin = MARGIN * float(np.std(y))
        return cls(
            float(np.mean(y)), deviation, float(np.min(y)) - margin, float(np.max(y)) + margin
        )

    def scale(self, y: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """(n,) values to (n,) float32 of mean 0 and variance 1."""
        return ((y - self.mean) / self.deviation).astype(np.float32)

    def restore(self, scaled: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """(n,) outputs of a net to (n,) values, clipped to the training range and a margin."""
        values = scaled.astype(np.float64) * self.deviation + self.mean
        return np.clip(values, self.low, self.high)
