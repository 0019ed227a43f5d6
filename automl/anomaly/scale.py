"""The scale that the scores of all anomaly detectors share, kept beside each saved one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from automl.types import Array

SCALE = "automl_scale.json"
"""The host's file beside a saved anomaly detector: the scale of its scores."""
KNOTS = 512


@dataclass(frozen=True, eq=False)
class CalibratedScore:
    """A detector's scores as -log2 of the share of reference rows that score at least as high.

    Detectors have different scales; calibrated scores can be averaged (the ranks of Kriegel et
    al. 2011, on a scale that does not level the highest scores off). The order of the scores
    stays as it was: linear between the reference scores, logarithmic beyond them.
    """

    knots: Array
    """(k,) float64 ascending scores."""
    calibrated: Array
    """(k,) float64: what they become."""

    @classmethod
    def of(cls, scores: Array) -> Self:
        """The scale on which the given scores are the reference.

        Args:
            scores: (n,) at least one, of rows that were not trained on where there are any.
        """
        values, counts = np.unique(np.asarray(scores, dtype=np.float64), return_counts=True)
        above = counts[::-1].cumsum()[::-1]
        calibrated = -np.log2((above - (counts - 1) / 2) / (len(scores) + 1))
        if len(values) > KNOTS:  # evenly by rank, and evenly on the scale where it matters
            even = np.linspace(0, len(values) - 1, KNOTS // 2).round().astype(np.int64)
            steps = np.linspace(calibrated[0], calibrated[-1], KNOTS // 2)
            kept = np.unique(np.r_[even, np.searchsorted(calibrated, steps)])
            values, calibrated = values[kept], calibrated[kept]
        return cls(values, calibrated)

    def apply(self, scores: Array) -> Array:
        """(n,) calibrated scores, float64."""
        scores = np.asarray(scores, dtype=np.float64)
        found = np.interp(scores, self.knots, self.calibrated)
        middle = np.interp(1.0, self.calibrated, self.knots)  # half of the rows score higher
        low, high = self.knots[0], self.knots[-1]
        found += np.log2(1 + np.maximum(scores - high, 0) / _width(middle, high))
        found -= np.log2(1 + np.maximum(low - scores, 0) / _width(low, middle))
        return np.asarray(found)

    def state(self) -> dict[str, Any]:
        """All there is, as JSON."""
        return {"knots": self.knots.tolist(), "bits": self.calibrated.tolist()}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """The scale that `state` came from."""
        return cls(np.asarray(state["knots"]), np.asarray(state["bits"]))


def _width(low: float, high: float) -> float:
    return float(high - low) or max(abs(float(high)), 1.0)


def read_scale(folder: Path) -> CalibratedScore:
    """The scale of the anomaly detector saved in a folder."""
    return CalibratedScore.restore(json.loads((folder / SCALE).read_text(encoding="utf-8")))
