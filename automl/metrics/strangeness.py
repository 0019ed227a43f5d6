"""Anomaly scores without labels: a criterion to choose by, and a scale that all detectors share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from automl.types import Metric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.types import Array, Task

LEAST_MASS = 0.9
MASSES = np.linspace(LEAST_MASS, 1.0, 51)[:-1]
"""Shares of the real rows that the level sets hold: Goix's [0.9, 1)."""
KNOTS = 512


def mass_volume(made_up: Array, scores: Array) -> float:
    """Area under the mass-volume curve of a scoring function, over masses of 0.9 to 1.

    The volume of the smallest level set that holds a mass is the share of made-up rows in it
    (Clemencon and Jakubowicz 2013; Goix 2016, arXiv 1607.01152). A detector that calls nothing
    strange but what lies outside a tight region gets near 0, a constant one 1.

    Args:
        made_up: (n,) nonzero for made-up rows, 0 for real ones.
        scores: (n,) higher for stranger rows.

    Returns:
        The mean volume, in [0, 1]; NaN without real or made-up rows.
    """
    false = made_up > 0
    real, others = scores[~false], np.sort(scores[false])
    if not len(real) or not len(others):
        return float("nan")
    levels = np.quantile(real, MASSES, method="higher")
    return float(np.searchsorted(others, levels, side="right").mean() / len(others))


MASS_VOLUME = Metric(
    name="mass_volume",
    tasks=frozenset({"anomaly"}),
    greater_is_better=False,
    score=mass_volume,
    bounded=True,
)


def choice_metric(metric: Metric, task: Task) -> Metric:
    """The metric that configurations are chosen by: never one that needs labels of anomalies."""
    return MASS_VOLUME if task == "anomaly" else metric


@dataclass(frozen=True, eq=False)
class Surprise:
    """A detector's scores in bits: -log2 of the share of reference rows at least as strange.

    Detectors have different scales; in bits they can be averaged (the ranks of Kriegel et al.
    2011, on a scale that does not level the strangest rows off). The order of the scores stays
    as it was: linear between the reference scores, logarithmic beyond them.
    """

    knots: Array
    """(k,) float64 ascending scores."""
    bits: Array
    """(k,) float64."""

    @classmethod
    def of(cls, scores: Array) -> Self:
        """The scale on which the given scores are the reference.

        Args:
            scores: (n,) at least one, of rows that were not trained on where there are any.
        """
        values, counts = np.unique(np.asarray(scores, dtype=np.float64), return_counts=True)
        above = counts[::-1].cumsum()[::-1]
        bits = -np.log2((above - (counts - 1) / 2) / (len(scores) + 1))
        if len(values) > KNOTS:  # evenly by rank, and evenly in bits where it matters
            even = np.linspace(0, len(values) - 1, KNOTS // 2).round().astype(np.int64)
            tail = np.searchsorted(bits, np.linspace(bits[0], bits[-1], KNOTS // 2))
            kept = np.unique(np.r_[even, tail])
            values, bits = values[kept], bits[kept]
        return cls(values, bits)

    def apply(self, scores: Array) -> Array:
        """(n,) scores in bits, float64."""
        scores = np.asarray(scores, dtype=np.float64)
        bits = np.interp(scores, self.knots, self.bits)
        middle = np.interp(1.0, self.bits, self.knots)  # half of the rows are stranger
        low, high = self.knots[0], self.knots[-1]
        bits += np.log2(1 + np.maximum(scores - high, 0) / _width(middle, high))
        bits -= np.log2(1 + np.maximum(low - scores, 0) / _width(low, middle))
        return np.asarray(bits)

    def state(self) -> dict[str, Any]:
        """All there is, as JSON."""
        return {"knots": self.knots.tolist(), "bits": self.bits.tolist()}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """The scale that `state` came from."""
        return cls(np.asarray(state["knots"]), np.asarray(state["bits"]))


def _width(low: float, high: float) -> float:
    return float(high - low) or max(abs(float(high)), 1.0)
