"""All contrasts of a study judged together, corrected for their number."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from automl.rows.repeats import ENOUGH
from automl.scaling.conformal import forecast
from automl.scaling.contrast import Contrast, contrasts
from automl.scaling.criteria import CRITERIA
from automl.scaling.estimate import Estimate
from automl.scaling.picks import learner_curves, loss_series, series
from automl.scaling.verdict import (
    Crossover,
    Decision,
    Rate,
    SignificanceLevels,
    across_regimes,
    crossover,
    decide,
    decide_rate,
    holm,
    margin_of,
    p_apart,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.scaling.backtest import Backtest
    from automl.scaling.estimate import Series
    from automl.scaling.points import Study
    from automl.types import Regime

ERROR_RATES = {"accuracy", "error_rate"}
"""Metrics whose loss is the error rate, the only one that bands are calibrated for."""
UNKNOWN = Estimate(math.nan, ())


@dataclass(frozen=True, slots=True)
class Judged:
    """One contrast with its verdicts."""

    contrast: Contrast
    n: float
    """The anchor of the verdict on the level: the last that both sides have."""
    margin: float
    """Smallest difference, and smallest change per doubling, that matters."""
    level: Decision
    rate: Rate
    crossover: Crossover
    df: float
    """Degrees of freedom of the rate."""
    detectable: float
    """Smallest true change per doubling that would have been found with 80% power."""
    enough: bool
    """True if there are enough repeats and anchors for a verdict on the rate."""
    reversed_in: Mapping[Regime, Decision]
    """Regimes in which the other side is ahead."""


def judge(study: Study, regime: Regime, tested: Backtest) -> list[Judged]:
    """Judge every contrast of one regime, looking at the others for what depends on tuning.

    Args:
        study: Points of all regimes.
        regime: The one that the verdicts are about.
        tested: The back-test of its curves, which may withhold extrapolation.
    """
    by_regime = {name: _judged(study.of(name), tested) for name in study.regimes}
    elsewhere: dict[tuple[str, str], dict[Regime, Judged]] = {}
    for name, found in by_regime.items():
        for one in found:
            elsewhere.setdefault(_key(one), {})[name] = one
    return [_among(one, elsewhere[_key(one)]) for one in by_regime[regime]]


def _key(one: Judged) -> tuple[str, str]:
    return one.contrast.kind, one.contrast.deep


def _among(one: Judged, regimes: Mapping[Regime, Judged]) -> Judged:
    """Compare the verdict on a contrast with those of all regimes."""
    word = across_regimes([other.rate.word for other in regimes.values()])
    return replace(
        one,
        rate=one.rate if word is None else replace(one.rate, word=word),
        reversed_in={
            name: other.level
            for name, other in regimes.items()
            if {one.level.sign, other.level.sign} == {-1, 1} and one.n == other.n
        },
    )


def _judged(study: Study, tested: Backtest) -> list[Judged]:
    found = contrasts(study)
    margins = [_margin(study, contrast) for contrast in found]
    levels = [contrast.gap.at() for contrast in found]
    rates = [_rates(contrast) for contrast in found]
    level_at = _levels(
        found,
        [p_apart(one, margin) for one, margin in zip(levels, margins, strict=True)],
        [one.p_within(margin) for one, margin in zip(levels, margins, strict=True)],
    )
    rate_at = _levels(
        found,
        [max(one.p for one in pair) for pair in rates],
        [pair[0].p_within(margin) for pair, margin in zip(rates, margins, strict=True)],
    )
    return [
        _one(study, tested, contrast, margin, (level, at), (*rate, rate_level))
        for contrast, margin, level, at, rate, rate_level in zip(
            found, margins, levels, level_at, rates, rate_at, strict=True
        )
    ]


def _rates(contrast: Contrast) -> tuple[Estimate, Estimate]:
    """Slopes of the difference and of the log2 ratio."""
    ratio = contrast.ratio
    return contrast.gap.slope(), UNKNOWN if ratio is None else ratio.slope()


def _levels(
    found: Sequence[Contrast], differ: Sequence[float], equal: Sequence[float]
) -> list[SignificanceLevels]:
    """Levels of all contrasts: the family by itself, Holm's correction among the learners."""
    named = [i for i, contrast in enumerate(found) if contrast.kind == "learner"]
    result = [SignificanceLevels()] * len(found)
    corrected = holm([differ[i] for i in named], [equal[i] for i in named])
    for index, levels in zip(named, corrected, strict=True):
        result[index] = levels
    return result


def _one(
    study: Study,
    tested: Backtest,
    contrast: Contrast,
    margin: float,
    level: tuple[Estimate, SignificanceLevels],
    rate: tuple[Estimate, Estimate, SignificanceLevels],
) -> Judged:
    decided, (slope, ratio, at) = decide(level[0], margin, level[1]), rate
    change = decide_rate(slope, ratio, margin, at)
    enough = _enough(study, contrast.gap)
    crossed = crossover(contrast.gap, level[1].differ)
    if crossed.status == "unknown" and tested.extrapolation == "shown":
        crossed = _beyond(study, contrast, decided)
    return Judged(
        contrast=contrast,
        n=float(contrast.gap.n[-1]),
        margin=margin,
        level=decided,
        rate=change if enough else replace(change, word="no evidence"),
        crossover=crossed,
        df=slope.df,
        detectable=slope.detectable(at.differ),
        enough=enough,
        reversed_in={},
    )


def _enough(study: Study, gap: Series) -> bool:
    """True if three anchors and, in a study, three repeats give a slope and its error."""
    anchors = int(gap.inside.sum())
    return anchors >= CRITERIA.fewest_anchors and (study.single or gap.repeats >= ENOUGH)


def _margin(study: Study, contrast: Contrast) -> float:
    top = float(contrast.gap.n[-1])
    pairs = [pair for cell, pair in contrast.pairs.items() if cell.n == top]
    sides = [float(np.nanmean([pair[i].score for pair in pairs])) for i in (0, 1)]
    return margin_of(*sides, bounded=study.bounded, greater_is_better=study.greater_is_better)


def _beyond(study: Study, contrast: Contrast, level: Decision) -> Crossover:
    """`not within 2x` if the leader stays ahead at twice the rows by the bands of the error rate.

    Only if the metric is the error rate, for which bands are calibrated, and with at least three
    repeats. The half-widths of both sides are added, which is conservative.
    """
    known = study.axis == "rows" and study.metric in ERROR_RATES and not any(contrast.cut_short)
    if level.sign in (0, None) or not known:
        return Crossover("unknown")
    gaps, reach = 0.0, 0.0
    for side, sign in ((0, 1.0), (1, -1.0)):
        errors = {cell: pair[side].error for cell, pair in contrast.pairs.items()}
        own = {cell: ((1.0, pair[side]),) for cell, pair in contrast.pairs.items()}
        found = series(study, errors, own)
        band = forecast(found)
        if found is None or band is None or found.n[-1] != contrast.gap.n[-1]:
            return Crossover("unknown")
        gaps += sign * band[0]
        reach += band[1]
    ahead = gaps * (level.sign or 0)
    return Crossover("not within 2x") if ahead > reach else Crossover("unknown")


def curve_losses(study: Study) -> dict[str, Series]:
    """Map learners that have a curve to its losses.

    Args:
        study: Points of one regime.
    """
    found = {name: loss_series(study, curve) for name, curve in learner_curves(study).items()}
    return {name: one for name, one in found.items() if one is not None}
