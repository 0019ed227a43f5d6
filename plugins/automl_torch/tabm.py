"""TabM: many MLPs in one that share most weights (Gorishniy et al. 2024, arXiv 2410.24210)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tabm
import torch
from torch import nn

from automl_torch.embeddings import NormalScores, Periodic, PiecewiseLinear, Plain
from automl_torch.model import NetModel, Recipe
from automl_torch.nets import Categories, with_cheap_dropout
from automl_torch.optimiser import Group

if TYPE_CHECKING:
    from automl import Config, Task
    from automl_torch.data import Inputs, Layout

ONE_HOT_LEVELS = 64
"""Largest cardinality that is one-hot; above it a dense one-hot costs more than it is worth."""
BATCHES = ((2_800, 32), (4_500, 64), (50_000, 128), (108_000, 256), (None, 512))
"""Published up to 6,400 rows. From there a half or a quarter: k times as many rows go through
the layers, which a CPU does no faster in larger batches."""


class TabM(nn.Module):
    """Numbers as normal scores, embedded, and categories; then k MLPs side by side."""

    def __init__(self, layout: Layout, outputs: int, settings: dict[str, Any]) -> None:
        super().__init__()
        self.scores = NormalScores(layout.numbers)
        self.numbers = _embedding(layout.numbers, settings)
        self.categories = Categories(layout, 16, ONE_HOT_LEVELS)
        embedded = not isinstance(self.numbers, Plain)
        sizes = [*self.numbers.sizes, *self.categories.sizes] or [1]
        members, width = int(settings.get("members", 32)), int(settings.get("width", 512))
        self.view = tabm.EnsembleView(k=members)
        self.backbone = tabm.make_tabm_backbone(
            d_in=sum(sizes),
            n_blocks=int(settings.get("layers", 2 if embedded else 3)),
            d_block=width,
            dropout=float(settings.get("dropout", 0.1)),
            k=members,
            arch_type=settings.get("kind", "tabm"),
            start_scaling_init="normal" if embedded else "random-signs",
            start_scaling_init_chunks=sizes,
        )
        with_cheap_dropout(self.backbone)
        self.output = tabm.LinearEnsemble(width, outputs, k=members)
        self.cells = members * max(sum(sizes), width)

    def measure(self, rows: Inputs) -> None:
        """Take the ranks of the numbers, and place the bins of their embeddings."""
        if rows.numbers.shape[1]:
            self.scores.measure(rows.numbers)
            self.numbers.measure(self.scores(rows.numbers))

    def forward(self, rows: Inputs) -> torch.Tensor:
        """`Inputs` of n rows to (n, k, out)."""
        parts = [self.categories(rows)]
        if rows.numbers.shape[1]:
            parts.insert(0, self.numbers(self.scores(rows.numbers)))
        x = torch.cat(parts, 1)
        x = x if x.shape[1] else rows.flags.new_zeros(len(rows), 1)
        output: torch.Tensor = self.output(self.backbone(self.view(x)))
        return output


def _embedding(columns: int, settings: dict[str, Any]) -> Plain | PiecewiseLinear | Periodic:
    """Embeddings as asked for, but together no wider than four times the layers."""
    kind, widest = settings.get("numbers", "piecewise"), 4 * int(settings.get("width", 512))
    size = min(int(settings.get("embedding", 16)), widest // max(columns, 1))
    if kind == "plain" or columns == 0 or size < 2:
        return Plain(columns)
    if kind == "piecewise":
        return PiecewiseLinear(columns, int(settings.get("bins", 48)), size)
    return Periodic(columns, 16, size, float(settings.get("sigma", 0.1)))


def architecture(config: Config, layout: Layout, outputs: int) -> TabM:
    """An untrained net for these inputs.

    Reads `kind`, `members`, `width`, `layers`, `dropout`, `numbers`, `embedding`, `bins` and
    `sigma` from the configuration.
    """
    return TabM(layout, outputs, dict(config))


def groups(net: nn.Module) -> tuple[Group, ...]:
    """Biases and the first layer of number embeddings do not decay, as published."""
    free = ("bias", "straight", "periodic")
    named = list(net.named_parameters())
    spared = {name for name, _ in named if any(part in free for part in name.split("."))}
    return (
        Group([parameter for name, parameter in named if name not in spared]),
        Group([parameter for name, parameter in named if name in spared], decay=0.0),
    )


RECIPE = Recipe(
    architecture=architecture,
    rate=2e-3,
    decay=3e-4,
    batches=BATCHES,
    betas=(0.9, 0.999),
    groups=groups,
)


def build(config: Config, task: Task, n_classes: int) -> NetModel:
    """The factory of the learner `tabm`."""
    return NetModel(RECIPE, config, task, n_classes)
