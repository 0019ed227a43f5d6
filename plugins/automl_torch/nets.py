"""Parts that nets are made of: how columns enter, and cheap dropout."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
from torch import nn

if TYPE_CHECKING:
    from automl_torch.data import Inputs, Layout

NumberKind: TypeAlias = Literal["plain", "piecewise", "periodic"]

ONE_HOT_LEVELS = 10
"""Largest cardinality (code 0 counted) that is one-hot encoded instead of embedded."""
WIDEST_NUMBERS = 1024
"""Most inputs that embedded numbers may grow to; wider tables keep plain numbers."""


class Dropout(nn.Module):
    """Inverted dropout whose masks are random windows of one long random mask.

    Drawing a fresh mask costs a CPU as much as the matrix product before it; a window costs
    nothing and is as good, since its start is drawn anew at every call.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
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

    def forget(self) -> None:
        """Free the mask; the next training step draws another."""
        self._pool = None


class Piecewise(nn.Module):
    """Piecewise-linear encoding over quantile bins (Gorishniy et al. 2022, arXiv 2203.05556)."""

    edges: torch.Tensor
    slopes: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor

    def __init__(self, columns: int, bins: int) -> None:
        super().__init__()
        self.width = columns * bins
        self.register_buffer("edges", torch.zeros(columns, bins))
        self.register_buffer("slopes", torch.zeros(columns, bins))
        low, high = torch.zeros(bins), torch.ones(bins)
        low[0], high[-1] = -math.inf, math.inf
        self.register_buffer("low", low)
        self.register_buffer("high", high)

    def measure(self, numbers: torch.Tensor) -> None:
        """Place the bins at the quantiles of (n, d) training numbers; empty bins stay 0."""
        bins = self.edges.shape[1]
        sample = numbers[: 1 << 13].double()
        cuts = torch.quantile(sample, torch.linspace(0, 1, bins + 1, dtype=torch.float64), dim=0)
        widths = cuts.diff(dim=0).T
        self.edges.copy_(cuts[:-1].T)
        self.slopes.copy_(torch.where(widths > 1e-6, 1 / widths.clamp_min(1e-6), 0.0))

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """(n, d) numbers to (n, width)."""
        place = (numbers.unsqueeze(-1) - self.edges) * self.slopes
        return torch.clamp(place, self.low, self.high).flatten(1)


class Periodic(nn.Module):
    """Periodic embeddings with a shared linear layer, "PLR lite" (arXiv 2203.05556)."""

    def __init__(self, columns: int, frequencies: int, size: int, sigma: float) -> None:
        super().__init__()
        self.width = columns * size
        self.frequencies = nn.Parameter(torch.randn(columns, frequencies) * sigma)
        self.linear = nn.Linear(2 * frequencies, size)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """(n, d) numbers to (n, width)."""
        angle = 2 * math.pi * numbers.unsqueeze(-1) * self.frequencies
        waves = torch.cat([angle.cos(), angle.sin()], -1)
        return torch.relu(self.linear(waves)).flatten(1)


class Columns(nn.Module):
    """All columns of a row side by side, (n, width).

    Numbers plain or embedded, missing flags, categories of few levels one-hot and the others
    from one table of embeddings. Code 0 (unknown) starts as zeros, so that a level never seen
    in training adds nothing.
    """

    offsets: torch.Tensor
    starts: torch.Tensor

    def __init__(self, layout: Layout, numbers: NumberKind, size: int) -> None:
        super().__init__()
        few = [i for i, levels in enumerate(layout.cardinalities) if levels <= ONE_HOT_LEVELS]
        many = [i for i, levels in enumerate(layout.cardinalities) if levels > ONE_HOT_LEVELS]
        self.few, self.many, self.size = few, many, size
        self.numbers = self._numbers(numbers, layout.numbers)
        self._tables(layout, few, many)
        extra = self.numbers.width if self.numbers else 0
        width = layout.numbers + extra + len(layout.flagged) + self.hot - 1 + len(many) * size
        self.width = max(width, 1)

    @staticmethod
    def _numbers(kind: NumberKind, columns: int) -> Piecewise | Periodic | None:
        per_column = WIDEST_NUMBERS // max(columns, 1)
        if kind == "plain" or columns == 0 or per_column < 4:
            return None
        if kind == "piecewise":
            return Piecewise(columns, min(per_column, 16))
        return Periodic(columns, 16, min(per_column, 8), 0.1)

    def _tables(self, layout: Layout, few: list[int], many: list[int]) -> None:
        hot = [layout.cardinalities[i] - 1 for i in few]
        starts = torch.tensor([0, *hot]).cumsum(0)
        self.hot = int(starts[-1]) + 1
        self.register_buffer("starts", starts[:-1], persistent=False)
        rows = torch.tensor([0, *(layout.cardinalities[i] for i in many)]).cumsum(0)
        self.register_buffer("offsets", rows[:-1], persistent=False)
        self.table: nn.Embedding | None = None
        if many:
            self.table = nn.Embedding(int(rows[-1]), self.size)
            nn.init.normal_(self.table.weight, std=1 / math.sqrt(self.size))
            with torch.no_grad():
                self.table.weight[rows[:-1]] = 0.0

    def measure(self, numbers: torch.Tensor) -> None:
        """Fit what depends on the training numbers, (n, d)."""
        if isinstance(self.numbers, Piecewise):
            self.numbers.measure(numbers)

    def forward(self, rows: Inputs) -> torch.Tensor:
        """`Inputs` of n rows to (n, width)."""
        parts = [rows.numbers, rows.flags]
        if self.numbers is not None:
            parts.append(self.numbers(rows.numbers))
        if self.few:
            codes = rows.codes[:, self.few] if self.many else rows.codes
            places = torch.where(codes > 0, codes + self.starts, 0)
            hot = rows.numbers.new_zeros(len(rows), self.hot)
            parts.append(hot.scatter_(1, places, 1.0)[:, 1:])
        if self.table is not None:
            codes = rows.codes[:, self.many] if self.few else rows.codes
            parts.append(self.table(codes + self.offsets).flatten(1))
        joined = torch.cat(parts, 1)
        return joined if joined.shape[1] else rows.numbers.new_zeros(len(rows), 1)
