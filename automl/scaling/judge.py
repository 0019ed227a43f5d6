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
from automl.scaling.leaders import could_lead
from automl.scaling.moderation import moderated
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
    described,
    holm,
    margin_of,
    p_apart,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from automl.scaling.backtest import Backtest
    from automl.scaling.estimate import Series
    from automl.scaling.points import Study
    from automl.types import Regime

ERROR_RATES = {"accuracy", "error_rate"}
"""Metrics whose loss is the error rate, the only one that bands are calibrated for."""
UNKNOWN = Estimate(math.nan, ())


@dataclass(frozen=True, slots=True)
class Judged:
    """One contrast with its verdicts.

    One that is not tested has none: `undecided`, `no evidence`, `unknown`, and intervals of 95%.
    """

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
    tested: bool
    """False if validation puts enough others first."""
    reversed_in: Mapping[Regime, Decision]
    """Regimes in which the other side is ahead."""
    differences: tuple[Decision, ...]
    """The difference at every anchor, with the interval of the verdict on the level."""
    line: tuple[Decision, ...]
    """The line through the top three octaves at each of their anchors, with the interval of the
    verdict on the rate; empty if there is no line."""


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
    if not one.tested:
        return one
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
    first = could_lead(study, found)
    slopes, ratios = _slopes(found)
    anchors = _moderated_at(found, lambda gap, place: gap.at(place))
    lines = _moderated_at(found, lambda gap, place: gap.line(place))
    evidence = [
        _Evidence(
            contrast=one,
            margin=_margin(study, one),
            tested=one.kind == "family" or one.deep in first,
            anchors=anchors[place],
            line=lines[place],
            slope=slopes[place],
            ratio=ratios[place],
        )
        for place, one in enumerate(found)
    ]
    return [
        _verdicts(study, tested, one, *levels)
        for one, *levels in zip(
            evidence,
            _levels(evidence, [_p_level(one) for one in evidence]),
            _levels(evidence, [_p_rate(one) for one in evidence]),
            strict=True,
        )
    ]


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Estimates for the verdicts on a contrast, their variances moderated over all contrasts."""

    contrast: Contrast
    margin: float
    tested: bool
    anchors: Sequence[Estimate]
    """The difference of the losses at each anchor."""
    line: Sequence[Estimate]
    """The line through its top three octaves at each anchor."""
    slope: Estimate
    """Change of it by a doubling."""
    ratio: Estimate
    """Change of log2 of the ratio of the losses by a doubling."""


def _slopes(found: Sequence[Contrast]) -> tuple[list[Estimate], list[Estimate]]:
    """Slopes of the difference and of the log ratio of all contrasts."""
    told = [contrast.kind == "learner" for contrast in found]
    ratios = [UNKNOWN if one.ratio is None else one.ratio.slope() for one in found]
    return moderated([one.gap.slope() for one in found], told), moderated(ratios, told)


def _moderated_at(
    found: Sequence[Contrast], estimate: Callable[[Series, int], Estimate]
) -> list[list[Estimate]]:
    """An estimate at every anchor of all contrasts, its variance moderated over those that have it.

    Args:
        found: The contrasts.
        estimate: Makes it of a gap and the place of an anchor.
    """
    result = [[estimate(one.gap, place) for place in range(len(one.gap.n))] for one in found]
    for n in {float(n) for one in found for n in one.gap.n}:
        here = [
            (i, int(place))
            for i, one in enumerate(found)
            for place in np.flatnonzero(one.gap.n == n)
        ]
        told = [found[i].kind == "learner" for i, _ in here]
        alike = moderated([result[i][place] for i, place in here], told)
        for (i, place), one in zip(here, alike, strict=True):
            result[i][place] = one
    return result


def _p_level(one: _Evidence) -> tuple[float, float]:
    """p-values of the tests that the difference matters, and that it does not."""
    last = one.anchors[-1]
    return p_apart(last, one.margin), last.p_within(one.margin)


def _p_rate(one: _Evidence) -> tuple[float, float]:
    """p-values of the tests that the difference changes, on both scales, and that it does not."""
    return max(one.slope.p, one.ratio.p), one.slope.p_within(one.margin)


def _levels(
    evidence: Sequence[_Evidence], p: Sequence[tuple[float, float]]
) -> list[SignificanceLevels]:
    """Levels of all contrasts: the family by itself, Holm's correction among tested learners."""
    named = [i for i, one in enumerate(evidence) if one.contrast.kind == "learner" and one.tested]
    result = [SignificanceLevels()] * len(evidence)
    corrected = holm([p[i][0] for i in named], [p[i][1] for i in named])
    for index, levels in zip(named, corrected, strict=True):
        result[index] = levels
    return result


def _verdicts(
    study: Study,
    tested: Backtest,
    one: _Evidence,
    level_at: SignificanceLevels,
    rate_at: SignificanceLevels,
) -> Judged:
    gap = one.contrast.gap
    level = decide(one.anchors[-1], one.margin, level_at)
    rate = decide_rate(one.slope, one.ratio, one.margin, rate_at)
    crossed = crossover(gap, one.anchors, level_at.differ)
    if crossed.status == "unknown" and tested.extrapolation == "shown":
        crossed = _beyond(study, one.contrast, level)
    enough = _enough(study, gap)
    if not one.tested:
        level, crossed = replace(level, sign=None), Crossover("unknown")
        rate = replace(rate, difference=replace(rate.difference, sign=None))
    return Judged(
        contrast=one.contrast,
        n=float(gap.n[-1]),
        margin=one.margin,
        level=level,
        rate=rate if enough and one.tested else replace(rate, word="no evidence"),
        crossover=crossed,
        df=one.slope.df,
        detectable=one.slope.detectable(rate_at.differ) if one.tested else math.nan,
        enough=enough,
        tested=one.tested,
        reversed_in={},
        differences=tuple(described(each, level_at.differ) for each in one.anchors),
        line=_line(gap, one.line, rate_at.differ),
    )


def _line(gap: Series, line: Sequence[Estimate], alpha: float) -> tuple[Decision, ...]:
    """The line over the top three octaves, if they have anchors enough for one."""
    if gap.inside.sum() < CRITERIA.fewest_anchors:
        return ()
    return tuple(
        described(one, alpha) for one, inside in zip(line, gap.inside, strict=True) if inside
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
