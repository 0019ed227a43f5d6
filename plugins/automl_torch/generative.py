"""Declarations of the nets that learn what rows look like; light, like the package itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl import Choice, Float, Int, Learner, Prior, Resources, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from automl import Schema

PATIENCE = 16


def generative() -> Iterator[Learner]:
    """All learners of this module."""
    yield _autoencoder()
    yield _vae()
    yield _gan()
    yield _dbn()
    yield _deep_svdd()


def _cost(value: float) -> Callable[[Schema], Resources]:
    def resources(_: Schema) -> Resources:
        return Resources(gpus=1.0, cost=value)

    return resources


def _autoencoder() -> Learner:
    plain = {"width": 256, "layers": 3, "noise": 0.15, "dropout": 0.2, "encoder_rate": 0.5}
    return Learner(
        name="autoencoder",
        family="deep",
        tasks=frozenset({"binary", "multiclass", "regression", "anomaly"}),
        view="tensors",
        factory="automl_torch.autoencoder:build",
        space={
            "width": Int(64, 512, log=True),
            "layers": Int(2, 4),
            "noise": Float(0.05, 0.5),
            "dropout": Float(0.0, 0.5),
            "encoder_rate": Float(0.05, 1.0, log=True),
            "learning_rate": Float(3e-4, 1e-2, log=True),
            "weight_decay": Float(1e-3, 0.5, log=True),
        },
        defaults=(
            plain,
            {**plain, "noise": 0.3, "dropout": 0.4},
            {**plain, "width": 128, "layers": 2},
        ),
        fidelity="epochs",
        size=Size("width", 256, "root"),
        patience=PATIENCE,
        resources=_cost(24.0),
        extra="torch",
        libraries=("torch",),
        prior=Prior.counted(0, 6, "benchmarks/prior"),
        uses_unlabelled=True,
        summary="Denoising autoencoder, trained on all rows, then with the target.",
        source=(
            "Vincent et al. 2010, Stacked denoising autoencoders; as a detector Sakurada and "
            "Yairi 2014; settings by trial here"
        ),
        good_when=(
            "Many rows lack a target: they all train the encoder. With every target known it is "
            "a multilayer perceptron with a long preparation. Anomalies are rows that break "
            "the pattern of the others, column against column."
        ),
    )


def _vae() -> Learner:
    plain = {"width": 256, "layers": 2, "code": 64, "dropout": 0.2, "encoder_rate": 0.5}
    return Learner(
        name="vae",
        family="deep",
        tasks=frozenset({"binary", "multiclass", "regression", "anomaly"}),
        view="tensors",
        factory="automl_torch.vae:build",
        space={
            "width": Int(64, 512, log=True),
            "layers": Int(1, 3),
            "code": Choice(16, 32, 64, 128),
            "dropout": Float(0.0, 0.5),
            "encoder_rate": Float(0.05, 1.0, log=True),
            "learning_rate": Float(3e-4, 1e-2, log=True),
            "weight_decay": Float(1e-3, 0.5, log=True),
        },
        defaults=(
            plain,
            {**plain, "code": 128, "dropout": 0.4},
            {**plain, "width": 128, "code": 16},
        ),
        fidelity="epochs",
        size=Size("width", 256, "root"),
        patience=PATIENCE,
        resources=_cost(24.0),
        extra="torch",
        libraries=("torch",),
        prior=Prior.counted(0, 6, "benchmarks/prior"),
        uses_unlabelled=True,
        summary="Variational autoencoder, trained on all rows; a classifier on its code.",
        source=(
            "Kingma and Welling 2013 (arXiv 1312.6114); Kingma et al. 2014 (arXiv 1406.5298), "
            "model M1; settings by trial here"
        ),
        good_when=(
            "Many rows lack a target, or rows must be scored by how probable they are. With every "
            "target known other nets are usually ahead."
        ),
    )


def _gan() -> Learner:
    plain = {"balance": 0.5, "gan_steps": 500, "width": 256, "layers": 3, "dropout": 0.2}
    return Learner(
        name="gan",
        family="deep",
        tasks=frozenset({"binary", "multiclass", "anomaly"}),
        view="tensors",
        factory="automl_torch.gan:build",
        space={
            "balance": Float(0.1, 1.0),
            "gan_steps": Int(200, 4000, log=True),
            "width": Int(64, 512, log=True),
            "layers": Int(1, 5),
            "dropout": Float(0.0, 0.5),
            "learning_rate": Float(3e-4, 1e-2, log=True),
            "weight_decay": Float(1e-3, 1.0, log=True),
        },
        defaults=(
            plain,
            {**plain, "balance": 1.0},
            {**plain, "balance": 0.25, "gan_steps": 1500},
        ),
        fidelity="epochs",
        size=Size("width", 256, "root"),
        patience=PATIENCE,
        resources=_cost(50.0),
        extra="torch",
        libraries=("torch",),
        prior=Prior.counted(0, 2, "benchmarks/prior"),
        summary="Conditional tabular GAN that adds rows to scarce classes, then an MLP.",
        source=(
            "Xu et al. 2019 (arXiv 1907.00503), the authors' settings but for the steps; "
            "frequencies put right after Menon et al. 2021 (arXiv 2007.07314); as a detector "
            "Liu et al. 2020 (arXiv 1809.10816)"
        ),
        good_when=(
            "Classes of very different size and enough time. Where no class has less than "
            "`balance` times the rows of the largest nothing is generated: it is a plain MLP."
        ),
    )


def _dbn() -> Learner:
    plain = {"width": 256, "layers": 2, "dropout": 0.2}
    return Learner(
        name="dbn",
        family="deep",
        tasks=frozenset({"binary", "multiclass"}),
        view="tensors",
        factory="automl_torch.dbn:build",
        space={
            "width": Int(64, 512, log=True),
            "layers": Int(1, 3),
            "dropout": Float(0.0, 0.5),
            "learning_rate": Float(3e-4, 1e-2, log=True),
            "weight_decay": Float(1e-3, 0.5, log=True),
        },
        defaults=(
            plain,
            {**plain, "width": 512, "dropout": 0.4},
            {**plain, "layers": 3},
        ),
        fidelity="epochs",
        size=Size("width", 256, "root"),
        patience=PATIENCE,
        resources=_cost(18.0),
        extra="torch",
        libraries=("torch",),
        prior=Prior.counted(2, 7, "benchmarks/prior"),
        uses_unlabelled=True,
        summary="Deep belief net: stacked Boltzmann machines, then trained as a whole.",
        source=(
            "Hinton, Osindero and Teh 2006; contrastive divergence as in Hinton's practical guide "
            "of 2010"
        ),
        good_when=(
            "Binary or one-hot columns, and tables whose rows mostly lack a target. Kept for "
            "the comparison: rectified units made it obsolete for most tables."
        ),
    )


def _deep_svdd() -> Learner:
    return Learner(
        name="deep_svdd",
        family="deep",
        tasks=frozenset({"anomaly"}),
        view="tensors",
        factory="automl_torch.deep_svdd:build",
        space={
            "width": Int(16, 256, log=True),
            "dropout": Float(0.0, 0.5),
            "learning_rate": Float(1e-4, 1e-2, log=True),
            "weight_decay": Float(1e-6, 1e-1, log=True),
        },
        defaults=(
            {"width": 64, "dropout": 0.2},
            {"width": 128, "dropout": 0.0},
        ),
        fidelity="epochs",
        size=Size("width", 64, "root"),
        patience=PATIENCE,
        resources=_cost(12.0),
        extra="torch",
        libraries=("torch",),
        summary="Deep SVDD: a net draws all rows to one point; odd rows stay away.",
        source="Ruff et al. 2018, Deep one-class classification; settings as in PyOD",
        good_when=(
            "Many columns that matter together. On plain tables it often trails isolation forests "
            "and neighbours (ADBench, arXiv 2206.09426)."
        ),
    )
