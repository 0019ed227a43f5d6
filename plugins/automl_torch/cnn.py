"""A small residual net for small images (He et al. 2016, arXiv 1512.03385 and 1603.05027)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from automl_torch.images import IMAGES, Eye, Frame
from automl_torch.model import NetModel, Recipe
from automl_torch.nets import Dropout
from automl_torch.optimiser import Group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl import Config, Task
    from automl_torch.images import Pixels

LARGE = 16
"""Pixels of a side from which on images are made smaller before the first stage."""
SMALLEST = 4
"""Pixels of a side that images are made smaller to at most."""
STAGES = 3
"""Stages at most; from one to the next the sides halve and the channels double."""
NARROWEST = 8
"""Channels of the stem at least; it has half of those of the first stage."""
RATE, DECAY = 5e-3, 0.05


class Block(nn.Module):
    """Two convolutions that are added to what goes in."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.path = nn.Conv2d(before, width, 1, bias=False) if before != width else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, before, h, w) to (n, width, h, w)."""
        return nn.functional.relu(self.body(x) + self.path(x), inplace=True)


class ConvNet(nn.Module):
    """A stem, stages of residual blocks with pooling between them, the mean over places, a head."""

    def __init__(
        self, frame: Frame, eye: Eye, width: int, blocks: int, dropout: float, out: int
    ) -> None:
        super().__init__()
        self.eye = eye
        before, side = max(width // 2, NARROWEST), min(frame.height, frame.width)
        self.cells = max(before, frame.channels) * frame.height * frame.width
        parts: list[nn.Module] = [
            nn.Conv2d(frame.channels, before, 3, padding=1, bias=False),
            nn.BatchNorm2d(before),
            nn.ReLU(inplace=True),
        ]
        if side >= LARGE:
            parts.append(nn.MaxPool2d(2))
            side //= 2
        for stage in range(STAGES):
            if stage and side // 2 < SMALLEST:
                break
            if stage:
                parts.append(nn.MaxPool2d(2))
                side //= 2
            for _ in range(blocks):
                parts.append(Block(before, width << stage))
                before = width << stage
        self.body = nn.Sequential(*parts)
        self.head = nn.Sequential(Dropout(dropout), nn.Linear(before, out))

    def measure(self, images: Pixels) -> None:
        """Fit the scale of the channels."""
        self.eye.measure(images)

    def forward(self, images: Pixels) -> torch.Tensor:
        """`Pixels` of n images to (n, out)."""
        output: torch.Tensor = self.head(self.body(self.eye(images)).mean((2, 3)))
        return output


def architecture(config: Config, layout: Any, outputs: int) -> ConvNet:
    """An untrained net for images of this size.

    Reads `width`, `blocks`, `dropout`, `shift` and `mirror` from the configuration.
    """
    settings: dict[str, Any] = dict(config)
    eye = Eye(layout, int(settings.get("shift", 2)), mirror=bool(settings.get("mirror", False)))
    return ConvNet(
        layout,
        eye,
        int(settings.get("width", 32)),
        int(settings.get("blocks", 1)),
        float(settings.get("dropout", 0.1)),
        outputs,
    )


def weight_decay(net: nn.Module) -> Sequence[Group]:
    """Weights of convolutions and of the head decay; biases and scales do not."""
    parameters = list(net.parameters())
    return (
        Group([p for p in parameters if p.ndim > 1]),
        Group([p for p in parameters if p.ndim == 1], decay=0.0),
    )


def build(config: Config, task: Task, n_classes: int) -> NetModel:
    """The factory of the learner `cnn`."""
    recipe = Recipe(
        architecture=architecture,
        rate=RATE,
        decay=DECAY,
        epochs=20,
        batches=((2_800, 32), (None, 64)),
        groups=weight_decay,
        entrance=IMAGES,
    )
    return NetModel(recipe, config, task, n_classes)
