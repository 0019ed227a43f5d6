"""AdamW over one flat buffer.

`torch.optim` imports torch's compiler at first use, 1.5 to 2.5 s in every process and more
than many a fit here lasts; and on a CPU a few operations over one buffer cost less than many
over a list of small tensors. Clipping, averaging and keeping the best weights are then one
operation each, too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

BETA1, BETA2, EPSILON = 0.9, 0.95, 1e-8


class AdamW:
    """AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) with clipping by global norm.

    The net's parameters become views of one buffer: do not move the net while it trains.
    Weights of linear layers decay; biases, embeddings and the like do not.
    """

    def __init__(self, net: nn.Module, decay: float, clip: float) -> None:
        matrices = {id(part.weight) for part in net.modules() if isinstance(part, nn.Linear)}
        parameters = sorted(net.parameters(), key=lambda p: id(p) not in matrices)
        self.weights, self._gradient = _flatten(parameters)
        self._decayed = sum(p.numel() for p in parameters if id(p) in matrices)
        self._decay, self._clip, self._steps = decay, clip, 0
        self._mean = torch.zeros_like(self.weights)
        self._square = torch.zeros_like(self.weights)
        self._scale = torch.empty_like(self.weights)

    def step(self, rate: float) -> None:
        """Move the weights along the gradients of the last `backward`, then clear those."""
        gradient = self._gradient
        gradient.mul_((self._clip / gradient.norm().clamp_min(1e-12)).clamp_max(1.0))
        self._steps += 1
        self._mean.lerp_(gradient, 1 - BETA1)
        self._square.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        debias = math.sqrt(1 - BETA2**self._steps)
        torch.sqrt(self._square, out=self._scale).add_(EPSILON * debias)
        self.weights[: self._decayed].mul_(1 - rate * self._decay)
        speed = rate * debias / (1 - BETA1**self._steps)
        self.weights.addcdiv_(self._mean, self._scale, value=-speed)
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
