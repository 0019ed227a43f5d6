"""AdamW over one flat buffer.

`torch.optim` imports torch's compiler at first use, 1.5 to 2.5 s in every process and more
than many a fit here lasts; and on a CPU a few operations over one buffer cost less than many
over a list of small tensors. Clipping, averaging and keeping the best weights are then one
operation each, too.
"""

from __future__ import annotations

import math
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
        self._betas, self._clip, self._steps = betas, clip, 0
        self._mean = torch.zeros_like(self.weights)
        self._square = torch.zeros_like(self.weights)
        self._scale = torch.empty_like(self.weights)

    def step(self, rate: float, decay: float) -> None:
        """Move the weights along the gradients of the last `backward`, then clear those."""
        gradient, (beta1, beta2) = self._gradient, self._betas
        if self._clip:
            gradient.mul_((self._clip / gradient.norm().clamp_min(1e-12)).clamp_max(1.0))
        self._steps += 1
        self._mean.lerp_(gradient, 1 - beta1)
        self._square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        debias = math.sqrt(1 - beta2**self._steps)
        torch.sqrt(self._square, out=self._scale).add_(EPSILON * debias)
        speed = rate * debias / (1 - beta1**self._steps)
        for part, faster, stronger in self._groups:
            weights = self.weights[part]
            if decay * stronger:
                weights.mul_(max(0.0, 1 - rate * faster * decay * stronger))
            weights.addcdiv_(self._mean[part], self._scale[part], value=-speed * faster)
        gradient.zero_()


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
