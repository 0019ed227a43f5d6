"""From the `image` view to torch, and what a net sees of an image while it trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from automl_torch.data import Entrance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl import Array

FARTHEST = 8
"""An image is moved by one in so many of its pixels at most."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The images that a net was built for."""

    height: int
    width: int
    channels: int

    @classmethod
    def of(cls, pixels: Array) -> Frame:
        """Read it off (n, height, width, channels)."""
        return cls(*pixels.shape[1:])

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Frame:
        """The frame that was written as JSON."""
        return cls(**saved)


@dataclass(frozen=True, slots=True)
class Pixels:
    """Images as a net takes them: (n, channels, height, width) uint8."""

    pixels: torch.Tensor

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, rows: torch.Tensor) -> Pixels:
        """The images at the given positions, an (m,) int64 tensor."""
        return Pixels(self.pixels.index_select(0, rows))


def to_pixels(X: Array, frame: Frame, device: str) -> Pixels:
    """Copy images to the device.

    Raises:
        ValueError: They are not of the size that the net was built for.
    """
    if Frame.of(X) != frame:
        msg = f"the images are {Frame.of(X)}, the net was built for {frame}"
        raise ValueError(msg)
    tensor = torch.tensor(np.asarray(X, dtype=np.uint8)).permute(0, 3, 1, 2).contiguous()
    return Pixels(tensor if device == "cpu" else tensor.pin_memory().to(device, non_blocking=True))


IMAGES = Entrance(Frame.of, Frame.restored, to_pixels)


class Eye(nn.Module):
    """Images scaled to mean 0 and variance 1 a channel; while training shifted and mirrored."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, frame: Frame, shift: int, *, mirror: bool) -> None:
        super().__init__()
        self.shift = min(shift, min(frame.height, frame.width) // FARTHEST)
        self.mirror = mirror
        self.register_buffer("mean", torch.zeros(frame.channels, 1, 1))
        self.register_buffer("deviation", torch.ones(frame.channels, 1, 1))

    def measure(self, images: Pixels) -> None:
        """Fit mean and deviation to training images."""
        values = images.pixels.float()
        self.mean.copy_(values.mean((0, 2, 3))[:, None, None])
        self.deviation.copy_(values.std((0, 2, 3), correction=0)[:, None, None].clamp_min(1.0))

    def forward(self, images: Pixels) -> torch.Tensor:
        """`Pixels` of n images to (n, channels, height, width) float32."""
        x = (images.pixels.float() - self.mean) / self.deviation
        if self.training:
            x = self._mirrored(self._shifted(x))
        return x.contiguous(memory_format=torch.channels_last)

    def _shifted(self, x: torch.Tensor) -> torch.Tensor:
        """Each image moved by up to `shift` pixels; its edges fill the gap."""
        if not self.shift:
            return x
        height, width = x.shape[2:]
        padded = nn.functional.pad(x, (self.shift,) * 4, mode="replicate")
        windows = padded.unfold(2, height, 1).unfold(3, width, 1)
        down, right = torch.randint(2 * self.shift + 1, (2, len(x)), device=x.device)
        return windows[torch.arange(len(x), device=x.device), :, down, right]

    def _mirrored(self, x: torch.Tensor) -> torch.Tensor:
        """Each image mirrored or not, by chance."""
        if not self.mirror:
            return x
        chosen = torch.rand(len(x), 1, 1, 1, device=x.device)
        return torch.where(chosen < 1 / 2, x.flip(-1), x)
