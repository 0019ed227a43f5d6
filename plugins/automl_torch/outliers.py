"""A discriminator as a detector of anomalies (Liu et al. 2020, arXiv 1809.10816, one generator).

A generator learns to make rows like the true ones, a discriminator to tell them apart; a row is
as odd as the discriminator takes it for made up. Half of what it is shown comes from a memory of
earlier rows, which starts as noise over the range of the data: so it also knows what is far away,
which a good generator no longer shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from automl_torch.model import Recipe
from automl_torch.nets import Columns
from automl_torch.optimiser import Group
from automl_torch.rebuild import stack

if TYPE_CHECKING:
    from automl import Config
    from automl_torch.data import Inputs, Layout

MEMORY = 4096
FORGETTING = 0.05
"""Share of a batch that goes into the memory."""
MARGIN = 0.1
"""Reach of the first noise beyond the range of the data, relative to it."""


class Adversaries(nn.Module):
    """Columns side by side, a generator of such rows and a discriminator.

    Embeddings stay as they were drawn.
    """

    low: torch.Tensor
    high: torch.Tensor
    memory: torch.Tensor

    def __init__(self, layout: Layout, settings: dict[str, Any]) -> None:
        super().__init__()
        self.columns = Columns(layout, "plain", int(settings.get("embedding", 8)))
        width, size = int(settings.get("width", 256)), self.columns.width
        self._noise = min(64, max(4, size))
        self.generator = nn.Sequential(*stack([self._noise, width, width]), nn.Linear(width, size))
        self.discriminator = nn.Sequential(
            nn.Linear(size, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
        )
        self.register_buffer("low", torch.zeros(size))
        self.register_buffer("high", torch.ones(size))
        self.register_buffer("memory", torch.zeros(MEMORY, size), persistent=False)
        self.cells = max(size, width)

    def measure(self, rows: Inputs) -> None:
        """Take the range of the columns and fill the memory with noise over it."""
        x = self.columns(rows)
        margin = MARGIN * (x.amax(0) - x.amin(0))
        self.low.copy_(x.amin(0) - margin)
        self.high.copy_(x.amax(0) + margin)
        self.memory.copy_(self._noise_of(MEMORY))

    def _noise_of(self, rows: int) -> torch.Tensor:
        return torch.lerp(self.low, self.high, torch.rand(rows, len(self.low)))

    def loss(self, rows: Inputs) -> torch.Tensor:
        """Loss of the discriminator plus loss of the generator."""
        true = self.columns(rows).detach()
        n = len(true)
        noise = torch.randn(n, self._noise, device=true.device)
        fake = self.generator(noise)
        old = self.memory[torch.randint(MEMORY, (n,), device=true.device)]
        plus = nn.functional.softplus
        judge = self.discriminator
        told = plus(-judge(true)).mean() + 0.5 * (
            plus(judge(fake.detach())).mean() + plus(judge(old)).mean()
        )
        judge.requires_grad_(False)
        fooled = plus(-judge(fake)).mean()
        judge.requires_grad_(True)
        with torch.no_grad():
            kept = max(1, round(FORGETTING * n))
            places = torch.randint(MEMORY, (kept,), device=true.device)
            self.memory[places] = fake[:kept]
        total: torch.Tensor = told + fooled
        return total

    def score(self, rows: Inputs) -> torch.Tensor:
        """(n,) log odds that a row is made up."""
        odds: torch.Tensor = -self.discriminator(self.columns(rows))[:, 0]
        return odds


def detector(config: Config, layout: Layout, _: int) -> Adversaries:
    """An untrained detector; reads `embedding` and `width` from the configuration."""
    return Adversaries(layout, dict(config))


def groups(net: nn.Module) -> tuple[Group, ...]:
    """Generator and discriminator; nothing decays."""
    trained = [p for n, p in net.named_parameters() if not n.startswith("columns.")]
    return (Group(trained, decay=0.0),)


RECIPE = Recipe(
    architecture=detector, epochs=60, rate=5e-4, betas=(0.5, 0.9), clip=0.0, groups=groups
)
