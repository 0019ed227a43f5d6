"""Thresholds by which scaling is judged, each with its source."""

from __future__ import annotations

from dataclasses import dataclass

from automl.options import TESTED
from automl.rows.repeats import FOLDS

TEST_TO_TRAIN = 1 / (FOLDS - 1)
"""Test rows over training rows of a repeat that holds out one fold: the part of the variance
between repeats that their mean keeps where test rows overlap (Nadeau and Bengio 2003)."""
RHO = 0.05
"""Part of the variance between disjoint folds that their mean keeps (benchmarks/rho)."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """Thresholds of verdicts, bands and costs."""

    alpha: float = 0.05
    """Significance level of a single test; intervals have the level 1 - alpha (convention)."""
    power: float = 0.8
    """Power at which a change counts as detectable (Cohen 1988)."""
    margin: float = 0.005
    """Smallest difference that matters for metrics in [0, 1]: half a point, by choice. On half of
    the published sets with 4,096 rows RealMLP and CatBoost differ by less (benchmarks/lcdb)."""
    relative_margin: float = 0.01
    """Smallest difference that matters for other metrics, as a share of the better loss: by choice,
    `margin` on a loss of one half."""
    tested: int = TESTED
    """Deep learners that are tested, those that validation puts first."""
    fewest_anchors: int = 3
    """Anchors needed for a slope with an error: two leave no degree of freedom."""
    window_octaves: int = 3
    """Octaves of anchors in a fit; on published curves (LCDB 1.1, benchmarks/lcdb) extrapolations
    from all anchors err about half again as much."""
    backtest_anchors: int = 6
    """Anchors needed for a back-test: at two an octave, two to hide and four for the three
    parameters of a curve."""
    band_anchors: int = 5
    """Anchors that every curve had on which bands were calibrated (benchmarks/lcdb, `FEWEST`)."""
    band_floor: float = 0.003
    """Least unit of a band, as an error rate; part of the scale that benchmarks/lcdb calibrates."""
    settled_seconds: float = 0.5
    """Median seconds of a fit from which costs are fitted; below, set-up hides the growth."""


CRITERIA = Criteria()
