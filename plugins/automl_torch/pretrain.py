"""Training without a target, before the training proper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_torch import loop
from automl_torch.model import batch_of
from automl_torch.optimiser import Group, linear_decay
from automl_torch.schedules import constant, one_cycle, scaled

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import nn

    from automl import Config, Run
    from automl_torch.data import Inputs

EPOCHS = 30
SHARE = 0.4
"""Share of the time of a fit that this may take."""
RATE = 2e-3


def pretrain(
    net: nn.Module,
    rows: Inputs,
    loss: Callable[[Inputs], torch.Tensor],
    cells: int,
    config: Config,
    run: Run,
) -> None:
    """Train all of `net`, leaving it in evaluation mode.

    Reads `pretrain_epochs` from the configuration; 0 leaves the net as it is.

    Args:
        net: Encoder and decoder.
        rows: Rows with and without a target.
        loss: Mean loss of a batch.
        cells: Numbers that the widest activation of one row holds.
        config: Of the learner.
        run: Whose time is shared.
    """
    settings: dict[str, Any] = dict(config)
    epochs = int(settings.get("pretrain_epochs", EPOCHS))
    if not epochs:
        return
    plan = loop.Plan(
        epochs=epochs,
        batch=batch_of(len(rows), cells),
        rate=scaled(RATE, one_cycle),
        decay=scaled(0.0, constant),
    )
    work = loop.Task(
        rows=len(rows),
        device=rows.numbers.device,
        loss=lambda batch: loss(rows.take(batch)),
        groups=linear_decay(net),
    )
    loop.train(net, work, plan, loop.Part(run, SHARE))


def gentle(head: str, rate: float) -> Callable[[nn.Module], tuple[Group, ...]]:
    """Groups in which all but the part named `head`, which is new, move at `rate` times the plan's.

    Decay stays in proportion to the movement.
    """

    def groups(net: nn.Module) -> tuple[Group, ...]:
        new = {id(p) for name, p in net.named_parameters() if name.startswith(f"{head}.")}
        return tuple(
            Group([p for p in group.parameters if (id(p) in new) == fresh], speed, group.decay)
            for group in linear_decay(net)
            for fresh, speed in ((True, 1.0), (False, rate))
        )

    return groups
