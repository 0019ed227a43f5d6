"""AdamW over one flat buffer.

`torch.optim` imports torch's compiler at first use, 1.5 to 2.5 s in every process and more
than many a fit here lasts; and on a CPU a few operations over one buffer cost less than many
over a list of small tensors. Clipping, averaging and keeping the best weights are then one
operation each, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EPSILON = 1e-8


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters with one learning rate and one weight decay, relative to the plan's."""

    parameters: Sequence[nn.Parameter]
    rate: float = 1.0
    decay: float = 1.0


def linear_decay(net: nn.Module) -> tuple[Group, ...]:
    """Weights of linear layers decay; biases, embeddings and the like do not."""
    matrices = {id(part.weight) for part in net.modules() if isinstance(part, nn.Linear)}
    parameters = list(net.parameters())
    return (
        Group([p for p in parameters if id(p) in matrices]),
        Group([p for p in parameters if id(p) not in matrices], decay=0.0),
    )


class AdamW:
    """AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) with clipping by global norm.

    The parameters become views of one buffer: do not move the net while it trains.
    `clip` is the largest norm of the gradient; 0 for none.
    """

    def __init__(
        self,
        groups: Iterable[Group],
        betas: tuple[float, float] = (0.9, 0.95),
        clip: float = 1.0,
    ) -> None:
        filled = [group for group in groups if group.parameters]
        self.weights, self._gradient = _flatten([p for g in filled for p in g.parameters])
        ends = torch.tensor([sum(p.numel() for p in g.parameters) for g in filled]).cumsum(0)
        starts = [0, *ends.tolist()]
        self._groups = [
            (slice(start, end), group.rate, group.decay)
            for start, end, group in zip(starts, starts[1:], filled, strict=False)
        ]
        self._betas, self._clip = betas, clip
        self._steps = torch.zeros((), device=self.weights.device)
        self._mean = torch.zeros_like(self.weights)
        self._square = torch.zeros_like(self.weights)

    def step(self, rate: float, decay: float) -> None:
        """Move the weights along the gradients of the last `backward`, then clear those."""
        if self._clip:
            norm = self._gradient.norm().clamp_min(1e-12)
            self._gradient.mul_((self._clip / norm).clamp_max(1.0))
        self._steps += 1
        for part, faster, stronger in self._groups:
            speed = rate * faster
            torch._fused_adamw_(
                [self.weights[part]],
                [self._gradient[part]],
                [self._mean[part]],
                [self._square[part]],
                [],
                [self._steps],
                amsgrad=False,
                lr=speed,
                beta1=self._betas[0],
                beta2=self._betas[1],
                weight_decay=min(decay * stronger, 1 / max(speed, 1e-12)),
                eps=EPSILON,
                maximize=False,
            )
        self._gradient.zero_()


def _flatten(parameters: Sequence[nn.Parameter]) -> tuple[torch.Tensor, torch.Tensor]:
    weights = torch.cat([p.detach().flatten() for p in parameters])
    gradient = torch.zeros_like(weights)
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        parameter.data = weights[start:end].view_as(parameter)
        parameter.grad = gradient[start:end].view_as(parameter)
        start = end
    return weights, gradient
