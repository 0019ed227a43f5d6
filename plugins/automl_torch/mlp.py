"""The multilayer perceptron (Gorishniy et al. 2021, arXiv 2106.11959)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from torch import nn

from automl_torch.model import NetModel, Recipe
from automl_torch.nets import Columns, Dropout, NumberKind

if TYPE_CHECKING:
    import torch

    from automl import Config, Task
    from automl_torch.data import Inputs, Layout


class MLP(nn.Module):
    """Columns side by side, then blocks of linear, ReLU and dropout, then a linear head."""

    def __init__(self, columns: Columns, width: int, layers: int, dropout: float, out: int) -> None:
        super().__init__()
        self.columns = columns
        self.cells = max(columns.width, width)
        parts: list[nn.Module] = []
        for size in [columns.width, *[width] * (layers - 1)]:
            parts += [nn.Linear(size, width), nn.ReLU(), Dropout(dropout)]
        self.body = nn.Sequential(*parts, nn.Linear(width, out))

    def measure(self, rows: Inputs) -> None:
        """Fit the columns to the scale of the inputs."""
        self.columns.measure(rows.numbers)

    def forward(self, rows: Inputs) -> torch.Tensor:
        """`Inputs` of n rows to (n, out)."""
        output: torch.Tensor = self.body(self.columns(rows))
        return output


def architecture(config: Config, layout: Layout, outputs: int) -> MLP:
    """An untrained net for these inputs.

    Reads `numbers`, `embedding`, `width`, `layers` and `dropout` from the configuration.
    """
    settings: dict[str, Any] = dict(config)
    kind = cast("NumberKind", settings.get("numbers", "plain"))
    columns = Columns(layout, kind, int(settings.get("embedding", 8)))
    return MLP(
        columns,
        int(settings.get("width", 256)),
        int(settings.get("layers", 3)),
        float(settings.get("dropout", 0.2)),
        outputs,
    )


def build(config: Config, task: Task, n_classes: int) -> NetModel:
    """The factory of the learner `mlp`."""
    return NetModel(Recipe(architecture=architecture), config, task, n_classes)
