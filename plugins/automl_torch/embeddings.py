"""Embeddings of numbers: rescaled, spread over bins or waves.

`rtdl_num_embeddings` is imported where it is used: it brings scikit-learn, 2 s.
"""

from __future__ import annotations

import math

import torch
from torch import nn

KNOTS = 257
BIN_ROWS = 64
"""Rows that a bin is worth: with fewer, a net learns each row by its bins."""


class Plain(nn.Module):
    """Numbers as they are."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.sizes = [1] * columns

    def measure(self, _: torch.Tensor) -> None:
        """Nothing to fit."""

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """(n, d) numbers to themselves."""
        return numbers


class Piecewise(nn.Module):
    """Piecewise-linear encoding over quantile bins (Gorishniy et al. 2022, arXiv 2203.05556)."""

    edges: torch.Tensor
    slopes: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor

    def __init__(self, columns: int, bins: int) -> None:
        super().__init__()
        self.sizes = [bins] * columns
        self.register_buffer("edges", torch.zeros(columns, bins))
        self.register_buffer("slopes", torch.zeros(columns, bins))
        low, high = torch.zeros(bins), torch.ones(bins)
        low[0], high[-1] = -math.inf, math.inf
        self.register_buffer("low", low)
        self.register_buffer("high", high)

    def measure(self, numbers: torch.Tensor) -> None:
        """Place the bins at the quantiles of (n, d) training numbers; empty bins stay 0.

        Few rows fill few bins: those between the first ones and the last are then empty.
        """
        bins = self.edges.shape[1]
        filled = min(bins, max(2, len(numbers) // BIN_ROWS))
        places = torch.arange(bins + 1, dtype=torch.float64).clamp_max(filled - 1)
        places[-1] = filled
        cuts = torch.quantile(numbers.double(), places / filled, dim=0)
        widths = cuts.diff(dim=0).T
        self.edges.copy_(cuts[:-1].T)
        self.slopes.copy_(torch.where(widths > 1e-6, 1 / widths.clamp_min(1e-6), 0.0))

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """(n, d) numbers to (n, d * bins)."""
        place = (numbers.unsqueeze(-1) - self.edges) * self.slopes
        return torch.clamp(place, self.low, self.high).flatten(1)


class Bends(nn.Module):
    """A linear map of the piecewise-linear encoding of each number, zero at first."""

    def __init__(self, columns: int, bins: int, size: int) -> None:
        super().__init__()
        self.encoding = Piecewise(columns, bins)
        self.weight = nn.Parameter(torch.zeros(columns, bins, size))

    def measure(self, numbers: torch.Tensor) -> None:
        """Place the bins at the quantiles of (n, d) training numbers."""
        self.encoding.measure(numbers)

    def tokens(self, numbers: torch.Tensor) -> torch.Tensor:
        """(n, d) numbers to (n, d, size)."""
        places = self.encoding(numbers).unflatten(1, self.weight.shape[:2]).transpose(0, 1)
        return torch.bmm(places, self.weight).transpose(0, 1)


class PiecewiseLinear(Bends):
    """Piecewise-linear embeddings as TabM uses them (arXiv 2410.24210).

    A linear embedding, to which `Bends` are added. Like
    `rtdl_num_embeddings.PiecewiseLinearEmbeddings` of version B, but of a shape that does not
    depend on the data, so that a saved net can be rebuilt.
    """

    def __init__(self, columns: int, bins: int, size: int) -> None:
        import rtdl_num_embeddings

        super().__init__(columns, bins, size)
        self.sizes = [size] * columns
        self.straight = rtdl_num_embeddings.LinearEmbeddings(columns, size)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """(n, d) numbers to (n, d * size)."""
        straight: torch.Tensor = self.straight(numbers)
        return (straight + self.tokens(numbers)).flatten(1)


class Periodic(nn.Module):
    """Periodic embeddings with a shared linear layer, "PLR lite" (arXiv 2203.05556)."""

    def __init__(self, columns: int, frequencies: int, size: int, sigma: float) -> None:
        import rtdl_num_embeddings

        super().__init__()
        self.sizes = [size] * columns
        self.waves = rtdl_num_embeddings.PeriodicEmbeddings(
            columns, size, n_frequencies=frequencies, frequency_init_scale=sigma, lite=True
        )

    def measure(self, _: torch.Tensor) -> None:
        """Nothing to fit."""

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """(n, d) numbers to (n, d * size)."""
        waves: torch.Tensor = self.waves(numbers)
        return waves.flatten(1)


class RobustClip(nn.Module):
    """Numbers centred at the median, in interquartile ranges, bent smoothly to within +-3.

    As in RealMLP (arXiv 2407.04491): half the range where the quartiles are equal.
    """

    center: torch.Tensor
    factor: torch.Tensor

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.register_buffer("center", torch.zeros(columns))
        self.register_buffer("factor", torch.ones(columns))

    def measure(self, numbers: torch.Tensor) -> None:
        """Take median and quartiles of (n, d) training numbers."""
        exact = numbers.double()
        at = torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64)
        lower, median, upper = torch.quantile(exact, at, dim=0)
        spread = upper - lower
        spread = torch.where(spread > 0, spread, (exact.amax(0) - exact.amin(0)) / 2)
        self.center.copy_(median)
        self.factor.copy_(torch.where(spread > 0, 1 / spread.clamp_min(1e-30), 0.0))

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """(n, d) numbers to (n, d)."""
        scaled = (numbers - self.center) * self.factor
        return scaled * torch.rsqrt(1 + scaled.square() / 9)


class NormalScores(nn.Module):
    """Numbers by the normal quantile of their rank in training, linear between knots."""

    knots: torch.Tensor
    heights: torch.Tensor

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.register_buffer("knots", torch.zeros(columns, KNOTS))
        self.register_buffer("heights", torch.zeros(columns, KNOTS))

    def measure(self, numbers: torch.Tensor) -> None:
        """Take the ranks of (n, d) training numbers; equal ones share their mean rank."""
        rows = len(numbers)
        ordered = numbers.T.contiguous().sort(dim=1).values
        at = torch.linspace(0, rows - 1, KNOTS).round().long()
        knots = ordered[:, at].contiguous()
        first = torch.searchsorted(ordered, knots)
        last = torch.searchsorted(ordered, knots, right=True)
        self.knots.copy_(knots)
        self.heights.copy_(torch.special.ndtri((first + last).double() / (2 * rows)))

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """(n, d) numbers to (n, d)."""
        columns = numbers.T.contiguous()
        after = torch.searchsorted(self.knots, columns).clamp_(1, KNOTS - 1)
        before = after - 1
        start, end = self.knots.gather(1, before), self.knots.gather(1, after)
        low, high = self.heights.gather(1, before), self.heights.gather(1, after)
        share = ((columns - start) / (end - start).clamp_min(1e-12)).clamp_(0.0, 1.0)
        return torch.lerp(low, high, share).T
