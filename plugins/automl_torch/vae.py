"""The variational autoencoder (Kingma and Welling 2013, arXiv 1312.6114).

For classes and values all rows, those without a target too, first train it; then the mean of its
code feeds a classifier, and both are trained on (model M1 of Kingma et al. 2014, arXiv
1406.5298, but with the encoder free to move). For anomalies a row is as odd as its evidence
lower bound is low, at the mean of its code.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from automl_torch.detector import DetectorModel
from automl_torch.model import Material, NetModel, Recipe
from automl_torch.nets import Columns, Dropout, NumberKind
from automl_torch.pretrain import gentle, pretrain
from automl_torch.rebuild import Rebuilder, stack

if TYPE_CHECKING:
    from automl import Config, Run, Task
    from automl_torch.data import Inputs, Layout

SPREADS = (-8.0, 4.0)
"""Logarithms between which the variance of a code is kept."""


class Coder(nn.Module):
    """Columns side by side, blocks of linear and ReLU, then the mean of a code."""

    def __init__(self, columns: Columns, settings: dict[str, Any]) -> None:
        super().__init__()
        self.width, self.size = int(settings.get("width", 256)), int(settings.get("code", 64))
        layers = int(settings.get("layers", 2))
        self.columns = columns
        self.body = stack([columns.width, *[self.width] * layers])
        self.mean = nn.Linear(self.width, self.size)

    def forward(self, rows: Inputs) -> torch.Tensor:
        """`Inputs` of n rows to (n, size) means."""
        mean: torch.Tensor = self.mean(self.body(self.columns(rows)))
        return mean


class Evidence(nn.Module):
    """A coder, the spread of its code, and the way back: what the bound is made of."""

    def __init__(self, coder: Coder, layout: Layout, layers: int) -> None:
        super().__init__()
        self.coder = coder
        self.spread = nn.Linear(coder.width, coder.size)
        self.decoder = stack([coder.size, *[coder.width] * layers])
        self.rebuild = Rebuilder(layout, coder.width, spreads=True)
        self.cells = max(coder.columns.width, coder.width, self.rebuild.cells)

    def measure(self, rows: Inputs) -> None:
        """Fit the columns to the scale of the inputs."""
        self.coder.columns.measure(rows.numbers)

    def _bound(self, rows: Inputs, *, draw: bool) -> torch.Tensor:
        """(n,) negative evidence lower bounds."""
        hidden = self.coder.body(self.coder.columns(rows))
        mean, spread = self.coder.mean(hidden), self.spread(hidden).clamp(*SPREADS)
        divergence = 0.5 * (mean.square() + spread.exp() - 1 - spread).sum(1)
        code = mean + (0.5 * spread).exp() * torch.randn_like(mean) if draw else mean
        bound: torch.Tensor = self.rebuild(self.decoder(code), rows) + divergence
        return bound

    def loss(self, rows: Inputs) -> torch.Tensor:
        """Mean negative bound a column, one draw of the code a row."""
        return self._bound(rows, draw=True).mean() / self.rebuild.features

    def score(self, rows: Inputs) -> torch.Tensor:
        """(n,) negative bounds a column, at the mean of the code."""
        return self._bound(rows, draw=False) / self.rebuild.features


class CodeClassifier(nn.Module):
    """A multilayer perceptron of one hidden layer on the mean of the code."""

    def __init__(self, coder: Coder, dropout: float, out: int) -> None:
        super().__init__()
        self.coder = coder
        width = coder.width
        parts = [nn.Linear(coder.size, width), nn.ReLU(), Dropout(dropout), nn.Linear(width, out)]
        self.head = nn.Sequential(*parts)
        self.cells = max(coder.columns.width, width)

    def measure(self, rows: Inputs) -> None:
        """Fit the columns to the scale of the inputs."""
        self.coder.columns.measure(rows.numbers)

    def forward(self, rows: Inputs) -> torch.Tensor:
        """`Inputs` of n rows to (n, out)."""
        output: torch.Tensor = self.head(self.coder(rows))
        return output


def architecture(config: Config, layout: Layout, outputs: int) -> CodeClassifier:
    """An untrained net for these inputs.

    Reads `numbers`, `embedding`, `width`, `layers`, `code` and `dropout` from the configuration.
    """
    settings: dict[str, Any] = dict(config)
    kind = cast("NumberKind", settings.get("numbers", "piecewise"))
    columns = Columns(layout, kind, int(settings.get("embedding", 8)))
    return CodeClassifier(Coder(columns, settings), float(settings.get("dropout", 0.2)), outputs)


def prepare(net: nn.Module, material: Material, config: Config, run: Run) -> Material:
    """Train the coder as a variational autoencoder; reads `layers` and `pretrain_epochs`."""
    coder, rows = cast("CodeClassifier", net).coder, material.everything()
    settings: dict[str, Any] = dict(config)
    evidence = Evidence(coder, coder.columns.layout, int(settings.get("layers", 2)))
    evidence.to(rows.numbers.device)
    pretrain(evidence, rows, evidence.loss, evidence.cells, config, run)
    return material


def detector(config: Config, layout: Layout, _: int) -> Evidence:
    """An untrained detector; reads `embedding`, `width`, `layers` and `code`."""
    settings: dict[str, Any] = dict(config)
    columns = Columns(layout, "plain", int(settings.get("embedding", 8)))
    settings["code"] = min(int(settings.get("code", 64)), max(1, columns.width // 2))
    return Evidence(Coder(columns, settings), layout, int(settings.get("layers", 2)))


RECIPE = Recipe(architecture=architecture, prepare=prepare, rate=2e-3, decay=0.1)
DETECTOR = Recipe(architecture=detector, epochs=60, rate=2e-3, decay=1e-4)


def build(config: Config, task: Task, n_classes: int) -> NetModel | DetectorModel:
    """The factory of the learner `vae`.

    Reads `encoder_rate`, the speed of the pre-trained parts relative to the new head's.
    """
    if task == "anomaly":
        return DetectorModel(DETECTOR, config)
    settings: dict[str, Any] = dict(config)
    groups = gentle("head", float(settings.get("encoder_rate", 0.5)))
    return NetModel(replace(RECIPE, groups=groups), config, task, n_classes)
