"""Advice on more rows, more search or another family, from observed gains only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from automl.scaling.conformal import forecast
from automl.scaling.cost import cost_of
from automl.scaling.picks import Pick, cells_of, gap, learner_curves, pick, series
from automl.scaling.verdict import Decision, decide, margin_of
from automl.scaling.wording import amount, place, sides, sized

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.scaling.backtest import Backtest
    from automl.scaling.estimate import Series
    from automl.scaling.judge import Judged
    from automl.scaling.points import Point, Study

FEW_ROWS = {"rows", "labels"}
"""Axes whose lower values have fewer training rows, and of which a user can get more."""
_UNALTERED = FEW_ROWS | {"features", "cardinality", "budget", "workers"}
"""Axes whose last value is the table as given; a corrupted table is no basis for advice."""
_NEAR_HALF = 0.04
"""Relative distance of an anchor from half of the last one; whole groups round anchors coarsely."""
_VAGUE = 2.0
"""Width of the interval of a cost exponent from which the exponent is not mentioned: twice the rows
might take four times as long, or no longer."""

Answer: TypeAlias = Literal["probably", "probably little", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Advice:
    """An answer on the gain from more of something."""

    subject: Literal["rows", "compute", "family"]
    answer: Answer
    text: str


def advise(
    study: Study,
    default: Study | None,
    losses: Mapping[str, Series],
    judged: list[Judged],
    tested: Backtest,
) -> list[Advice]:
    """Advise on rows, compute and family, each with its interval or "cannot tell".

    Args:
        study: Points of the regime that was judged.
        default: Points of the default settings, if those judged were tuned on few rows.
        losses: Learner -> losses of its curve.
        judged: The judged contrasts.
        tested: The back-test, which may withhold extrapolation.
    """
    best = _best(study, losses)
    if best is None or study.axis not in _UNALTERED:
        return []
    found = [_rows(study, best, losses[best], tested)] if study.axis in FEW_ROWS else []
    found.append(_compute(study, default, best))
    return found + [_family(one) for one in judged if one.contrast.kind == "family"]


def _best(study: Study, losses: Mapping[str, Series]) -> str | None:
    """The learner that validation prefers at the last anchor, among learners that have it."""
    curves = {n: c for n, c in learner_curves(study).items() if n in losses}
    families = {point.learner: point.family for point in study.points}
    real = {n: c for n, c in curves.items() if families[n] in {"deep", "classical"}}
    if not real:
        return None
    top = max(float(losses[name].n[-1]) for name in real)

    def chosen(name: str) -> float:
        picks = [p for cell, p in real[name].items() if cell.n == top]
        values = [p.points[i].score_val[i] for p in picks for i in range(len(p.points))]
        return study.sign * float(np.mean(values)) if values else math.inf

    ranked = min((name for name in real if losses[name].n[-1] == top), key=chosen)
    return ranked if math.isfinite(chosen(ranked)) else _first(real, losses, top)


def _first(real: Mapping[str, object], losses: Mapping[str, Series], top: float) -> str:
    """The learner with the lowest loss, for studies without validation scores."""
    return min(
        (n for n in real if losses[n].n[-1] == top), key=lambda name: float(losses[name].mean[-1])
    )


# ------------------------------------------------------------------------------ rows


def _rows(study: Study, name: str, loss: Series, tested: Backtest) -> Advice:
    """Advise by the gain of the best learner from the last doubling."""
    half = np.flatnonzero(np.abs(2 * loss.n / loss.n[-1] - 1) < _NEAR_HALF)
    what = "more rows" if study.axis == "rows" else f"more {study.axis}"
    if len(half) == 0:
        text = f"What {what} would bring cannot be told: there is no anchor at half of the last."
        return Advice("rows", "cannot tell", text)
    margin = _margin(study, name)
    decided = decide(loss.step(int(half[0])), margin)
    head = f"The last doubling, to {place(study, float(loss.n[-1]))},"
    ahead = _ahead(study, name, loss, tested)
    if decided.sign == -1:
        text = f"{head} gained {name} {sized(study, decided)}, so {what} would probably still help."
        return Advice("rows", "probably", f"{text} {ahead}")
    if decided.sign == 0:
        text = f"{head} changed {name} by less than {amount(study, margin)}, so the next would"
        return Advice("rows", "probably little", f"{text} probably bring little. {ahead}")
    text = f"{head} {_open(study, name, decided)}, so what {what} would bring cannot be told."
    return Advice("rows", "cannot tell", text)


def _open(study: Study, name: str, decided: Decision) -> str:
    """Describe a change that is not decided."""
    if not math.isfinite(decided.low):
        return f"changed {name} by an unknown amount"
    if decided.bound:
        return f"was cut short by the time limit for {name}"
    gain, harm = amount(study, decided.low), amount(study, decided.high)
    if decided.low < 0 < decided.high:
        return f"changed {name} by anything between a gain of {gain} and a loss of {harm}"
    if decided.value > 0:
        return f"made {name} worse by {amount(study, decided.value)}"
    return f"gained {name} too little to matter for sure: {sized(study, decided)}"


def _ahead(study: Study, name: str, loss: Series, tested: Backtest) -> str:
    """Predict the error rate at twice the rows with its band, if the back-test allows it."""
    withheld = "How much the next one brings is not predicted."
    curve = learner_curves(study)[name]
    made_of = {cell: ((1.0, p),) for cell, p in curve.items()}
    errors = series(study, {cell: p.error for cell, p in curve.items()}, made_of)
    band = forecast(errors)
    if tested.extrapolation == "withheld" or study.axis != "rows" or not errors or not band:
        return withheld
    if errors.n[-1] != loss.n[-1]:
        return withheld
    at, half = band
    low, high = max(at - half, 0.0), min(at + half, 1.0)
    return (
        f"At twice the rows its error rate would be about {at:.3f} "
        f"(90% band {low:.3f} to {high:.3f}; now {errors.mean[-1]:.3f})."
    )


# --------------------------------------------------------------------------- compute


def _compute(study: Study, default: Study | None, name: str) -> Advice:
    """Advise by the gain of the best learner from tuning; add its cost of more rows."""
    points = [point for point in study.points if point.learner == name]
    cost = _growth(name, points, study)
    found = _searched(study, name) or _tuned(study, default, name)
    if found is None:
        text = f"{name} was tried with one configuration; what more would bring cannot be told."
        return Advice("compute", "cannot tell", text + cost)
    what, change = found
    if change.sign == -1:
        text = f"T{what} gained {sized(study, change)}; more search may gain more, how much"
        return Advice("compute", "probably", f"{text} cannot be told.{cost}")
    if change.sign == 0:
        text = f"T{what} changed its score by less than {amount(study, _margin(study, name))};"
        more = "more of the same search would probably bring little."
        return Advice("compute", "probably little", f"{text} {more}{cost}")
    text = f"Whether t{what} helped cannot be told, so neither can what more would bring."
    return Advice("compute", "cannot tell", text + cost)


def _growth(name: str, points: list[Point], study: Study) -> str:
    cost = cost_of(points)
    if cost.exponent is None or cost.low is None or cost.high is None or study.axis != "rows":
        return ""
    if cost.high - cost.low > _VAGUE:
        return ""
    times = [f"{2.0**p:.1f}" for p in (cost.exponent, cost.low, cost.high)]
    return f" Twice the rows take {name} about {times[0]} times as long ({times[1]} to {times[2]})."


def _searched(study: Study, name: str) -> tuple[str, Decision] | None:
    """Change of the loss from choosing among the configurations at the last anchor."""
    cells = cells_of(point for point in study.points if point.learner == name)
    top = max(cell.n for cell in cells)
    pairs = {
        cell: (pick(study, points), Pick((points[0],) * len(points[0].score)))
        for cell, points in cells.items()
        if cell.n == top
    }
    tried = min(len(points) for cell, points in cells.items() if cell.n == top)
    found = gap(study, pairs) if tried > 1 else None
    if found is None:
        return None
    what = f"rying {tried} configurations of {name} instead of its first one"
    return what, decide(found.at(), _margin(study, name))


def _tuned(study: Study, default: Study | None, name: str) -> tuple[str, Decision] | None:
    """Change of the loss at the last anchor from settings that were tuned on few rows."""
    if default is None:
        return None
    cells, first = (
        cells_of(point for point in one.points if point.learner == name) for one in (study, default)
    )
    pairs = {
        cell: (pick(study, points), pick(study, first[cell]))
        for cell, points in cells.items()
        if cell in first
    }
    top = max((cell.n for cell in pairs), default=math.nan)
    found = gap(study, {cell: pair for cell, pair in pairs.items() if cell.n == top})
    if found is None:
        return None
    where = "on few rows" if study.axis in FEW_ROWS else "at the lowest value"
    return f"uning {name} {where}", decide(found.at(), _margin(study, name))


# ---------------------------------------------------------------------------- family


def _family(one: Judged) -> Advice:
    """Advise on the other family by the contrast of the families."""
    deep, classical = sides(one)
    if one.level.sign == 0:
        text = "Deep or classical hardly matters here; choose by cost."
        return Advice("family", "probably little", text)
    if one.level.sign is None:
        text = "Which family is better here cannot be told from these rows."
        if one.level.bound:
            text = "Which family is better here cannot be told: the time limit cut fits short."
        return Advice("family", "cannot tell", text)
    leader, other = (classical, deep) if one.level.sign == 1 else (deep, classical)
    stay = f"Stay with {leader} on these rows"
    if one.crossover.status == "not within 2x":
        text = f"{stay}: {other} would probably not lead at twice as many either."
        return Advice("family", "probably little", text)
    closing = "deep scales better" if one.level.sign == 1 else "deep scales worse"
    if one.rate.word in {"equivalent", "deep scales better", "deep scales worse"} - {closing}:
        text = f"{stay}: {other} is behind, and nothing here says that more would change it."
        return Advice("family", "probably little", text)
    gains = f"{other} gains on it" if one.rate.word == closing else f"{other} is behind"
    text = f"{stay}; {gains}, and whether it would lead with more cannot be told."
    return Advice("family", "cannot tell", text)


def _margin(study: Study, name: str) -> float:
    top = [p for p in study.points if p.learner == name]
    last = max(p.n for p in top)
    scores = [score for p in top if p.n == last for score in p.score if math.isfinite(score)]
    return margin_of(
        *(scores or [0.0]), bounded=study.bounded, greater_is_better=study.greater_is_better
    )
