"""RealMLP (Holzmueller et al. 2024, arXiv 2407.04491)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from automl_torch.embeddings import Plain, RobustClip
from automl_torch.model import NetModel, Recipe
from automl_torch.nets import Categories, Dropout
from automl_torch.optimiser import Group
from automl_torch.schedules import coslog4, flat_cosine

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl import Config, Task
    from automl_torch.data import Inputs, Layout

WIDEST_NUMBERS = 1024
"""Number columns beyond which they enter as they are."""
SIMPLEX = 5
"""Training rows whose mixture centres a unit's bias at the start ("he+5")."""
BATCHES = ((1_024, 64), (50_000, 256), (100_000, 512), (None, 1024))
SLOW = 0.1
"""Learning rate of biases, activations and number embeddings, relative to the weights'."""


class Waves(nn.Module):
    """Number embeddings "PBLD": cosines with a phase, a linear layer, and the number itself."""

    def __init__(self, columns: int, frequencies: int, size: int, sigma: float) -> None:
        super().__init__()
        self.sizes = [size] * columns
        self.frequency = nn.Parameter(sigma * torch.randn(columns, frequencies))
        self.phase = nn.Parameter(math.pi * (2 * torch.rand(columns, frequencies) - 1))
        bound = 1 / math.sqrt(frequencies)
        self.weight = nn.Parameter(bound * (2 * torch.rand(columns, frequencies, size - 1) - 1))
        self.bias = nn.Parameter(bound * (2 * torch.rand(columns, 1, size - 1) - 1))

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """(n, d) numbers to (n, d * size)."""
        columns = numbers.T.unsqueeze(-1)
        angle = torch.addcmul(
            self.phase.unsqueeze(1), columns, 2 * math.pi * self.frequency.unsqueeze(1)
        )
        waves = torch.baddbmm(self.bias, angle.cos(), self.weight)
        return torch.cat([waves, columns], -1).transpose(0, 1).flatten(1)


class Layer(nn.Module):
    """A linear layer in NTK parametrisation: its weights are divided by sqrt(inputs) in use."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self._gain = 1 / math.sqrt(inputs)

    def measure(self, x: torch.Tensor) -> None:
        """Give each output unit variance over (n, inputs) rows, its kink among them."""
        before = x @ self.weight * self._gain
        spread = before.std(dim=0, correction=0)
        factor = torch.where(spread > 1e-6, 1 / spread.clamp_min(1e-6), 1.0)
        self.weight.mul_(factor)
        before *= factor
        rows = torch.randint(len(x), (SIMPLEX, before.shape[1]))
        shares = -torch.rand(SIMPLEX, before.shape[1]).clamp_min(1e-12).log()
        self.bias.copy_(-(before.gather(0, rows) * shares / shares.sum(0)).sum(0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, inputs) to (n, outputs)."""
        return torch.addmm(self.bias, x, self.weight, alpha=self._gain)


class Activation(nn.Module):
    """SELU or Mish, mixed with the identity by a share of its own for each unit."""

    def __init__(self, units: int, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.ones(units))
        self._function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, units) to (n, units)."""
        return x + self.share * (self._function(x) - x)  # lerp takes no mixed precision


class RealMLP(nn.Module):
    """Robustly scaled columns, each times a learnable factor, then the layers."""

    low: torch.Tensor
    span: torch.Tensor

    def __init__(self, layout: Layout, outputs: int, settings: dict[str, Any]) -> None:
        super().__init__()
        self.robust = RobustClip(layout.numbers)
        self.numbers = _embedding(layout.numbers, settings)
        self.categories = Categories(layout, int(settings.get("embedding", 8)), spread=1.0)
        inputs = max(sum(self.numbers.sizes) + self.categories.width, 1)
        self.register_buffer("low", torch.zeros(self.categories.width))
        self.register_buffer("span", torch.ones(self.categories.width))
        self.scale = nn.Parameter(torch.ones(inputs))
        width = int(settings.get("width", 256))
        functions = {"selu": nn.functional.selu, "mish": nn.functional.mish}
        function = functions[str(settings.get("activation", "selu"))]
        dropout = float(settings.get("dropout", 0.15))
        sizes = [inputs, *[width] * (int(settings.get("layers", 3)) - 1)]
        self.body = nn.ModuleList(
            nn.Sequential(Layer(size, width), Activation(width, function), Dropout(dropout))
            for size in sizes
        )
        self.head = Layer(width, outputs)
        self.cells = max(inputs, width, 16 * layout.numbers)

    def measure(self, rows: Inputs) -> None:
        """Fit the scaling, then each layer to what the layers before it put out."""
        if rows.numbers.shape[1]:
            self.robust.measure(rows.numbers)
        dense = self.categories.dense
        if dense:
            ends = RobustClip(dense)
            ends.measure(self.categories(rows)[:, :dense])
            ends.factor[ends.factor == 0] = 2.0  # too rare to be in the sample
            self.low[:dense] = ends(torch.zeros(1, dense))[0]
            self.span[:dense] = ends(torch.ones(1, dense))[0] - self.low[:dense]
        x = self._columns(rows)
        for block in self.body:
            layer, activation, _ = cast(
                "tuple[Layer, Activation, Dropout]", tuple(block.children())
            )
            layer.measure(x)
            x = activation(layer(x))
        self.head.measure(x)

    def _columns(self, rows: Inputs) -> torch.Tensor:
        parts = [torch.addcmul(self.low, self.categories(rows), self.span)]
        if rows.numbers.shape[1]:
            parts.insert(0, self.numbers(self.robust(rows.numbers)))
        x = torch.cat(parts, 1)
        return (x if x.shape[1] else rows.flags.new_zeros(len(rows), 1)) * self.scale

    def forward(self, rows: Inputs) -> torch.Tensor:
        """`Inputs` of n rows to (n, out)."""
        x = self._columns(rows)
        for block in self.body:
            x = block(x)
        output: torch.Tensor = self.head(x)
        return output


def _embedding(columns: int, settings: dict[str, Any]) -> Plain | Waves:
    if settings.get("numbers", "waves") == "plain" or not 0 < columns <= WIDEST_NUMBERS:
        return Plain(columns)
    return Waves(
        columns,
        int(settings.get("frequencies", 16)),
        int(settings.get("number_size", 4)),
        float(settings.get("sigma", 0.1)),
    )


def architecture(config: Config, layout: Layout, outputs: int) -> RealMLP:
    """An untrained net for these inputs.

    Reads `numbers`, `frequencies`, `number_size`, `sigma`, `embedding`, `width`, `layers`,
    `activation` (SELU unless given, Mish for regression) and `dropout` from the configuration.
    """
    settings = dict(config)
    settings.setdefault("activation", "mish" if outputs == 1 else "selu")
    return RealMLP(layout, outputs, settings)


def groups_of(factor: float) -> Callable[[nn.Module], tuple[Group, ...]]:
    """Groups whose learnable scaling moves `factor` times as fast as the weights.

    Biases, activations and number embeddings move a tenth as fast; biases do not decay, and
    the others as much as they move, as in the authors' code.
    """

    def groups(net: nn.Module) -> tuple[Group, ...]:
        found: dict[str, list[nn.Parameter]] = {"fast": [], "bias": [], "slow": [], "plain": []}
        for name, parameter in net.named_parameters():
            if name == "scale":
                kind = "fast"
            elif name.startswith("numbers.") or name.endswith(".share"):
                kind = "slow"
            else:
                kind = "bias" if name.endswith(".bias") else "plain"
            found[kind].append(parameter)
        return (
            Group(found["plain"]),
            Group(found["fast"], factor, factor),
            Group(found["slow"], SLOW, SLOW),
            Group(found["bias"], SLOW, 0.0),
        )

    return groups


RECIPE = Recipe(
    architecture=architecture,
    epochs=256,
    rate=0.04,
    decay=0.02,
    batches=BATCHES,
    rate_schedule=coslog4,
    decay_schedule=flat_cosine,
    dropout_schedule=flat_cosine,
    clip=0.0,
)


def build(config: Config, task: Task, n_classes: int) -> NetModel:
    """The factory of the learner `realmlp`.

    Without `learning_rate` the published one of the task is taken: 0.04 for classes; for
    values 0.2, or 0.07 without number embeddings.
    """
    settings: dict[str, Any] = dict(config)
    rate = RECIPE.rate
    if task == "regression":
        rate = 0.07 if settings.get("numbers") == "plain" else 0.2
    recipe = replace(RECIPE, rate=rate, groups=groups_of(float(settings.get("scale_rate", 6.0))))
    return NetModel(recipe, config, task, n_classes)
