"""Deep support vector data description (Ruff et al. 2018, ICML), settings as PyOD's.

A net without biases maps rows to a point fixed beforehand; a row is as odd as it lands far away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from automl_torch.detector import DetectorModel
from automl_torch.model import Recipe
from automl_torch.nets import Columns, Dropout
from automl_torch.optimiser import Group

if TYPE_CHECKING:
    from automl import Config, Task
    from automl_torch.data import Inputs, Layout

NEAREST = 0.1
"""A coordinate of the centre is kept this far from 0, which a net could reach trivially."""


class Sphere(nn.Module):
    """Columns side by side, linear layers without biases, and the centre.

    Embeddings stay as they were drawn: free ones could bring every row to the centre.
    """

    center: torch.Tensor

    def __init__(self, layout: Layout, settings: dict[str, Any]) -> None:
        super().__init__()
        self.columns = Columns(layout, "plain", int(settings.get("embedding", 8)))
        width = int(settings.get("width", 64))
        size = max(1, width // 2)
        self.body = nn.Sequential(
            nn.Linear(self.columns.width, width, bias=False),
            nn.ReLU(),
            Dropout(float(settings.get("dropout", 0.2))),
            nn.Linear(width, size, bias=False),
        )
        self.register_buffer("center", torch.zeros(size))
        self.cells = max(self.columns.width, width)

    def measure(self, rows: Inputs) -> None:
        """Take the mean of the first pass as the centre."""
        self.eval()
        center = self.body(self.columns(rows)).mean(0)
        sign = torch.where(center < 0, -1.0, 1.0)
        self.center.copy_(torch.where(center.abs() < NEAREST, sign * NEAREST, center))

    def score(self, rows: Inputs) -> torch.Tensor:
        """(n,) squared distances from the centre."""
        code: torch.Tensor = self.body(self.columns(rows).detach())
        return (code - self.center).square().sum(1)

    def loss(self, rows: Inputs) -> torch.Tensor:
        """Mean squared distance from the centre."""
        return self.score(rows).mean()


def architecture(config: Config, layout: Layout, _: int) -> Sphere:
    """An untrained detector; reads `embedding`, `width` and `dropout` from the configuration."""
    return Sphere(layout, dict(config))


def groups(net: nn.Module) -> tuple[Group, ...]:
    """The linear layers alone."""
    layers = [part for part in net.modules() if isinstance(part, nn.Linear)]
    return (Group([p for layer in layers for p in layer.parameters()]),)


RECIPE = Recipe(
    architecture=architecture, epochs=100, rate=1e-3, decay=1e-3, betas=(0.9, 0.999), groups=groups
)


def build(config: Config, task: Task, n_classes: int) -> DetectorModel:
    """The factory of the learner `deep_svdd`."""
    del task, n_classes
    return DetectorModel(RECIPE, config)
