"""Learners that differ in one thing, so that a claim about that thing can be put to the test.

The models and settings are those of the catalogue's `autoencoder` and `gan`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import automl

if TYPE_CHECKING:
    from collections.abc import Iterator

ENCODER = {"width": 256, "layers": 3, "noise": 0.15, "dropout": 0.2, "encoder_rate": 0.5}
FILLER = {"width": 256, "layers": 3, "dropout": 0.2, "gan_steps": 500}


@automl.hookimpl
def automl_learners() -> Iterator[automl.Learner]:
    """Three autoencoders and two nets beside a GAN."""
    yield _encoder("pretrained", {}, unlabelled=True)
    yield _encoder("pretrained_on_labelled", {}, unlabelled=False)
    # there is nothing to spare: the encoder learns as fast as the head
    yield _encoder("not_pretrained", {"pretrain_epochs": 0, "encoder_rate": 1.0}, unlabelled=False)
    yield _filler("filled_up", 0.5)
    yield _filler("not_filled_up", 0.0)


def _encoder(name: str, settings: automl.Config, *, unlabelled: bool) -> automl.Learner:
    return automl.Learner(
        name=name,
        family="deep",
        tasks=frozenset({"binary", "multiclass", "regression"}),
        view="tensors",
        factory="automl_torch.autoencoder:build",
        defaults=({**ENCODER, **settings},),
        fidelity="epochs",
        patience=16,
        resources=lambda _: automl.Resources(cost=24.0),
        libraries=("torch",),
        uses_unlabelled=unlabelled,
        summary="An autoencoder as a classifier or regressor.",
    )


def _filler(name: str, balance: float) -> automl.Learner:
    return automl.Learner(
        name=name,
        family="deep",
        tasks=frozenset({"binary", "multiclass"}),
        view="tensors",
        factory="automl_torch.gan:build",
        defaults=({**FILLER, "balance": balance},),
        fidelity="epochs",
        patience=16,
        resources=lambda _: automl.Resources(cost=50.0),
        libraries=("torch",),
        summary="A net whose scarce classes are filled up by a GAN to a share of the largest.",
    )
