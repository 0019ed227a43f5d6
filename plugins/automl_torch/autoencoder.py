"""The denoising autoencoder (Vincent et al. 2010, JMLR 11), noise by swapping cells.

For classes and values all rows, those without a target too, first train an encoder to rebuild
rows of which some cells were swapped with other rows'; then the encoder is trained on with a
new head. For anomalies the encoder narrows to a few numbers, and a row is as odd as it is badly
rebuilt (Sakurada and Yairi 2014).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from torch import nn

from automl_torch.detector import DetectorModel
from automl_torch.model import Material, NetModel, Recipe
from automl_torch.nets import Columns, Dropout, NumberKind
from automl_torch.pretrain import gentle, pretrain
from automl_torch.rebuild import Rebuilder, stack, swapped

if TYPE_CHECKING:
    import torch

    from automl import Config, Run, Task
    from automl_torch.data import Inputs, Layout

NOISE = 0.15
"""Share of cells that are swapped."""
MOST_CODE = 32


class Encoder(nn.Module):
    """Columns side by side, blocks of linear, ReLU and dropout, then a head."""

    def __init__(self, columns: Columns, settings: dict[str, Any], out: int) -> None:
        super().__init__()
        width, layers = int(settings.get("width", 256)), int(settings.get("layers", 3))
        self.width, self.cells = width, max(columns.width, width)
        self.columns = columns
        dropout = Dropout(float(settings.get("dropout", 0.2)))
        self.body = stack([columns.width, *[width] * layers], dropout)
        self.head = nn.Linear(width, out)

    def measure(self, rows: Inputs) -> None:
        """Fit the columns to the scale of the inputs."""
        self.columns.measure(rows.numbers)

    def forward(self, rows: Inputs) -> torch.Tensor:
        """`Inputs` of n rows to (n, out)."""
        output: torch.Tensor = self.head(self.body(self.columns(rows)))
        return output


def architecture(config: Config, layout: Layout, outputs: int) -> Encoder:
    """An untrained net for these inputs.

    Reads `numbers`, `embedding`, `width`, `layers` and `dropout` from the configuration.
    """
    settings: dict[str, Any] = dict(config)
    kind = cast("NumberKind", settings.get("numbers", "piecewise"))
    columns = Columns(layout, kind, int(settings.get("embedding", 8)))
    return Encoder(columns, settings, outputs)


def prepare(net: nn.Module, material: Material, config: Config, run: Run) -> Material:
    """Train the encoder to rebuild rows; reads `noise` and `pretrain_epochs`."""
    encoder, rows = cast("Encoder", net), material.everything()
    settings: dict[str, Any] = dict(config)
    noise = float(settings.get("noise", NOISE))
    layout = encoder.columns.layout
    decoder = nn.Sequential(nn.Linear(encoder.width, encoder.width), nn.ReLU())
    rebuild = Rebuilder(layout, encoder.width)
    parts = nn.ModuleList([encoder.columns, encoder.body, decoder, rebuild])
    parts.to(rows.numbers.device)

    def loss(batch: Inputs) -> torch.Tensor:
        code = encoder.body(encoder.columns(swapped(batch, noise)))
        return cast("torch.Tensor", rebuild(decoder(code), batch)).mean() / rebuild.features

    pretrain(parts, rows, loss, max(encoder.cells, rebuild.cells), config, run)
    return material


class Narrow(nn.Module):
    """Encoder and decoder with few numbers in between."""

    def __init__(self, layout: Layout, settings: dict[str, Any]) -> None:
        super().__init__()
        self.columns = Columns(layout, "plain", int(settings.get("embedding", 8)))
        width = int(settings.get("width", 256))
        code = int(settings.get("code", 0)) or max(1, min(MOST_CODE, self.columns.width // 2))
        layers = max(1, int(settings.get("layers", 3)) - 1)
        self._noise = float(settings.get("noise", NOISE))
        self.encoder = stack([self.columns.width, *[width] * layers])
        self.code = nn.Linear(width, code)
        self.decoder = stack([code, *[width] * layers])
        self.rebuild = Rebuilder(layout, width)
        self.cells = max(self.columns.width, width, self.rebuild.cells)

    def measure(self, rows: Inputs) -> None:
        """Nothing to fit: numbers enter as they are."""

    def _errors(self, seen: Inputs, rows: Inputs) -> torch.Tensor:
        code = self.code(self.encoder(self.columns(seen)))
        errors: torch.Tensor = self.rebuild(self.decoder(code), rows)
        return errors / self.rebuild.features

    def loss(self, rows: Inputs) -> torch.Tensor:
        """Mean error of rebuilding rows from swapped ones."""
        return self._errors(swapped(rows, self._noise), rows).mean()

    def score(self, rows: Inputs) -> torch.Tensor:
        """(n,) mean errors of the columns."""
        return self._errors(rows, rows)


def narrow(config: Config, layout: Layout, _: int) -> Narrow:
    """An untrained detector; reads `embedding`, `width`, `layers`, `noise` and `code`."""
    return Narrow(layout, dict(config))


RECIPE = Recipe(architecture=architecture, prepare=prepare, rate=2e-3, decay=0.1)
DETECTOR = Recipe(architecture=narrow, epochs=60, rate=2e-3, decay=1e-4)


def build(config: Config, task: Task, n_classes: int) -> NetModel | DetectorModel:
    """The factory of the learner `autoencoder`.

    Reads `encoder_rate`, the speed of the pre-trained parts relative to the new head's.
    """
    if task == "anomaly":
        return DetectorModel(DETECTOR, config)
    settings: dict[str, Any] = dict(config)
    groups = gentle("head", float(settings.get("encoder_rate", 0.5)))
    return NetModel(replace(RECIPE, groups=groups), config, task, n_classes)
