"""Deep learners on PyTorch: declarations only; torch is imported where a model is fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import automl
from automl import Choice, Float, Int, Learner, Resources, Schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automl import Task

TASKS: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})


def _resources(_: Schema) -> Resources:
    return Resources(gpus=1.0, cost=12.0)


@automl.hookimpl
def automl_learners() -> Iterable[Learner]:
    """The learners of this package."""
    plain = {
        "numbers": "plain",
        "width": 256,
        "layers": 3,
        "dropout": 0.2,
        "learning_rate": 4e-3,
        "weight_decay": 0.2,
    }
    yield Learner(
        name="mlp",
        family="deep",
        tasks=TASKS,
        view="tensors",
        factory="automl_torch.mlp:build",
        space={
            "numbers": Choice("plain", "piecewise", "periodic"),
            "width": Int(64, 512, log=True),
            "layers": Int(1, 5),
            "dropout": Float(0.0, 0.5),
            "learning_rate": Float(3e-4, 1e-2, log=True),
            "weight_decay": Float(1e-3, 1.0, log=True),
            "embedding": Choice(4, 8, 16),
        },
        defaults=(
            {**plain, "numbers": "piecewise"},
            plain,
            {**plain, "width": 384, "dropout": 0.4},
            {**plain, "width": 128, "layers": 2, "dropout": 0.3, "learning_rate": 2e-3},
            {**plain, "numbers": "periodic", "learning_rate": 2e-3},
        ),
        fidelity="epochs",
        patience=16,
        resources=_resources,
        extra="torch",
        summary="multilayer perceptron (Gorishniy et al. 2021)",
    )
