"""Declarations of the nets for classes and values; light, like the package itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl import Choice, Float, Int, Learner, Limits, Prior, Resources, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from automl import Dimension, Schema, Task, ViewKind

TASKS: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})
WIDTHS = 8
"""Widths are multiples of this, the heads of the transformer."""
_MIB = 1 << 20
NO_STOP = 1_000
"""Patience of a learner that trains to the end of its schedule and keeps its best epoch."""


def supervised() -> Iterator[Learner]:
    """All learners of this module."""
    yield _mlp()
    yield _resnet()
    yield _realmlp()
    yield _tabm()
    yield _ft_transformer()


CARRIED = {
    "mlp": (3, 10),
    "resnet": (3, 10),
    "realmlp": (0, 3),
    "tabm": (2, 9),
    "ft_transformer": (1, 3),
}
"""Net -> tables on which it carried weight, and those on which it was tried."""


def _net(  # noqa: PLR0913 - the fields of a declaration, by keyword
    name: str,
    summary: str,
    *,
    space: Mapping[str, Dimension],
    defaults: Sequence[Mapping[str, Any]],
    width: int,
    patience: int = 16,
    cost: Callable[[int], float],
    view: ViewKind = "tensors",
    libraries: tuple[str, ...] = ("torch",),
    memory: Callable[[int, int], float] | None = None,
    columns: int | None = None,
) -> Learner:
    """A net.

    Args:
        name: Of the learner and of the module that builds it.
        summary: One line.
        space: What is searched.
        defaults: Portfolio.
        width: That it has where a configuration does not say.
        patience: Epochs without a better score.
        cost: Takes the number of feature columns.
        view: What it sees.
        libraries: What its module imports.
        memory: (rows, columns) to peak bytes.
        columns: The most that it takes.
    """

    def resources(schema: Schema) -> Resources:
        return Resources(gpus=1.0, cost=cost(len(schema.features)))

    return Learner(
        name=name,
        family="deep",
        tasks=TASKS,
        view=view,
        factory=f"automl_torch.{name}:build",
        space=space,
        defaults=tuple(defaults),
        fidelity="epochs",
        size=Size("width", width, "root", multiple=WIDTHS),
        patience=patience,
        resources=resources,
        limits=Limits(columns=columns),
        extra="torch",
        libraries=libraries,
        memory=memory,
        prior=Prior.counted(*CARRIED[name], "benchmarks/prior"),
        weights=True,
        summary=summary,
    )


def _transformer_memory(rows: int, columns: int) -> float:
    """Peak of the widest net of the space, as measured on columns that all have gaps.

    250 MiB of weights and 27 MiB a token, of which a column with gaps has two, until batches
    shrink (2.3 GiB seen). Rows become tensors; a category is copied twice as int64 on the way.
    """
    tokens = 2 * columns + 1
    return min(2_560, 250 + 27 * tokens) * _MIB + 24 * rows * columns


def _mlp() -> Learner:
    plain = {
        "numbers": "plain",
        "width": 256,
        "layers": 2,
        "dropout": 0.3,
        "learning_rate": 2e-3,
        "weight_decay": 0.2,
    }
    return _net(
        "mlp",
        "multilayer perceptron (Gorishniy et al. 2021)",
        width=256,
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
            {**plain, "width": 384, "layers": 3, "dropout": 0.4},
            {**plain, "numbers": "piecewise", "learning_rate": 1e-3},
            {**plain, "numbers": "periodic"},
        ),
        cost=lambda _: 12.0,
    )


def _resnet() -> Learner:
    published = {
        "width": 128,
        "layers": 2,
        "hidden_factor": 2.0,
        "dropout": 0.25,
        "residual_dropout": 0.1,
        "learning_rate": 1e-3,
        "weight_decay": 0.01,
    }
    quick = {**published, "learning_rate": 2e-3, "weight_decay": 0.05}
    return _net(
        "resnet",
        "residual net with batch normalisation (Gorishniy et al. 2021)",
        width=128,
        space={
            "numbers": Choice("plain", "piecewise", "periodic"),
            "width": Int(64, 512, log=True),
            "layers": Int(1, 8),
            "hidden_factor": Float(1.0, 4.0),
            "dropout": Float(0.0, 0.5),
            "residual_dropout": Float(0.0, 0.5),
            "learning_rate": Float(1e-4, 1e-2, log=True),
            "weight_decay": Float(1e-6, 0.5, log=True),
            "embedding": Choice(4, 8, 16),
        },
        defaults=(
            quick,
            {**quick, "numbers": "piecewise"},
            published,
            {**quick, "width": 256, "layers": 4, "hidden_factor": 1.0},
        ),
        cost=lambda _: 14.0,
    )


def _realmlp() -> Learner:
    return _net(
        "realmlp",
        "MLP with tuned defaults: robust scaling, cosine embeddings (Holzmueller et al. 2024)",
        width=256,
        space={
            "numbers": Choice("waves", "plain"),
            "sigma": Float(0.01, 50.0, log=True),
            "number_size": Choice(4, 8, 16),
            "frequencies": Choice(8, 16, 32),
            "width": Choice(256, 384, 512),
            "layers": Int(2, 4),
            "activation": Choice("selu", "mish"),
            "dropout": Float(0.0, 0.5),
            "learning_rate": Float(0.02, 0.3, log=True),
            "weight_decay": Float(1e-3, 5e-2, log=True),
            "scale_rate": Float(2.0, 10.0, log=True),
            "smoothing": Choice(0.0, 0.005, 0.02, 0.1),
        },
        defaults=(
            {},
            {"numbers": "plain", "dropout": 0.0, "weight_decay": 1e-3},
        ),
        patience=NO_STOP,
        view="plain_tensors",
        cost=lambda _: 60.0,
    )


def _tabm() -> Learner:
    quick = {
        "kind": "tabm-mini",
        "members": 8,
        "width": 128,
        "embedding": 8,
        "bins": 16,
        "learning_rate": 6e-3,
    }
    return _net(
        "tabm",
        "many MLPs in one that share weights (Gorishniy et al. 2024)",
        width=512,
        space={
            "kind": Choice("tabm", "tabm-mini"),
            "members": Choice(8, 16, 24, 32),
            "numbers": Choice("piecewise", "periodic", "plain"),
            "bins": Int(2, 128),
            "embedding": Choice(8, 16, 24, 32),
            "width": Int(128, 1024, log=True),
            "layers": Int(2, 5),
            "dropout": Float(0.0, 0.5),
            "learning_rate": Float(1e-4, 1e-2, log=True),
            "weight_decay": Float(1e-4, 1e-1, log=True),
        },
        defaults=(
            quick,
            {
                **quick,
                "members": 16,
                "width": 256,
                "embedding": 16,
                "bins": 48,
                "learning_rate": 4e-3,
            },
            {},
        ),
        cost=lambda _: 45.0,
        libraries=("torch", "sklearn"),
    )


def _ft_transformer() -> Learner:
    quick = {
        "numbers": "piecewise",
        "attention_dropout": 0.1,
        "ffn_dropout": 0.0,
        "learning_rate": 1e-3,
    }
    return _net(
        "ft_transformer",
        "transformer over one token a column (Gorishniy et al. 2021)",
        width=192,
        space={
            "numbers": Choice("plain", "piecewise"),
            "width": Choice(64, 96, 128, 192, 256, 384, 512),
            "layers": Int(1, 4),
            "attention_dropout": Float(0.0, 0.5),
            "ffn_factor": Float(2 / 3, 8 / 3),
            "ffn_dropout": Float(0.0, 0.5),
            "residual_dropout": Float(0.0, 0.2),
            "learning_rate": Float(1e-5, 1e-3, log=True),
            "weight_decay": Float(1e-6, 1e-3, log=True),
        },
        defaults=(
            {**quick, "width": 64, "layers": 2},
            {**quick, "width": 96, "layers": 1},
            {},
        ),
        cost=lambda columns: 60.0 + 3.0 * columns + 0.05 * columns**2,
        memory=_transformer_memory,
        columns=300,
    )
