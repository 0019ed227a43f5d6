"""The conditional tabular GAN (Xu et al. 2019, arXiv 1907.00503), settings as the authors'.

Numbers are normalised mode by mode, discrete columns (the class is the first of them) are
one-hot. Generator and critic see a condition, one level of one discrete column, drawn by the
logarithm of its frequency; the critic judges packs of rows (arXiv 1712.04086) under a gradient
penalty (arXiv 1704.00028).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from automl_torch.data import Inputs
from automl_torch.modes import Modes
from automl_torch.rebuild import MOST_LEVELS

if TYPE_CHECKING:
    from automl_torch.data import Layout

NOISE, WIDTH = 128, 256
PACK = 10
WIDEST = 4096
"""Most inputs of the critic; wide tables get smaller packs and fewer modes."""
TEMPERATURE = 0.2
PENALTY = 10.0
MODE_ROWS = 2_000
"""Rows that modes are fitted to."""
MOST_MODES = 10


class Table:
    """Training rows as the GAN sees them, and generated rows back as `Inputs`."""

    def __init__(self, rows: Inputs, target: torch.Tensor, layout: Layout, classes: int) -> None:
        self.layout = layout
        d = layout.numbers
        few = max(1, min(MOST_MODES, WIDEST // (2 * max(d, 1)) - 1))
        some = torch.randperm(len(rows), device=target.device)[:MODE_ROWS]
        self.modes = Modes.fit(rows.numbers.index_select(0, some), few) if d else None
        levels = [min(count, MOST_LEVELS) for count in layout.cardinalities]
        self.sizes = [classes, *[2] * len(layout.flagged), *levels]
        """Levels of each discrete column: the class, the missing flags, the categories."""
        most = torch.tensor(levels, dtype=torch.int64, device=target.device) - 1
        self.discrete = torch.cat(
            [target[:, None], rows.flags.long(), torch.minimum(rows.codes, most)], 1
        )
        self._numbers = rows.numbers
        self.splits = [d, *[self.modes.count] * d, *self.sizes] if self.modes else [0, *self.sizes]
        """Numbers in each part of an encoded row: places, modes of each number, discrete ones."""
        self.width = sum(self.splits)

    def encoded(self, positions: torch.Tensor) -> torch.Tensor:
        """(m,) positions to (m, width) rows."""
        parts = []
        if self.modes:
            places, mode = self.modes.encode(self._numbers.index_select(0, positions))
            hot = nn.functional.one_hot(mode, self.modes.count).to(places.dtype)
            parts += [places, hot.flatten(1)]
        discrete = self.discrete.index_select(0, positions)
        parts += [
            nn.functional.one_hot(column, size).float()
            for column, size in zip(discrete.T, self.sizes, strict=True)
        ]
        return torch.cat(parts, 1)

    def decoded(self, rows: torch.Tensor) -> tuple[Inputs, torch.Tensor]:
        """(m, width) generated rows to `Inputs` and (m,) classes."""
        parts = torch.split(rows, self.splits, 1)
        d, f = self.layout.numbers, len(self.layout.flagged)
        numbers = rows.new_zeros(len(rows), 0)
        if self.modes:
            mode = torch.stack([part.argmax(1) for part in parts[1 : 1 + d]], 1)
            numbers = self.modes.decode(parts[0], mode)
            low, high = self._numbers.amin(0), self._numbers.amax(0)
            numbers = torch.minimum(torch.maximum(numbers, low), high)
        first = 1 + (d if self.modes else 0)
        levels = torch.stack([part.argmax(1) for part in parts[first:]], 1)
        return (
            Inputs(numbers, levels[:, 1 : 1 + f].to(rows.dtype), levels[:, 1 + f :]),
            levels[:, 0],
        )


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition that a batch is generated for."""

    column: torch.Tensor
    """(m,) the discrete column of each row."""
    level: torch.Tensor
    """(m,) its level."""
    hot: torch.Tensor
    """(m, levels of all discrete columns) a one at that level."""


class Conditions:
    """Draws conditions, and real rows that fulfil them."""

    def __init__(self, table: Table) -> None:
        device = table.discrete.device
        sizes, most = table.sizes, max(table.sizes)
        self._starts = torch.tensor([0, *sizes[:-1]], device=device).cumsum(0)
        self._width = sum(sizes)
        counts = [torch.bincount(column, minlength=most)[:most] for column in table.discrete.T]
        self._counts = torch.stack(counts)
        self._order = torch.stack([column.argsort() for column in table.discrete.T])
        self._chances = (self._counts + 1).log()

    def draw(self, rows: int) -> Condition:
        """Columns at random, levels by the logarithm of their frequency."""
        column = torch.randint(len(self._counts), (rows,), device=self._counts.device)
        return self.of(column, self._chances[column].multinomial(1)[:, 0])

    def of(self, column: torch.Tensor, level: torch.Tensor) -> Condition:
        """The conditions that these columns have these levels."""
        hot = torch.zeros(len(column), self._width, device=column.device)
        hot.scatter_(1, (self._starts[column] + level)[:, None], 1.0)
        return Condition(column, level, hot)

    def matching(self, wanted: Condition) -> torch.Tensor:
        """(m,) positions of training rows, drawn at random among those that fulfil each."""
        starts = self._counts.cumsum(1) - self._counts
        counts = self._counts[wanted.column, wanted.level]
        offset = (torch.rand(len(counts), device=counts.device) * counts).long()
        offset = torch.minimum(offset, counts - 1)
        return self._order[wanted.column, starts[wanted.column, wanted.level] + offset]

    def unfulfilled(self, wanted: Condition, logits: list[torch.Tensor]) -> torch.Tensor:
        """Mean cross entropy of generated rows (logits by discrete column) with the conditions."""
        loss = wanted.hot.new_zeros(())
        for number, column in enumerate(logits):
            asked = wanted.column == number
            level = torch.where(asked, wanted.level, 0)
            each = nn.functional.cross_entropy(column, level, reduction="none")
            loss = loss + (each * asked).sum()
        return loss / len(wanted.column)


class Residual(nn.Module):
    """Linear, batch normalisation, ReLU; the input is kept beside the output."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(size, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, size) to (n, size + WIDTH)."""
        return torch.cat([self.body(x), x], 1)


class Ctgan(nn.Module):
    """Generator and critic, trained at once: each takes the other as it stands."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table, self._conditions = table, Conditions(table)
        size = NOISE + sum(table.sizes)
        self.generator = nn.Sequential(
            Residual(size), Residual(size + WIDTH), nn.Linear(size + 2 * WIDTH, table.width)
        )
        seen = table.width + sum(table.sizes)
        self.pack = max(1, min(PACK, WIDEST // seen))
        parts: list[nn.Module] = []
        for before, after in ((self.pack * seen, WIDTH), (WIDTH, WIDTH)):
            parts += [nn.Linear(before, after), nn.LeakyReLU(0.2), nn.Dropout(0.5)]
        self.critic = nn.Sequential(*parts, nn.Linear(WIDTH, 1))
        self.steps = 0
        """Batches trained on."""

    def loss(self, rows: int) -> torch.Tensor:
        """Loss of the critic plus loss of the generator, on batches of about so many rows."""
        rows = max(2 if self.pack == 1 else self.pack, rows // self.pack * self.pack)
        self.steps += 1
        conditions = self._conditions
        asked = conditions.draw(rows)
        with torch.no_grad():
            true = self._table.encoded(conditions.matching(asked))
            true = self._packed(torch.cat([true, asked.hot], 1))
        fake, logits = self._generated(asked.hot)
        judged = self._packed(torch.cat([fake, asked.hot], 1))
        still = judged.detach()
        critic = self.critic(still).mean() - self.critic(true).mean() + self._penalty(true, still)
        self.critic.requires_grad_(False)
        generator = conditions.unfulfilled(asked, logits) - self.critic(judged).mean()
        self.critic.requires_grad_(True)
        total: torch.Tensor = critic + generator
        return total

    def sample(self, classes: torch.Tensor) -> tuple[Inputs, torch.Tensor]:
        """Rows generated for (m,) classes, and the classes that they came out as."""
        column = torch.zeros_like(classes)
        with torch.no_grad():
            hot = self._conditions.of(column, classes).hot
            return self._table.decoded(self._generated(hot)[0])

    def _generated(self, hot: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """(m, width) rows, and the logits of their discrete columns."""
        noise = torch.randn(len(hot), NOISE, device=hot.device)
        raw = self.generator(torch.cat([noise, hot], 1)).split(self._table.splits, 1)
        drawn = [nn.functional.gumbel_softmax(part, TEMPERATURE) for part in raw[1:]]
        return torch.cat([raw[0].tanh(), *drawn], 1), list(raw[-len(self._table.sizes) :])

    def _packed(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.reshape(len(rows) // self.pack, -1)

    def _penalty(self, true: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        share = torch.rand(len(true), 1, device=true.device)
        between = torch.lerp(true, fake, share).requires_grad_()
        (slope,) = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)
        return PENALTY * (slope.norm(dim=1) - 1).square().mean()
