"""`scaling.json`: curves, costs, contrasts and the back-test of a study."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.files import write_json
from automl.scaling.backtest import Backtest, backtest
from automl.scaling.content import (
    ContrastFinding,
    CurvePoint,
    FitCount,
    GapPoint,
    LearnerCurve,
    LevelFinding,
    PowerLaw,
    PowerParameters,
    RateFinding,
    RatioChange,
    ScalingContent,
    Slope,
    finite,
)
from automl.scaling.contrast import contrasts
from automl.scaling.cost import SerialShare, cost_of, serial_share, speedups
from automl.scaling.criteria import CRITERIA
from automl.scaling.curve import fit_curves
from automl.scaling.estimate import Estimate
from automl.scaling.judge import curve_losses, judge
from automl.scaling.picks import learner_curves, series
from automl.scaling.prose import sentence
from automl.scaling.wording import times

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from automl.scaling.estimate import Series
    from automl.scaling.judge import Judged
    from automl.scaling.picks import Curve, Pick, RepeatAnchor
    from automl.scaling.points import Point, Study
    from automl.scaling.verdict import Decision
    from automl.types import Array, Regime

NAME = "scaling.json"


@dataclass(frozen=True, slots=True)
class Findings:
    """A judged study, from which document, sentences and advice are made."""

    study: Study
    """The study restricted to `regime`."""
    regime: Regime
    losses: Mapping[str, Series]
    """Learner -> the losses of its curve."""
    tested: Backtest
    judged: list[Judged]


def findings(study: Study, regime: Regime | None = None) -> Findings:
    """Judge a study.

    Args:
        study: Points of any number of regimes.
        regime: The regime that verdicts are about; by default the one whose contrasts have the
            most repeats (others may lack time for them), of equal ones the most tuned. Other
            regimes matter for `depends on tuning` only.
    """
    chosen: Regime = regime or _main_regime(study)
    own = study.of(chosen)
    families = {point.learner: point.family for point in own.points}
    losses = curve_losses(own)
    compared = {n: s for n, s in losses.items() if families[n] in {"deep", "classical"}}
    tested = backtest(compared, families)
    judged = judge(study, chosen, tested) if own.points else []
    return Findings(own, chosen, losses, tested, judged)


def _main_regime(study: Study) -> Regime:
    if len(study.regimes) < 2:
        return (study.regimes or ("default",))[0]
    return max(study.regimes, key=lambda r: sum(c.gap.repeats for c in contrasts(study.of(r))))


def content_of(found: Findings) -> ScalingContent:
    """The content of `scaling.json`; unknown values are None."""
    content: ScalingContent = finite(_content(found))
    return content


def _content(found: Findings) -> ScalingContent:
    study = found.study
    repeats = len({point.repeat for point in study.points})
    return ScalingContent(
        axis=study.axis,
        metric=study.metric,
        greater_is_better=study.greater_is_better,
        bounded=study.bounded,
        regime=found.regime,
        scored_on=study.scored_on,
        n_test=sum(study.points[0].rows) if study.points else 0,
        repeats=repeats,
        interval="one permutation" if repeats < 2 else "repeats",
        equal_seconds=study.equal_seconds,
        fits=_fits(study.points),
        not_reached=study.not_reached,
        eliminated=study.eliminated,
        learners=_learners(study, found.losses),
        contrasts=tuple(_contrast(study, one) for one in found.judged),
        backtest=found.tested,
    )


def scaling_document(study: Study, regime: Regime | None = None) -> dict[str, Any]:
    """Judge a study, in the layout of `scaling.json`."""
    return content_of(findings(study, regime)).to_json()


def write_scaling(run: Path, content: Mapping[str, Any]) -> None:
    """Replace `scaling.json` of a run directory atomically."""
    write_json(run / NAME, dict(content), allow_nan=False)


# -------------------------------------------------------------------------- learners


def _learners(study: Study, losses: Mapping[str, Series]) -> dict[str, LearnerCurve]:
    found = {}
    for name, curve in learner_curves(study).items():
        points = [point for point in study.points if point.learner == name]
        found[name] = LearnerCurve(
            family=points[0].family,
            points=_points(study, curve),
            fits=_fits(points),
            fit=_fit(losses.get(name)),
            cost=cost_of(points),
            speedup=tuple(speedups(points)) if study.axis == "workers" else (),
            serial=serial_share(points) if study.axis == "workers" else SerialShare(),
        )
    return found


def _points(study: Study, curve: Curve) -> tuple[CurvePoint, ...]:
    anchors: dict[float, dict[RepeatAnchor, Pick]] = {}
    for cell, pick in sorted(curve.items()):
        anchors.setdefault(cell.n, {})[cell] = pick
    return tuple(_anchor(study, n, picks) for n, picks in sorted(anchors.items()))


def _anchor(study: Study, n: float, picks: Curve) -> CurvePoint:
    """One point of a curve: the mean over the repeats and its interval."""
    made_of = {cell: ((1.0, pick),) for cell, pick in picks.items()}
    found = series(study, {cell: pick.score for cell, pick in picks.items()}, made_of)
    estimate = Estimate(math.nan, ()) if found is None else found.at()
    low, high = estimate.interval()
    if study.bounded:
        low, high = max(low, 0.0), min(high, 1.0)
    return CurvePoint(
        n=_whole(n),
        score=estimate.value,
        low=low if estimate.errors else None,
        high=high if estimate.errors else None,
        fit_seconds=float(np.median([pick.fit_seconds for pick in picks.values()])),
        predict_seconds=float(np.median([pick.predict_seconds for pick in picks.values()])),
    )


def _fit(loss: Series | None) -> PowerLaw | None:
    """The power law of one curve, from three anchors on."""
    fewest = CRITERIA.fewest_anchors
    if loss is None or loss.inside.sum() < fewest or (loss.mean < 0).any():
        return None
    inside = loss.inside
    curve = fit_curves(loss.n[inside], loss.mean[inside])
    b = float(curve.shape[0, 0])
    a = float(curve.a[0] * curve.n0[0] ** b)
    first, last = (_whole(float(n)) for n in loss.n[inside][[0, -1]])
    law = PowerParameters(c=float(curve.c[0]), a=a, b=b)
    return PowerLaw(model=curve.family.name, params=law, window=(first, last))


# ------------------------------------------------------------------------- contrasts


def _contrast(study: Study, one: Judged) -> ContrastFinding:
    low, high = one.crossover.low, one.crossover.high
    difference, cut = one.rate.difference, one.contrast.cut_short
    return ContrastFinding(
        deep=one.contrast.deep,
        classical=one.contrast.classical,
        kind=one.contrast.kind,
        repeats=one.contrast.gap.repeats,
        df=one.df,
        tested=one.tested,
        rate=RateFinding(
            per_doubling=difference.value,
            low=difference.low,
            high=difference.high,
            verdict=one.rate.word,
            ratio_per_doubling=_ratio(one.rate.ratio),
        ),
        level=LevelFinding(
            n=_whole(one.n),
            difference=one.level.value,
            low=one.level.low,
            high=one.level.high,
            verdict=one.level.level,
            reversed_in=tuple(one.reversed_in),
        ),
        crossover=replace(
            one.crossover,
            low=None if low is None else _whole(low),
            high=None if high is None else _whole(high),
        ),
        detectable=one.detectable,
        cut_short=dict(zip(("deep", "classical"), cut, strict=True)),
        envelope=None if one.contrast.envelope is None else _slope(one.contrast.envelope),
        differences=_path(one.contrast.gap.n, one.differences),
        line=_path(one.contrast.gap.n[one.contrast.gap.inside], one.line),
        sentence=sentence(study, one),
    )


def _path(n: Array, found: Sequence[Decision]) -> tuple[GapPoint, ...]:
    """Differences at anchors; none if there is none of them."""
    return tuple(
        GapPoint(_whole(float(at)), one.value, one.low, one.high, one.bound)
        for at, one in zip(n, found, strict=bool(found))
    )


def _ratio(octaves: Decision) -> RatioChange:
    """A change of log2 of the ratio as a factor."""
    return RatioChange(
        *(
            times(bound) if math.isfinite(bound) else None
            for bound in (octaves.value, octaves.low, octaves.high)
        )
    )


def _slope(series: Series) -> Slope:
    slope = series.slope()
    return Slope(slope.value, *slope.interval())


def _fits(points: Iterable[Point]) -> FitCount:
    """Count the fits, and those that the time limit cut short."""
    fits = {(p.learner, p.trial, p.n, p.repeat): (p.fits, p.censored) for p in points}
    return FitCount(sum(fit for fit, _ in fits.values()), sum(cut for _, cut in fits.values()))


def _whole(n: float) -> float | int:
    """Round row counts; keep fractions of other axes."""
    return round(n) if n >= 10 else n
