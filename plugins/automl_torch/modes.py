"""Mode-wise normalisation of numbers (Xu et al. 2019, arXiv 1907.00503)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from typing import Self

ROUNDS = 40
NARROWEST = 1e-3
"""Least standard deviation of a mode, relative to the column's."""
REACH = 4.0
"""Standard deviations of a mode that stand for 1."""


class Modes:
    """A mixture of normal distributions for every column.

    Fitted by expectation-maximisation; a mode with less than one row's worth of evidence is
    given up (Figueiredo and Jain 2002), so that columns keep as many as they need.
    """

    def __init__(self, weights: torch.Tensor, means: torch.Tensor, spreads: torch.Tensor) -> None:
        self.weights, self.means, self.spreads = weights, means, spreads
        """Each (d, k); a mode that was given up has weight 0."""

    @property
    def count(self) -> int:
        """Modes of a column, those given up counted too."""
        return self.means.shape[1]

    @classmethod
    def fit(cls, numbers: torch.Tensor, count: int) -> Self:
        """Fit `count` modes to each column of (n, d) numbers."""
        columns = numbers.T.contiguous()
        n = columns.shape[1]
        at = (torch.arange(count, device=columns.device) + 0.5) / count
        means = torch.quantile(columns, at, dim=1).T.contiguous()
        whole = columns.std(1, correction=0).clamp_min(1e-6)[:, None]
        spreads = (whole / count).expand_as(means).clone()
        found = cls(torch.full_like(means, 1 / count), means, spreads)
        for _ in range(ROUNDS):
            shares = found.shares(numbers)
            mass = shares.sum(0)
            kept = (mass - 1).clamp_min(0.0)
            kept = torch.where(kept.sum(1, keepdim=True) > 0, kept, mass)
            found.weights = kept / kept.sum(1, keepdim=True)
            mass = mass.clamp_min(1e-9)
            found.means = torch.einsum("ndk,dn->dk", shares, columns) / mass
            square = torch.einsum("ndk,dn->dk", shares, columns.square()) / mass
            least = NARROWEST * whole
            found.spreads = (square - found.means.square()).clamp_min(0).sqrt().clamp_min(least)
        return found if n else cls(found.weights, means, spreads)

    def shares(self, numbers: torch.Tensor) -> torch.Tensor:
        """(n, d) numbers to (n, d, k) probabilities of the modes."""
        gap = (numbers.unsqueeze(-1) - self.means) / self.spreads
        odds = (
            self.weights.log() - self.spreads.log() - 0.5 * (gap.square() + math.log(2 * math.pi))
        )
        return odds.softmax(-1)

    def encode(self, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, d) numbers to (n, d) places in drawn modes, -1 to 1, and (n, d) those modes."""
        shares = self.shares(numbers)
        mode = shares.flatten(0, 1).multinomial(1).view(numbers.shape)
        mean, spread = self._of(mode)
        return ((numbers - mean) / (REACH * spread)).clamp(-1, 1), mode

    def decode(self, places: torch.Tensor, mode: torch.Tensor) -> torch.Tensor:
        """The numbers that such places in such modes stand for, (n, d)."""
        mean, spread = self._of(mode)
        return places * REACH * spread + mean

    def _of(self, mode: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        column = torch.arange(self.means.shape[0], device=mode.device)
        return self.means[column, mode], self.spreads[column, mode]
