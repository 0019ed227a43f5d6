"""Learning curves: scores over rows and over seconds, and the crossing of the families."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from automl.report.chart import Chart, ChartSeries, Mark, Region
from automl.report.chart_axis import ChartAxis, score_scale
from automl.report.formatting import NONE, anchor, at, axis_name, between, number, seconds
from automl.scaling.criteria import CRITERIA
from automl.units import THOUSAND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from automl.report.facts import Facts
    from automl.scaling.backtest import Backtest
    from automl.scaling.censoring import CutShort
    from automl.scaling.content import (
        ContrastFinding,
        CurvePoint,
        PowerLaw,
        RatioChange,
        ScalingContent,
    )
    from automl.scaling.cost import Cost

FAMILIES = ("deep", "classical")
SHOWN = CRITERIA.tested
"""Learners of each family, best first, whose curves are visible at first: more overlap."""
SHORTEST = 1 / THOUSAND
"""Training seconds below which times are not told apart on the logarithmic axis."""
COLUMNS = ("learner", "family", "{axis}", "{metric}", "95% interval", "training time")


def curves(facts: Facts) -> dict[str, Any] | str:
    """Two charts of the learning curves, and a table of the contrasts."""
    content = facts.scaling
    if content is None:
        why = facts.missing["scaling.json"]
        return f"There are no learning curves: {why}. A fit writes it at its end."
    if not content.learners:
        return "No learner finished a step, so there are no learning curves."
    return {
        "charts": [_over_rows(facts, content), _over_seconds(facts, content)],
        "contrasts": [_contrast(one) for one in content.contrasts],
        "laws": _laws(content),
        "backtest": _backtest(content.backtest, study=facts.study),
        "axis": axis_name(content.axis),
        "rows": "the same held-out rows in every repeat that got there"
        if facts.study
        else "the same rows",
    }


def _score_axis(facts: Facts, content: ScalingContent) -> ChartAxis:
    metric, greater = facts.metric
    scores = [
        point.score
        for name in _drawn(content)
        for point in content.learners[name].points
        if point.score is not None
    ]
    better = "higher" if greater else "lower"
    scale = score_scale(scores, greater_is_better=greater)
    return ChartAxis(f"{metric} ({better} is better)", scale)


def _drawn(content: ScalingContent) -> list[str]:
    """Learners whose curves are drawn; the baseline would compress all others."""
    real = [name for name, entry in content.learners.items() if entry.family != "baseline"]
    return real or list(content.learners)


def _baseline(content: ScalingContent) -> str:
    """Sentences on the last scores of the curves that are not drawn."""
    drawn = _drawn(content)
    return " ".join(
        f"Not drawn: {name}, which ends at {number(entry.points[-1].score)}."
        for name, entry in content.learners.items()
        if name not in drawn and entry.points
    )


def _over_rows(facts: Facts, content: ScalingContent) -> Chart:
    axis = axis_name(content.axis)
    counts = [p.n for entry in content.learners.values() for p in entry.points]
    return Chart(
        id="rows",
        title=f"Score over {axis}",
        about=f"Each line is a learner: its {facts.metric[0]} at growing {axis}, "
        f"with 95% intervals as bands. {_crossing(content)} {_baseline(content)}".strip(),
        x=ChartAxis(axis, "log" if min(counts, default=0) > 0 else "linear"),
        y=_score_axis(facts, content),
        series=_series(facts, content, lambda point: point.n, bands=True),
        columns=tuple(c.format(axis=axis, metric=facts.metric[0]) for c in COLUMNS),
        rows=_table(content),
        region=_region(content),
    )


def _over_seconds(facts: Facts, content: ScalingContent) -> Chart:
    return Chart(
        id="seconds",
        title="Score over training time",
        about="The same points over the seconds that one training took: further left is cheaper.",
        x=ChartAxis("training seconds", "log"),
        y=_score_axis(facts, content),
        series=_series(facts, content, _training_seconds, bands=False),
        columns=(),
        rows=(),
    )


def _training_seconds(point: CurvePoint) -> float | None:
    return None if point.fit_seconds is None else max(point.fit_seconds, SHORTEST)


def _series(
    facts: Facts,
    content: ScalingContent,
    place: Callable[[CurvePoint], float | None],
    *,
    bands: bool,
) -> tuple[ChartSeries, ...]:
    """Curves in the order of the leaderboard; the best of each family are visible at first."""
    learners, places = content.learners, facts.places

    def order(name: str) -> tuple[bool, bool, int, str]:
        deep, classical = (learners[name].family == family for family in FAMILIES)
        return (not deep, not classical, places.get(name, len(places)), name)

    seen: Counter[str] = Counter()
    found = []
    for name in sorted(_drawn(content), key=order):
        family = learners[name].family
        marks = tuple(
            Mark(
                float(x),
                float(point.score),
                _said(facts, content, name, point),
                point.low if bands else None,
                point.high if bands else None,
            )
            for point in learners[name].points
            if point.score is not None and (x := place(point)) is not None
        )
        shown = seen[family] < SHOWN
        found.append(ChartSeries(name, family, marks, seen[family], shown=shown))
        seen[family] += 1
    return tuple(found)


def _said(facts: Facts, content: ScalingContent, name: str, point: CurvePoint) -> str:
    return (
        f"{name}: {facts.metric[0]} {number(point.score)} "
        f"{between(point.low, point.high)} at {at(content.axis, point.n)}, "
        f"trained in {seconds(point.fit_seconds)}"
    )


def _table(content: ScalingContent) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            name,
            learner.family,
            anchor(content.axis, point.n),
            number(point.score),
            between(point.low, point.high).strip("()"),
            seconds(point.fit_seconds),
        )
        for name, learner in content.learners.items()
        for point in learner.points
    )


# ------------------------------------------------------------------------- contrasts


def _region(content: ScalingContent) -> Region | None:
    family = content.family
    if family is None or family.crossover.status != "observed":
        return None
    low, high = family.crossover.low, family.crossover.high
    return None if low is None or high is None else Region(low, high, "families cross")


def _crossing(content: ScalingContent) -> str:
    family = content.family
    if family is None:
        return ""
    found, axis = family.crossover, content.axis
    if found.status == "observed" and found.low is not None and found.high is not None:
        low, high = anchor(axis, found.low), at(axis, found.high)
        return f"The families cross between {low} and {high}: the shaded stretch."
    top = at(axis, family.level.n)
    known = {
        "none up to N": f"The families do not cross up to {top}.",
        "not within 2x": f"The families do not cross up to {top}; calibrated bands of the error "
        "rate exclude it up to twice that.",
        "undecided": "Whether the families cross is undecided: the time limit cut fits short.",
    }
    return known.get(found.status, f"Whether the families cross beyond {top} is unknown.")


def _contrast(one: ContrastFinding) -> dict[str, str]:
    level, rate, crossed, words = one.level, one.rate, one.crossover, one.words
    span = ""
    if crossed.low is not None and crossed.high is not None:
        span = f" ({number(crossed.low)} to {number(crossed.high)})"
    return {
        "deep": one.deep,
        "classical": one.classical,
        "kind": "families" if one.kind == "family" else "learners",
        "level": words[0],
        "difference": _difference(level.difference, level.low, level.high),
        "rate": words[1],
        "change": _difference(rate.per_doubling, rate.low, rate.high),
        "ratio": _ratio(rate.ratio_per_doubling),
        "cut": _cut(one.cut_short),
        "crossover": f"{words[2]}{span}",
        "detectable": number(one.detectable),
    }


def _ratio(found: RatioChange) -> str:
    """Factor of the ratio of the losses per doubling; older studies lack it."""
    if found.value is None:
        return NONE
    return f"times {_difference(found.value, found.low, found.high)}"


def _cut(found: Mapping[str, CutShort]) -> str:
    """Number of fits that the time limit cut short: `3 of 45 and 0 of 45`; or none."""
    return " and ".join(f"{one.censored} of {one.fits}" for one in found.values()) or NONE


def _difference(value: float | None, low: float | None, high: float | None) -> str:
    return f"{number(value)} {between(low, high)}".strip()


def _laws(content: ScalingContent) -> list[dict[str, str]]:
    """The power law of every curve and the exponent of its cost, if they are known."""
    return [
        {"learner": name, "law": _law(learner.fit), "cost": _exponent(learner.cost)}
        for name, learner in content.learners.items()
    ]


def _law(fit: PowerLaw | None) -> str:
    if fit is None:
        return "too few points"
    law, (first, last) = fit.params, fit.window
    powers = f"{number(law.c)} + {number(law.a)} n^-{number(law.b)}"
    return f"{powers}, from {number(first)} to {number(last)}"


def _exponent(cost: Cost) -> str:
    if cost.exponent is None or not math.isfinite(cost.exponent):
        return "too few whole fits of over half a second"
    return _difference(cost.exponent, cost.low, cost.high)


def _backtest(found: Backtest, *, study: bool) -> str:
    """A sentence on the back-test of extrapolation."""
    if found.extrapolation == "shown":
        return (
            "With the largest size hidden, the curves predicted it with a mean error of "
            f"{number(found.mae)} (no change assumed: {number(found.mae_last1)})."
        )
    if found.mae is None and not study:
        return (
            "Nothing is predicted beyond the data: for that a fit has too few sizes, and "
            "a study of its own (automl scale) enough."
        )
    return f"Nothing is predicted beyond the data: {found.reason or 'the back-test failed'}."
