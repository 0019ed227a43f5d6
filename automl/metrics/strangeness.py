"""Anomaly scores without labels: a criterion to choose by, and a scale that all detectors share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from automl.metrics import ranking
from automl.types import Metric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.types import Array, Task

KNOTS = 512

CONSENSUS = Metric(
    name="consensus",
    tasks=frozenset({"anomaly"}),
    greater_is_better=True,
    score=ranking.ranking(ranking.auc),
    influence=ranking.ranking_terms(ranking.auc_terms),
    bounded=True,
)
"""ROC AUC against the rows that a committee of detectors finds strange, in place of labels."""


def choice_metric(metric: Metric, task: Task) -> Metric:
    """The metric that configurations are chosen by: never one that needs labels of anomalies."""
    return CONSENSUS if task == "anomaly" else metric


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
