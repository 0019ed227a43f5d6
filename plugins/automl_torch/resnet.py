"""The residual net for tables (Gorishniy et al. 2021, arXiv 2106.11959)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import rtdl_revisiting_models
from torch import nn

from automl_torch.model import NetModel, Recipe
from automl_torch.nets import Columns, NumberKind, with_cheap_dropout

if TYPE_CHECKING:
    import torch

    from automl import Config, Task
    from automl_torch.data import Inputs, Layout


class ResNet(nn.Module):
    """Columns side by side, then the published blocks and head."""

    def __init__(self, columns: Columns, body: nn.Module, width: int) -> None:
        super().__init__()
        self.columns = columns
        self.body = body
        self.cells = max(columns.width, width)

    def measure(self, rows: Inputs) -> None:
        """Fit the columns to the scale of the inputs."""
        self.columns.measure(rows.numbers)

    def forward(self, rows: Inputs) -> torch.Tensor:
        """`Inputs` of n rows to (n, out)."""
        x = self.columns(rows)
        lone = self.training and len(x) == 1
        # Batch normalisation cannot train on one row.
        output: torch.Tensor = self.body(x.expand(2, -1) if lone else x)
        return output[:1] if lone else output


def architecture(config: Config, layout: Layout, outputs: int) -> ResNet:
    """An untrained net for these inputs.

    Reads `numbers`, `embedding`, `width`, `layers`, `hidden_factor`, `dropout` and
    `residual_dropout` from the configuration.
    """
    settings: dict[str, Any] = dict(config)
    kind = cast("NumberKind", settings.get("numbers", "plain"))
    columns = Columns(layout, kind, int(settings.get("embedding", 8)))
    width, factor = int(settings.get("width", 128)), float(settings.get("hidden_factor", 2.0))
    body = rtdl_revisiting_models.ResNet(
        d_in=columns.width,
        d_out=outputs,
        n_blocks=int(settings.get("layers", 2)),
        d_block=width,
        d_hidden_multiplier=factor,
        dropout1=float(settings.get("dropout", 0.25)),
        dropout2=float(settings.get("residual_dropout", 0.1)),
    )
    return ResNet(columns, with_cheap_dropout(body), int(width * max(factor, 1.0)))


RECIPE = Recipe(architecture=architecture, rate=2e-3, decay=0.05, betas=(0.9, 0.999))


def build(config: Config, task: Task, n_classes: int) -> NetModel:
    """The factory of the learner `resnet`."""
    return NetModel(RECIPE, config, task, n_classes)
