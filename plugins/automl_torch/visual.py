"""Declarations of the nets for images; light, like the package itself."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from automl import Choice, Float, Int, Learner, Prior, Resources, Size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automl import Schema

WIDTH = 32
_MIB = 1 << 20


def visual() -> Iterator[Learner]:
    """All learners of this module."""
    yield Learner(
        name="cnn",
        family="deep",
        tasks=frozenset({"binary", "multiclass", "regression"}),
        view="image",
        factory="automl_torch.cnn:build",
        space={
            "width": Int(16, 64, log=True),
            "blocks": Int(1, 2),
            "dropout": Float(0.0, 0.5),
            "shift": Choice(0, 1, 2, 4),
            "mirror": Choice(False, True),
            "learning_rate": Float(1e-3, 2e-2, log=True),
            "weight_decay": Float(1e-3, 0.5, log=True),
        },
        defaults=(
            {"width": WIDTH // 2},
            {"width": WIDTH},
            {"width": WIDTH // 2, "mirror": True},
            {"width": WIDTH + WIDTH // 2, "blocks": 2, "dropout": 0.2},
        ),
        fidelity="epochs",
        size=Size("width", WIDTH, "root"),
        patience=16,
        resources=_resources,
        extra="torch",
        libraries=("torch",),
        memory=_memory,
        weights=True,
        prior=Prior.counted(
            5,
            5,
            "MNIST, CIFAR-10, CIFAR-100, SVHN and STL-10: on each the best published results are "
            "of convolutional nets (Benenson, Classification datasets results, 2016)",
        ),
        summary="residual net of convolutions for small images (He et al. 2016)",
        source=(
            "Residual blocks with batch normalisation (He et al. 2016, arXiv 1512.03385), trained "
            "by AdamW with one cycle of the learning rate, on images shifted and mirrored by chance"
        ),
        good_when=(
            "Thousands of images or more, in which the same thing may stand in several places. It "
            "sees images alone: where other columns tell as much, learners that see these and the "
            "features of images are ahead. Large images take a GPU."
        ),
    )


def _resources(schema: Schema) -> Resources:
    pixels = sum(prod(column.shape[:2]) for column in schema.features if column.shape)
    return Resources(gpus=1.0, cost=12.0 + pixels / 100)


def _memory(rows: int, columns: int) -> float:
    """Peak of the widest net on images of 64 x 64 x 3, and a copy of their pixels."""
    return 700 * _MIB + 32 * rows * columns
