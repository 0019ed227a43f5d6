"""Parts that nets are made of: how columns enter, and cheap dropout."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
from torch import nn

from automl_torch.embeddings import Periodic, Piecewise

if TYPE_CHECKING:
    from automl_torch.data import Inputs, Layout

NumberKind: TypeAlias = Literal["plain", "piecewise", "periodic"]

ONE_HOT_LEVELS = 10
"""Largest cardinality (code 0 counted) that is one-hot encoded instead of embedded."""
WIDEST_NUMBERS = 1024
"""Most inputs that embedded numbers may grow to; wider tables keep plain numbers."""
RATE_STEPS = 16
"""Rates that a dropout takes on its way to zero."""


class Dropout(nn.Module):
    """Inverted dropout whose masks are random windows of one long random mask.

    Drawing a fresh mask costs a CPU as much as the matrix product before it; a window costs
    nothing and is as good, since its start is drawn anew at every call.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.peak = self.rate = rate
        self._pool: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Any shape to the same shape."""
        if not self.training or self.rate <= 0:
            return x
        size = x.numel()
        if self._pool is None or len(self._pool) < 2 * size:
            keep = 1 - self.rate
            pool = torch.empty(max(2 * size, 1 << 18), device=x.device)
            self._pool = pool.bernoulli_(keep).div_(keep)
        start = int(torch.randint(len(self._pool) - size + 1, ()))
        return x * self._pool[start : start + size].view(x.shape)

    def lower(self, share: float) -> None:
        """Drop out at `share` of the first rate, in `RATE_STEPS` steps."""
        rate = self.peak * math.ceil(share * RATE_STEPS) / RATE_STEPS
        if rate != self.rate:
            self.rate = rate
            self.forget()

    def forget(self) -> None:
        """Free the mask; the next training step draws another."""
        self._pool = None


def with_cheap_dropout(net: nn.Module) -> nn.Module:
    """The net with a `Dropout` of this module in place of each of torch's, ReLU in place."""
    for part in net.modules():
        for name, child in part.named_children():
            if isinstance(child, nn.Dropout):
                setattr(part, name, Dropout(child.p))
            elif isinstance(child, nn.ReLU):
                child.inplace = True
    return net


class Categories(nn.Module):
    """Missing flags and categories of a row side by side, (n, width).

    Categories of few levels are one-hot, the others come from one table of embeddings.
    Code 0 (unknown) starts as zeros, so that a level never seen in training adds nothing.

    Args:
        layout: What goes in.
        size: Numbers in an embedding.
        one_hot: Largest cardinality (code 0 counted) that is one-hot.
        spread: Standard deviation of fresh embeddings; 1 / sqrt(size) unless given.
    """

    offsets: torch.Tensor
    starts: torch.Tensor

    def __init__(
        self,
        layout: Layout,
        size: int,
        one_hot: int = ONE_HOT_LEVELS,
        spread: float | None = None,
    ) -> None:
        super().__init__()
        few = [i for i, levels in enumerate(layout.cardinalities) if levels <= one_hot]
        many = [i for i, levels in enumerate(layout.cardinalities) if levels > one_hot]
        self.few, self.many = few, many
        hot = [layout.cardinalities[i] - 1 for i in few]
        self.sizes = [1] * len(layout.flagged) + hot + [size] * len(many)
        """Numbers that each feature becomes, in their order."""
        self.width = sum(self.sizes)
        self.dense = len(layout.flagged) + sum(hot)
        """Count of the first numbers that are 0 or 1."""
        starts = torch.tensor([0, *hot]).cumsum(0)
        self.hot = int(starts[-1]) + 1
        self.register_buffer("starts", starts[:-1], persistent=False)
        rows = torch.tensor([0, *(layout.cardinalities[i] for i in many)]).cumsum(0)
        self.register_buffer("offsets", rows[:-1], persistent=False)
        self.table: nn.Embedding | None = None
        if many:
            self.table = nn.Embedding(int(rows[-1]), size)
            nn.init.normal_(self.table.weight, std=spread or 1 / math.sqrt(size))
            with torch.no_grad():
                self.table.weight[rows[:-1]] = 0.0

    def forward(self, rows: Inputs) -> torch.Tensor:
        """`Inputs` of n rows to (n, width)."""
        parts = [rows.flags]
        if self.few:
            codes = rows.codes[:, self.few] if self.many else rows.codes
            places = torch.where(codes > 0, codes + self.starts, 0)
            hot = rows.flags.new_zeros(len(rows), self.hot)
            parts.append(hot.scatter_(1, places, 1.0)[:, 1:])
        if self.table is not None:
            codes = rows.codes[:, self.many] if self.few else rows.codes
            parts.append(self.table(codes + self.offsets).flatten(1))
        return torch.cat(parts, 1) if len(parts) > 1 else rows.flags


class Columns(nn.Module):
    """All columns of a row side by side, (n, width): numbers, embedded numbers, categories."""

    def __init__(self, layout: Layout, numbers: NumberKind, size: int) -> None:
        super().__init__()
        self.layout = layout
        self.numbers = self._numbers(numbers, layout.numbers)
        self.categories = Categories(layout, size)
        extra = sum(self.numbers.sizes) if self.numbers else 0
        self.width = max(layout.numbers + extra + self.categories.width, 1)

    @staticmethod
    def _numbers(kind: NumberKind, columns: int) -> Piecewise | Periodic | None:
        per_column = WIDEST_NUMBERS // max(columns, 1)
        if kind == "plain" or columns == 0 or per_column < 4:
            return None
        if kind == "piecewise":
            return Piecewise(columns, min(per_column, 16))
        return Periodic(columns, 16, min(per_column, 8), 0.1)

    def measure(self, numbers: torch.Tensor) -> None:
        """Fit what depends on the training numbers, (n, d)."""
        if self.numbers is not None:
            self.numbers.measure(numbers)

    def forward(self, rows: Inputs) -> torch.Tensor:
        """`Inputs` of n rows to (n, width)."""
        parts = [rows.numbers, self.categories(rows)]
        if self.numbers is not None:
            parts.append(self.numbers(rows.numbers))
        joined = torch.cat(parts, 1)
        return joined if joined.shape[1] else rows.numbers.new_zeros(len(rows), 1)
