"""The deep belief net (Hinton, Osindero and Teh 2006, Neural Computation 18).

Restricted Boltzmann machines are trained one on top of the other by one step of contrastive
divergence (Hinton 2002), with the settings of Hinton's practical guide (2010); they become the
layers of a net of sigmoid units, which is then trained on with a classifier on top. Numbers are
visible units of a normal distribution with variance 1, flags and levels are binary ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from automl_torch import loop
from automl_torch.model import Material, NetModel, Recipe
from automl_torch.nets import Columns, Dropout

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl import Config, Run, Task
    from automl_torch.data import Inputs, Layout

EPOCHS = 20
SHARE = 0.4
"""Share of the time of a fit that all machines together may take."""
BATCH = 128
RATE, NORMAL_RATE = 0.05, 0.005
"""Learning rates; machines with normal units need a lower one, or they diverge."""
DECAY = 2e-4
MOMENTUM, LATE_MOMENTUM, EARLY = 0.5, 0.9, 0.25
"""Momentum in the first quarter and after it."""
FAR = 5.0
"""Where visible numbers are cut, in standard deviations."""


class BeliefNet(nn.Module):
    """Columns side by side, layers of sigmoid units, a linear head.

    Embeddings of categories with many levels stay as they were drawn until the net is trained
    with the target.
    """

    def __init__(self, layout: Layout, settings: dict[str, Any], out: int) -> None:
        super().__init__()
        self.columns = Columns(layout, "plain", int(settings.get("embedding", 8)))
        self.binary = layout.numbers, layout.numbers + self.columns.categories.dense
        width, layers = int(settings.get("width", 256)), int(settings.get("layers", 2))
        sizes = [self.columns.width, *[width] * layers]
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(sizes))
        self.dropout = Dropout(float(settings.get("dropout", 0.2)))
        self.head = nn.Linear(width, out)
        self.cells = max(sizes)

    def measure(self, rows: Inputs) -> None:
        """Nothing to fit: numbers enter as they are."""

    def visible(self, rows: Inputs) -> torch.Tensor:
        """`Inputs` of n rows to (n, width) states of the lowest units."""
        return cast("torch.Tensor", self.columns(rows)).clamp(-FAR, FAR)

    def forward(self, rows: Inputs) -> torch.Tensor:
        """`Inputs` of n rows to (n, out)."""
        x = self.visible(rows)
        for layer in self.layers:
            x = self.dropout(layer(x).sigmoid())
        output: torch.Tensor = self.head(x)
        return output


@dataclass(frozen=True, slots=True)
class Machine:
    """A restricted Boltzmann machine: a layer, and the way back with the same weights."""

    layer: nn.Linear
    """Its weights are the machine's, its bias that of the hidden units."""
    back: torch.Tensor
    """(visible,) bias of the visible units."""
    rebuild: Callable[[torch.Tensor], torch.Tensor]
    """(n, visible) inputs of the visible units to their means."""

    def gradients(self, visible: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Ascent directions of weights, hidden bias and visible bias, by one step down and up."""
        weight = self.layer.weight
        up = self.layer(visible).sigmoid()
        again = self.rebuild(up.bernoulli() @ weight + self.back)
        up_again = self.layer(again).sigmoid()
        n = len(visible)
        return (
            (up.T @ visible - up_again.T @ again) / n - DECAY * weight,
            (up - up_again).mean(0),
            (visible - again).mean(0),
        )


def _train(
    machine: Machine,
    source: Callable[[torch.Tensor], torch.Tensor],
    rows: int,
    rate: float,
    epochs: int,
    run: loop.Part,
) -> None:
    """Contrastive divergence with momentum; `source` gives the visible states of positions."""
    parts = (machine.layer.weight, machine.layer.bias, machine.back)
    speeds = [torch.zeros_like(part) for part in parts]
    size = min(BATCH, rows)
    clock = loop.Clock(epochs * max(1, min(rows, loop.EPOCH_ROWS) // size), run)
    for batch in loop.batches(rows, size, machine.back.device):
        momentum = MOMENTUM if clock.progress() < EARLY else LATE_MOMENTUM
        directions = machine.gradients(source(batch))
        for part, speed, direction in zip(parts, speeds, directions, strict=True):
            speed.mul_(momentum).add_(direction, alpha=rate)
            part.add_(speed)
        if clock.tick() >= 1:
            break
    if clock.late:
        run.cut_short(clock.done)


def prepare(net: nn.Module, material: Material, config: Config, run: Run) -> Material:
    """Train the layers from the lowest up; reads `pretrain_epochs`."""
    belief, rows = cast("BeliefNet", net), material.everything()
    settings: dict[str, Any] = dict(config)
    epochs = int(settings.get("pretrain_epochs", EPOCHS))
    first, last = belief.binary

    def lowest(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x[:, :first], x[:, first:last].sigmoid(), x[:, last:]], 1)

    with torch.no_grad():
        for number, part in enumerate(belief.layers if epochs else ()):
            layer = cast("nn.Linear", part)
            nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
            below = [cast("nn.Linear", part) for part in list(belief.layers)[:number]]

            def source(batch: torch.Tensor, below: list[nn.Linear] = below) -> torch.Tensor:
                x = belief.visible(rows.take(batch))
                for lower in below:
                    x = lower(x).sigmoid()
                return x

            back = torch.zeros(layer.in_features, device=rows.numbers.device)
            normal = number == 0 and (first > 0 or last < layer.in_features)
            machine = Machine(layer, back, torch.sigmoid if number else lowest)
            rate = NORMAL_RATE if normal else RATE
            share = SHARE / (len(belief.layers) - SHARE * number)
            _train(machine, source, len(rows), rate, epochs, loop.Part(run, share))
    return material


def architecture(config: Config, layout: Layout, outputs: int) -> BeliefNet:
    """An untrained net; reads `embedding`, `width`, `layers` and `dropout`."""
    return BeliefNet(layout, dict(config), outputs)


RECIPE = Recipe(architecture=architecture, prepare=prepare, rate=5e-3, decay=0.05)


def build(config: Config, task: Task, n_classes: int) -> NetModel:
    """The factory of the learner `dbn`."""
    return NetModel(RECIPE, config, task, n_classes)
