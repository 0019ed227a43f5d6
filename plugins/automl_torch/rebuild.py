"""From a code back to the columns of a row, and what the rows lose on the way."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

from automl_torch.data import Inputs

if TYPE_CHECKING:
    from automl_torch.data import Layout

MOST_LEVELS = 64
"""Levels of a category that are told apart, the most frequent ones; the others count as one."""
SPREADS = (-4.6, 1.0)
"""Logarithms between which the standard deviation of a rebuilt number is kept."""


class Rebuilder(nn.Module):
    """A linear layer that rebuilds rows: numbers, missing flags and levels of categories.

    A number is rebuilt as a normal distribution whose deviation is learned per column where
    `spreads` is true and 1 else; a missing number costs nothing.
    """

    def __init__(self, layout: Layout, width: int, *, spreads: bool = False) -> None:
        super().__init__()
        self._numbers = layout.numbers
        self._flagged = list(layout.flagged)
        self._levels = [min(levels, MOST_LEVELS) for levels in layout.cardinalities]
        outputs = self._numbers + len(self._flagged) + sum(self._levels)
        self.features = max(self._numbers + len(self._flagged) + len(self._levels), 1)
        """Columns that are rebuilt."""
        self.cells = max(outputs, 1)
        self.head = nn.Linear(width, self.cells)
        self.spreads = nn.Parameter(torch.zeros(self._numbers)) if spreads else None

    def forward(self, code: torch.Tensor, rows: Inputs) -> torch.Tensor:
        """(n, width) codes and the true rows to (n,) negative log likelihoods."""
        sizes = [self._numbers, len(self._flagged), *self._levels]
        rebuilt = self.head(code)[:, : sum(sizes)].split(sizes, dim=1)
        loss = self._of_numbers(rebuilt[0], rows).sum(1)
        if self._flagged:
            flags = nn.functional.binary_cross_entropy_with_logits(
                rebuilt[1], rows.flags, reduction="none"
            )
            loss = loss + flags.sum(1)
        for column, levels in enumerate(self._levels):
            truth = rows.codes[:, column].clamp(max=levels - 1)
            odds = rebuilt[2 + column]
            loss = loss + nn.functional.cross_entropy(odds, truth, reduction="none")
        return loss

    def _of_numbers(self, rebuilt: torch.Tensor, rows: Inputs) -> torch.Tensor:
        gap = rebuilt - rows.numbers
        if self.spreads is None:
            loss = 0.5 * gap.square()
        else:
            spreads = self.spreads.clamp(*SPREADS)
            loss = 0.5 * (gap * (-spreads).exp()).square() + spreads
        if not self._flagged:
            return loss
        present = torch.ones_like(loss)
        present[:, self._flagged] = 1 - rows.flags
        return loss * present


def swapped(rows: Inputs, rate: float) -> Inputs:
    """Rows in which every cell, at that rate, comes from another row of the batch.

    The corruption that keeps each column's distribution, whatever its kind.
    """
    n = len(rows)
    return Inputs(
        _swap(rows.numbers, n, rate), _swap(rows.flags, n, rate), _swap(rows.codes, n, rate)
    )


def _swap(cells: torch.Tensor, n: int, rate: float) -> torch.Tensor:
    if not cells.shape[1]:
        return cells
    donor = torch.randint(n, cells.shape, device=cells.device)
    taken = torch.rand(cells.shape, device=cells.device) < rate
    return torch.where(taken, cells.gather(0, donor), cells)


def stack(sizes: list[int], dropout: nn.Module | None = None) -> nn.Sequential:
    """Linear layers of these sizes, each with ReLU and, if given, that dropout after it."""
    parts: list[nn.Module] = []
    for before, after in pairwise(sizes):
        parts += [nn.Linear(before, after), nn.ReLU()]
        if dropout is not None:
            parts.append(dropout)
    return nn.Sequential(*parts)
