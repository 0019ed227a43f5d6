"""Scarce classes filled up with generated rows, then a classifier; and a detector of anomalies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from automl_torch import loop, mlp, outliers
from automl_torch.ctgan import Ctgan, Table
from automl_torch.detector import DetectorModel
from automl_torch.model import Material, NetModel, Recipe
from automl_torch.optimiser import linear_decay
from automl_torch.schedules import constant, scaled

if TYPE_CHECKING:
    from automl import Config, Run, Task
    from automl_torch.data import Inputs, Layout

STEPS = 500
"""Steps of the GAN; the authors take 300 passes over the rows, hours on a CPU."""
FEWEST_STEPS = 100
"""Steps without which a generator has learned too little to add rows."""
SHARE = 0.5
"""Share of the time of a fit that the GAN may take."""
BATCH, RATE, DECAY = 500, 5e-4, 1e-6
"""The authors' settings but for the rate, theirs being 2e-4: there are so few steps here."""
FEWEST = 100
"""Rows of a batch of small tables."""
BALANCE = 0.5
"""Rows that a class is filled up to, relative to the largest class."""
MOST_COPIES = 20
"""Most generated rows for each true row of a class."""


class Shifted(nn.Module):
    """A classifier that learns from filled-up classes and answers for the true frequencies.

    While it trains, the log of how much each class was filled up is added to its outputs
    (logit adjustment, Menon et al. 2021, arXiv 2007.07314).
    """

    shift: torch.Tensor

    def __init__(self, net: mlp.MLP, outputs: int) -> None:
        super().__init__()
        self.net, self.cells = net, net.cells
        self.register_buffer("shift", torch.zeros(outputs))

    def measure(self, rows: Inputs) -> None:
        """Fit the columns to the scale of the inputs."""
        self.net.measure(rows)

    def forward(self, rows: Inputs) -> torch.Tensor:
        """`Inputs` of n rows to (n, out)."""
        output: torch.Tensor = self.net(rows)
        return output + self.shift if self.training else output


def architecture(config: Config, layout: Layout, outputs: int) -> Shifted:
    """An untrained classifier; reads what `mlp` reads."""
    settings: dict[str, Any] = {"numbers": "piecewise", **config}
    return Shifted(mlp.architecture(settings, layout, outputs), outputs)


def lacking(counts: torch.Tensor, balance: float) -> torch.Tensor:
    """Rows to add to classes of (k,) counts: up to `balance` times the largest class.

    Classes without a row get none, all together no more than there are rows.
    """
    wanted = (balance * counts.max() - counts).clamp_min(0).minimum(MOST_COPIES * counts)
    share = min(1.0, float(counts.sum() / wanted.sum().clamp_min(1)))
    return (wanted * share).floor().long()


def prepare(net: nn.Module, material: Material, config: Config, run: Run) -> Material:
    """Add generated rows to scarce classes; reads `gan_steps` and `balance`."""
    classifier, settings = cast("Shifted", net), cast("dict[str, Any]", dict(config))
    rows, target = material.rows, material.target
    counts = torch.bincount(target, minlength=len(classifier.shift))
    wanted = lacking(counts, float(settings.get("balance", BALANCE)))
    if not int(wanted.sum()):
        return material
    gan = _trained(material, net, int(settings.get("gan_steps", STEPS)), run)
    if gan.steps < FEWEST_STEPS:
        return material
    more, classes = gan.sample(torch.repeat_interleave(wanted))
    made = torch.bincount(classes, minlength=len(counts))
    seen = counts > 0
    filled = torch.where(seen, (counts + made) / counts.clamp_min(1), 1.0)
    classifier.shift.copy_(filled.log())
    kept = seen[classes].nonzero()[:, 0]
    return Material(rows.joined(more.take(kept)), torch.cat([target, classes[kept]]))


def _trained(material: Material, net: nn.Module, steps: int, run: Run) -> Ctgan:
    rows, target = material.rows, material.target
    layout, classes = cast("Shifted", net).net.columns.layout, len(cast("Shifted", net).shift)
    gan = Ctgan(Table(rows, target, layout, classes)).to(target.device)
    batch = min(len(target), max(FEWEST, min(BATCH, len(target) // 4)))
    per_epoch = max(1, min(len(target), loop.EPOCH_ROWS) // batch)
    plan = loop.Plan(
        epochs=math.ceil(steps / per_epoch),
        batch=batch,
        rate=scaled(RATE, constant),
        decay=scaled(DECAY, constant),
        betas=(0.5, 0.9),
        clip=0.0,
    )
    work = loop.Task(
        rows=len(target),
        device=target.device,
        loss=lambda positions: gan.loss(len(positions)),
        groups=linear_decay(gan.generator) + linear_decay(gan.critic),
    )
    loop.train(gan, work, plan, loop.Part(run, SHARE))
    return gan


RECIPE = Recipe(architecture=architecture, prepare=prepare)


def build(config: Config, task: Task, n_classes: int) -> NetModel | DetectorModel:
    """The factory of the learner `gan`."""
    if task == "anomaly":
        return DetectorModel(outliers.RECIPE, config)
    return NetModel(RECIPE, config, task, n_classes)
