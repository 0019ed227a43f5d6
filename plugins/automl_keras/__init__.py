"""Deep learners on Keras 3, whatever its backend; Keras is imported where a model is fitted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import automl

if TYPE_CHECKING:
    from automl import Task

_TASKS: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})
_BACKEND = "Keras 3 on the backend that KERAS_BACKEND names, torch unless set."


@automl.hookimpl
def automl_learners() -> Iterator[automl.Learner]:
    """The learners of this package."""
    libraries = ("keras", os.environ.get("KERAS_BACKEND", "torch"))
    plain = {"width": 256, "layers": 3, "dropout": 0.2, "learning_rate": 3e-3}
    space: dict[str, automl.Dimension] = {
        "width": automl.Int(64, 512, log=True),
        "layers": automl.Int(1, 4),
        "dropout": automl.Float(0.0, 0.5),
        "learning_rate": automl.Float(3e-4, 1e-2, log=True),
        "weight_decay": automl.Float(1e-3, 0.5, log=True),
        "embedding": automl.Choice(4, 8, 16),
    }
    yield automl.Learner(
        name="keras_mlp",
        family="deep",
        tasks=_TASKS,
        view="tensors",
        factory="automl_keras.model:build_mlp",
        space={**space, "activation": automl.Choice("relu", "silu")},
        defaults=(
            plain,
            {**plain, "width": 128, "layers": 2, "dropout": 0.1, "activation": "silu"},
            {**plain, "width": 384, "dropout": 0.4},
        ),
        fidelity="epochs",
        size=automl.Size("width", 256, "root"),
        patience=12,
        resources=_resources,
        extra="keras",
        libraries=libraries,
        weights=True,
        prior=automl.Prior.counted(1, 6, "benchmarks/prior"),
        summary="Multilayer perceptron with embedded categories, on Keras.",
        source=f"Gorishniy et al. 2021, arXiv 2106.11959, on plain MLPs for tables. {_BACKEND}",
        good_when=(
            "Thousands of rows and smooth effects of many columns; joins well with trees in an "
            "ensemble. The learner `mlp` is the same idea and trains faster on a CPU; this one "
            "runs on JAX and TensorFlow too."
        ),
    )
    yield automl.Learner(
        name="keras_wide_deep",
        family="deep",
        tasks=_TASKS,
        view="tensors",
        factory="automl_keras.model:build_wide_deep",
        space={**space, "crosses": automl.Choice(True, False)},
        defaults=(
            {**plain, "crosses": True},
            {**plain, "width": 128, "layers": 2, "dropout": 0.3, "crosses": False},
            {**plain, "layers": 2, "dropout": 0.4, "crosses": True, "weight_decay": 0.2},
        ),
        fidelity="epochs",
        size=automl.Size("width", 256, "root"),
        patience=12,
        resources=_resources,
        extra="keras",
        libraries=libraries,
        weights=True,
        prior=automl.Prior.counted(0, 5, "benchmarks/prior"),
        summary="A linear model of bins, categories and their crosses beside a deep net, on Keras.",
        source=f"Cheng et al. 2016, Wide & Deep Learning, arXiv 1606.07792. {_BACKEND}",
        good_when=(
            "Tables of categories whose combinations matter, with rows enough to see them: "
            "recommendation, click and access data. Where columns are numbers it is an MLP with "
            "an additive model of bins at its side."
        ),
    )


def _resources(_: automl.Schema) -> automl.Resources:
    return automl.Resources(gpus=1.0, cost=40.0)
