"""`scaling.json`: curves, costs, contrasts and the back-test of a study, as plain values."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.scaling.backtest import Backtest, backtest
from automl.scaling.contrast import contrasts
from automl.scaling.cost import cost_of, speedups
from automl.scaling.curve import fit_curves
from automl.scaling.estimate import Estimate
from automl.scaling.judge import curve_losses, judge
from automl.scaling.picks import learner_curves, series
from automl.scaling.prose import sentence
from automl.scaling.wording import times

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from automl.scaling.estimate import Series
    from automl.scaling.judge import Judged
    from automl.scaling.picks import Cell, Curve, Pick
    from automl.scaling.points import Point, Regime, Study

NAME = "scaling.json"


@dataclass(frozen=True, slots=True)
class Findings:
    """A study judged: what the document, the sentences and the advice are made of."""

    study: Study
    """The points of the regime that is spoken about."""
    regime: Regime
    losses: Mapping[str, Series]
    """Learner -> the losses of its curve."""
    tested: Backtest
    judged: list[Judged]


def findings(study: Study, regime: Regime | None = None) -> Findings:
    """Judge a study.

    Args:
        study: Points of any number of regimes.
        regime: The regime to speak about; unless given the one whose contrasts have the most
            repeats (time may have cut the others short), of equal ones the most tuned. The others
            count for `depends on tuning` only.
    """
    chosen: Regime = regime or _spoken(study)
    own = study.of(chosen)
    families = {point.learner: point.family for point in own.points}
    losses = curve_losses(own)
    compared = {n: s for n, s in losses.items() if families[n] in {"deep", "classical"}}
    tested = backtest(compared, families)
    judged = judge(study, chosen, tested) if own.points else []
    return Findings(own, chosen, losses, tested, judged)


def _spoken(study: Study) -> Regime:
    if len(study.regimes) < 2:
        return (study.regimes or ("default",))[0]
    return max(study.regimes, key=lambda r: sum(c.gap.repeats for c in contrasts(study.of(r))))


def document_of(found: Findings) -> dict[str, Any]:
    """The content of `scaling.json`.

    Scores are the raw metric. Differences, rates and their intervals are losses, deep minus
    classical: > 0 where classical leads; `ratio_per_doubling` is by what a doubling multiplies
    deep loss over classical loss, < 1 where deep gains. Parameters of curves are of the loss
    `c + a n^-b`, which is 1 - score where greater scores are better. What is not known is None.
    """
    study, tested = found.study, found.tested
    repeats = len({point.repeat for point in study.points})
    content = {
        "axis": study.axis,
        "metric": study.metric,
        "greater_is_better": study.greater_is_better,
        "regime": found.regime,
        "scored_on": study.scored_on,
        "n_test": sum(study.points[0].rows) if study.points else 0,
        "repeats": repeats,
        "interval": "one permutation" if repeats < 2 else "repeats",
        "equal_seconds": study.equal_seconds,
        "fits": _fits(study.points),
        "not_reached": list(study.not_reached),
        "learners": _learners(study, found.losses),
        "contrasts": [_contrast(study, one) for one in found.judged],
        "backtest": {
            "mae": tested.mae,
            "mae_last1": tested.mae_last1,
            "winner_accuracy": tested.winner_accuracy,
            "leader_stays": tested.leader_stays,
            "extrapolation": tested.extrapolation,
            "reason": tested.reason,
        },
    }
    return _finite(content)


def scaling_document(study: Study, regime: Regime | None = None) -> dict[str, Any]:
    """Everything that a study says about one regime, in the layout of `scaling.json`."""
    return document_of(findings(study, regime))


def furthest_first(document: Mapping[str, Any]) -> list[str]:
    """Learners of a `scaling.json` by how far their curve goes, then by the score there."""
    sign = -1.0 if document["greater_is_better"] else 1.0
    lasts = {name: one["points"][-1] for name, one in document["learners"].items() if one["points"]}
    return sorted(lasts, key=lambda n: (-lasts[n]["n"], sign * (lasts[n]["score"] or 0.0)))


def compared_at(document: Mapping[str, Any]) -> float:
    """The size at which a `scaling.json` compares the families; without that the largest one."""
    for contrast in document["contrasts"]:
        if contrast["kind"] == "family":
            return float(contrast["level"]["n"])
    return max((p["n"] for one in document["learners"].values() for p in one["points"]), default=0)


def best_first(document: Mapping[str, Any]) -> list[str]:
    """Learners by their score where the families are compared, others last."""
    n, sign = compared_at(document), -1.0 if document["greater_is_better"] else 1.0
    scores = {
        name: sign * point["score"]
        for name, one in document["learners"].items()
        for point in one["points"]
        if point["n"] == n and point["score"] is not None
    }
    return sorted(furthest_first(document), key=lambda name: scores.get(name, math.inf))


def write_scaling(run: Path, content: Mapping[str, Any]) -> None:
    """Replace `scaling.json` of a run directory at once."""
    draft = run / f"{NAME}.part"
    draft.write_text(json.dumps(dict(content), indent=1, allow_nan=False), encoding="utf-8")
    draft.replace(run / NAME)


# -------------------------------------------------------------------------- learners


def _learners(study: Study, losses: Mapping[str, Series]) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for name, curve in learner_curves(study).items():
        points = [point for point in study.points if point.learner == name]
        found[name] = {
            "family": points[0].family,
            "points": _points(study, curve),
            "fits": _fits(points),
            "fit": _fit(losses.get(name)),
            "cost": asdict(cost_of(points)),
        }
        if study.axis == "workers":
            found[name]["speedup"] = [asdict(one) for one in speedups(points)]
    return found


def _points(study: Study, curve: Curve) -> list[dict[str, Any]]:
    anchors: dict[float, dict[Cell, Pick]] = {}
    for cell, pick in sorted(curve.items()):
        anchors.setdefault(cell.n, {})[cell] = pick
    return [_anchor(study, n, picks) for n, picks in sorted(anchors.items())]


def _anchor(study: Study, n: float, picks: Curve) -> dict[str, Any]:
    """One point of a curve: the mean over the repeats and its interval."""
    made_of = {cell: ((1.0, pick),) for cell, pick in picks.items()}
    found = series(study, {cell: pick.score for cell, pick in picks.items()}, made_of)
    estimate = Estimate(math.nan, ()) if found is None else found.at()
    low, high = estimate.interval()
    if study.bounded:
        low, high = max(low, 0.0), min(high, 1.0)
    return {
        "n": _whole(n),
        "score": estimate.value,
        "low": low if estimate.errors else None,
        "high": high if estimate.errors else None,
        "fit_seconds": float(np.median([pick.fit_seconds for pick in picks.values()])),
        "predict_seconds": float(np.median([pick.predict_seconds for pick in picks.values()])),
    }


def _fit(loss: Series | None) -> dict[str, Any] | None:
    """The power law of one curve, from three anchors on."""
    if loss is None or loss.inside.sum() < 3 or (loss.mean < 0).any():
        return None
    inside = loss.inside
    curve = fit_curves(loss.n[inside], loss.mean[inside])
    b = float(curve.shape[0, 0])
    a = float(curve.a[0] * curve.n0[0] ** b)
    params = {"c": float(curve.c[0]), "a": a, "b": b}
    first, last = (_whole(float(n)) for n in loss.n[inside][[0, -1]])
    return {"model": "pow3", "params": params, "window": [first, last]}


# ------------------------------------------------------------------------- contrasts


def _contrast(study: Study, one: Judged) -> dict[str, Any]:
    low, high, ratio = one.crossover.low, one.crossover.high, one.rate.ratio
    return {
        "deep": one.contrast.deep,
        "classical": one.contrast.classical,
        "kind": one.contrast.kind,
        "repeats": one.contrast.gap.repeats,
        "df": one.df,
        "rate": {
            "per_doubling": one.rate.difference.value,
            "low": one.rate.difference.low,
            "high": one.rate.difference.high,
            "verdict": one.rate.word,
            "ratio_per_doubling": {
                name: times(octaves) if math.isfinite(octaves) else None
                for name, octaves in (
                    ("value", ratio.value),
                    ("low", ratio.low),
                    ("high", ratio.high),
                )
            },
        },
        "level": {
            "n": _whole(one.n),
            "difference": one.level.value,
            "low": one.level.low,
            "high": one.level.high,
            "verdict": one.level.level,
            "reversed_in": list(one.reversed_in),
        },
        "crossover": {
            "status": one.crossover.status,
            "low": None if low is None else _whole(low),
            "high": None if high is None else _whole(high),
        },
        "detectable": one.detectable,
        "cut_short": {
            family: asdict(cut)
            for family, cut in zip(("deep", "classical"), one.contrast.cut, strict=True)
        },
        "envelope": None if one.contrast.envelope is None else _slope(one.contrast.envelope),
        "sentence": sentence(study, one),
    }


def _slope(series: Series) -> dict[str, float]:
    """A slope that is described and not tested."""
    slope = series.slope()
    return {
        "per_doubling": slope.value,
        **dict(zip(("low", "high"), slope.interval(), strict=True)),
    }


def _fits(points: Iterable[Point]) -> dict[str, int]:
    """How many fits there are, and how many of them time ended or hastened."""
    fits = {(p.learner, p.trial, p.n, p.repeat): p.censored for p in points}
    return {"count": len(fits), "censored": sum(fits.values())}


def _whole(n: float) -> float | int:
    """Row counts as whole numbers, fractions of another axis as they are."""
    return round(n) if n >= 10 else n


def _finite(value: Any) -> Any:
    """The same with None for what JSON cannot say."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
