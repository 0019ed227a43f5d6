"""Deep learners on PyTorch: declarations only; torch is imported where a model is fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import automl
from automl_torch.generative import generative
from automl_torch.supervised import supervised
from automl_torch.visual import visual

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automl import Learner


@automl.hookimpl
def automl_learners() -> Iterable[Learner]:
    """The learners of this package."""
    yield from supervised()
    yield from generative()
    yield from visual()
