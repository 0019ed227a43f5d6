"""Scores over rows and over seconds, and where one family overtakes the other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from automl.report.axis import Axis, score_scale
from automl.report.chart import Chart, Mark, Region, Series
from automl.report.words import NONE, anchor, at, axis_name, between, number, seconds

if TYPE_CHECKING:
    from automl.report.facts import Facts

FAMILIES = ("deep", "classical")
SHOWN = 3
"""Learners of each family, best first, whose curves are switched on to begin with."""
COLUMNS = ("learner", "family", "{axis}", "{metric}", "95% interval", "training time")


def curves(facts: Facts) -> dict[str, Any] | str:
    """Two charts of the learning curves, and the contrasts as a table."""
    document = facts.scaling
    if document is None:
        why = facts.missing["scaling.json"]
        return f"There are no learning curves: {why}. A fit writes it at its end."
    if not document["learners"]:
        return "No learner finished a step, so there are no learning curves."
    return {
        "charts": [_over_rows(facts, document), _over_seconds(facts, document)],
        "contrasts": [_contrast(one) for one in document["contrasts"]],
        "laws": _laws(document),
        "backtest": _backtest(document["backtest"], study=facts.study),
        "axis": axis_name(document),
        "rows": "the same held-out rows in every repeat that got there"
        if facts.study
        else "the same rows",
    }


def _score_axis(facts: Facts, document: dict[str, Any]) -> Axis:
    metric, greater = facts.metric
    learners = document["learners"]
    scores = [
        point["score"]
        for name in _drawn(document)
        for point in learners[name]["points"]
        if point["score"] is not None
    ]
    better = "higher" if greater else "lower"
    scale = score_scale(scores, greater_is_better=greater)
    return Axis(f"{metric} ({better} is better)", scale)


def _drawn(document: dict[str, Any]) -> list[str]:
    """Learners with a curve; the baseline would press all others together."""
    learners = document["learners"]
    real = [name for name, entry in learners.items() if entry["family"] != "baseline"]
    return real or list(learners)


def _baseline(document: dict[str, Any]) -> str:
    """Where the curves that are not drawn lie."""
    left = [name for name in document["learners"] if name not in _drawn(document)]
    found = []
    for name in left:
        points = document["learners"][name]["points"]
        if points:
            found.append(f"Not drawn: {name}, which ends at {number(points[-1]['score'])}.")
    return " ".join(found)


def _over_rows(facts: Facts, document: dict[str, Any]) -> Chart:
    axis = axis_name(document)
    counts = [p["n"] for entry in document["learners"].values() for p in entry["points"]]
    return Chart(
        id="rows",
        title=f"Score over {axis}",
        about=f"Each line is a learner: its {facts.metric[0]} at growing {axis}, "
        f"with 95% intervals as bands. {_crossing(document)} {_baseline(document)}".strip(),
        x=Axis(axis, "log" if min(counts, default=0) > 0 else "linear"),
        y=_score_axis(facts, document),
        series=_series(facts, document, "n", bands=True),
        columns=tuple(c.format(axis=axis, metric=facts.metric[0]) for c in COLUMNS),
        rows=_table(document),
        region=_region(document),
    )


def _over_seconds(facts: Facts, document: dict[str, Any]) -> Chart:
    return Chart(
        id="seconds",
        title="Score over training time",
        about="The same points over the seconds that one training took: further left is cheaper.",
        x=Axis("training seconds", "log"),
        y=_score_axis(facts, document),
        series=_series(facts, document, "fit_seconds", bands=False),
        columns=(),
        rows=(),
    )


def _series(facts: Facts, document: dict[str, Any], x: str, *, bands: bool) -> tuple[Series, ...]:
    """Curves in the order of the leaderboard; the best of each family are shown at first."""
    learners, places = document["learners"], facts.places

    def order(name: str) -> tuple[bool, bool, int, str]:
        deep, classical = (learners[name]["family"] == family for family in FAMILIES)
        return (not deep, not classical, places.get(name, len(places)), name)

    seen: dict[str, int] = {}
    found = []
    for name in sorted(_drawn(document), key=order):
        family = str(learners[name]["family"])
        number_in_family = seen.setdefault(family, 0)
        seen[family] += 1
        marks = tuple(
            _mark(
                facts, document, name, point, point[x] if x == "n" else max(point[x], 1e-3), bands
            )
            for point in learners[name]["points"]
            if point["score"] is not None and point[x] is not None
        )
        shown = number_in_family < SHOWN
        found.append(Series(name, family, marks, number_in_family, shown=shown))
    return tuple(found)


def _mark(
    facts: Facts, document: dict[str, Any], name: str, point: dict[str, Any], x: float, bands: bool
) -> Mark:
    said = (
        f"{name}: {facts.metric[0]} {number(point['score'])} "
        f"{between(point['low'], point['high'])} at {at(document, point['n'])}, "
        f"trained in {seconds(point['fit_seconds'])}"
    )
    low, high = (point["low"], point["high"]) if bands else (None, None)
    return Mark(float(x), float(point["score"]), said, low, high)


def _table(document: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            name,
            str(learner["family"]),
            anchor(document, point["n"]),
            number(point["score"]),
            between(point["low"], point["high"]).strip("()"),
            seconds(point["fit_seconds"]),
        )
        for name, learner in document["learners"].items()
        for point in learner["points"]
    )


# ------------------------------------------------------------------------- contrasts


def _family(document: dict[str, Any]) -> dict[str, Any] | None:
    return next((c for c in document["contrasts"] if c["kind"] == "family"), None)


def _region(document: dict[str, Any]) -> Region | None:
    family = _family(document)
    if family is None or family["crossover"]["status"] != "observed":
        return None
    low, high = family["crossover"]["low"], family["crossover"]["high"]
    return None if low is None or high is None else Region(low, high, "families cross")


def _crossing(document: dict[str, Any]) -> str:
    family = _family(document)
    if family is None:
        return ""
    found = family["crossover"]
    if found["status"] == "observed":
        low, high = anchor(document, found["low"]), at(document, found["high"])
        return f"The families cross between {low} and {high}: the shaded stretch."
    top = at(document, family["level"]["n"])
    known = {
        "none up to N": f"The families do not cross up to {top}.",
        "not within 2x": f"The families do not cross up to {top}; calibrated bands of the error "
        "rate exclude it up to twice that.",
        "undecided": "Whether the families cross is undecided: the time limit cut fits short.",
    }
    return known.get(found["status"], f"Whether the families cross beyond {top} is unknown.")


def _contrast(one: dict[str, Any]) -> dict[str, str]:
    level, rate, crossed = one["level"], one["rate"], one["crossover"]
    span = ""
    if crossed["low"] is not None and crossed["high"] is not None:
        span = f" ({number(crossed['low'])} to {number(crossed['high'])})"
    return {
        "deep": str(one["deep"]),
        "classical": str(one["classical"]),
        "kind": "families" if one["kind"] == "family" else "learners",
        "level": str(level["verdict"]),
        "difference": _difference(level["difference"], level),
        "rate": str(rate["verdict"]),
        "change": _difference(rate["per_doubling"], rate),
        "ratio": _ratio(rate.get("ratio_per_doubling")),
        "cut": _cut(one.get("cut_short")),
        "crossover": f"{crossed['status']}{span}",
        "detectable": number(one["detectable"]),
    }


def _ratio(found: dict[str, Any] | None) -> str:
    """By what a doubling multiplies the ratio of the losses; older studies do not say."""
    if found is None or found["value"] is None:
        return NONE
    return f"times {_difference(found['value'], found)}"


def _cut(found: dict[str, Any] | None) -> str:
    """Fits that the time limit cut short: `3 of 45 and 0 of 45`."""
    if found is None:
        return NONE
    return " and ".join(f"{one['censored']} of {one['fits']}" for one in found.values())


def _difference(value: float | None, bounds: dict[str, Any]) -> str:
    return f"{number(value)} {between(bounds['low'], bounds['high'])}".strip()


def _laws(document: dict[str, Any]) -> list[dict[str, str]]:
    """The power law of every curve and the exponent of its cost, where they are known."""
    return [
        {
            "learner": name,
            "law": _law(learner.get("fit")),
            "cost": _exponent(learner.get("cost") or {}),
        }
        for name, learner in document["learners"].items()
    ]


def _law(fit: dict[str, Any] | None) -> str:
    if fit is None:
        return "too few points"
    c, a, b = (fit["params"][key] for key in "cab")
    first, last = fit["window"]
    return f"{number(c)} + {number(a)} n^-{number(b)}, from {number(first)} to {number(last)}"


def _exponent(cost: dict[str, Any]) -> str:
    value = cost.get("exponent")
    if value is None or not math.isfinite(value):
        return "too few whole fits of over half a second"
    return _difference(value, {"low": cost.get("low"), "high": cost.get("high")})


def _backtest(found: dict[str, Any], *, study: bool) -> str:
    """One sentence on whether curves may be continued."""
    if found["extrapolation"] == "shown":
        return (
            "With the largest size hidden, the curves predicted it with a mean error of "
            f"{number(found['mae'])} (no change assumed: {number(found['mae_last1'])})."
        )
    if found["mae"] is None and not study:
        return (
            "Nothing is predicted beyond the data: for that a fit has too few sizes, and "
            "a study of its own (automl scale) enough."
        )
    return f"Nothing is predicted beyond the data: {found['reason'] or 'the back-test failed'}."
