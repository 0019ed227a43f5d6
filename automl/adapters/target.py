"""Targets as libraries train on them, and predictions in the terms of the whole data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automl.types import Array


@dataclass(frozen=True, slots=True)
class LearnedTarget:
    """The classes that the training rows have, or the mean and spread of their values."""

    n_classes: int
    """Number of classes of the whole data set; 0 for regression."""
    seen: list[int] = field(default_factory=list)
    """Codes of the classes that the training rows have, ascending."""
    prior: list[float] = field(default_factory=list)
    """Share of each class seen."""
    shift: float = 0.0
    scale: float = 1.0

    def restored(self, raw: Array) -> Array:
        """(n, n_classes) probabilities or (n,) values from those of labels.

        Args:
            raw: (n, classes seen) probabilities, or (n,) of the second of two classes; (n,)
                standardised values.
        """
        import numpy as np

        if not self.n_classes:
            return np.asarray(raw, np.float64) * self.scale + self.shift
        some = np.column_stack([1 - raw, raw]) if raw.ndim == 1 else raw
        return spread_classes(some, self.seen, self.n_classes)

    def constant(self, rows: int) -> Array:
        """The shares of the classes or the mean, for so many rows."""
        import numpy as np

        if not self.n_classes:
            return np.full(rows, self.shift)
        return spread_classes(np.tile(self.prior, (rows, 1)), self.seen, self.n_classes)


def learn_target(
    y: Array, n_classes: int, weights: Array | None = None
) -> tuple[LearnedTarget, Array]:
    """The target of training rows, and their labels.

    Labels are positions among the classes seen, or standardised values: many libraries keep them
    in float32.

    Args:
        y: (n,) codes or values.
        n_classes: Of the whole data set; 0 for regression.
        weights: (n,) how much each row counts in shares and means.
    """
    import numpy as np

    if not n_classes:
        shift = float(np.average(y, weights=weights))
        target = LearnedTarget(0, shift=shift, scale=float(y.std()) or 1.0)
        return target, (y - target.shift) / target.scale
    seen, label = np.unique(y, return_inverse=True)
    counts = np.bincount(label, weights)
    return LearnedTarget(n_classes, seen.tolist(), (counts / counts.sum()).tolist()), label


def spread_classes(some: Array, seen: Sequence[int], n_classes: int) -> Array:
    """Probabilities of the classes seen, (n, len(seen)), as (n, n_classes): 0 for all others."""
    import numpy as np

    if len(seen) == n_classes:
        return some
    every = np.zeros((len(some), n_classes), some.dtype)
    every[:, list(seen)] = some
    return every
