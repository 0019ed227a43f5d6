"""Scores against costs: training, prediction, storage and the whole search."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl.report.chart import Chart, ChartSeries, Mark
from automl.report.chart_axis import ChartAxis, score_scale
from automl.report.formatting import NONE, at, number, seconds, short, size
from automl.scaling import money, pareto
from automl.units import THOUSAND

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.report.facts import Facts

FAMILIES = ("deep", "classical", "ensemble", "baseline")


@dataclass(frozen=True, slots=True)
class _Cost:
    """One kind of cost."""

    id: str
    title: str
    label: str
    of: Callable[[dict[str, Any]], float | None]
    text: Callable[[float | None], str]
    tick: Callable[[float], str] = short


def fronts(facts: Facts) -> dict[str, Any] | str:
    """A chart for each cost, with its Pareto front."""
    every = _compared(facts) if facts.study else facts.ranked
    scored = [row for row in every if row["score"] is not None]
    rows = [row for row in scored if row["family"] != "baseline"] or scored
    if not rows:
        return "No learner has a score, so there is nothing to set against its cost."
    metric, greater = facts.metric
    scale = score_scale([row["score"] for row in rows], greater_is_better=greater)
    axis = ChartAxis(f"{metric} ({'higher' if greater else 'lower'} is better)", scale)
    charts = [_chart(rows, cost, axis, greater) for cost in _costs(facts)]
    study = facts.scaling if facts.study else None
    where = f"All at {at(study.axis, study.compared_at)}. " if study else ""
    return {"charts": [chart for chart in charts if chart.series], "where": where}


def _compared(facts: Facts) -> list[dict[str, Any]]:
    """Rows like those of a leaderboard: the learners of a study where its families are compared."""
    study, plan = facts.scaling, facts.info.study
    if study is None or plan is None:
        return []
    n = study.compared_at
    nearest = min(range(len(plan.levels)), key=lambda k: abs(plan.levels[k] - n))
    predicted = study.n_test + plan.choosing_rows[nearest]
    return [
        {
            "learner": name,
            "family": one.family,
            "score": point.score,
            "fit_seconds": point.fit_seconds,
            "predict_rows_per_second": predicted / point.predict_seconds
            if point.predict_seconds
            else None,
            "size_bytes": None,
            "spent_seconds": None,
        }
        for name, one in study.learners.items()
        for point in one.points
        if point.n == n
    ]


def _costs(facts: Facts) -> list[_Cost]:
    found = [
        _Cost("train", "Training time", "training seconds", _of("fit_seconds"), seconds),
        _Cost("predict", "Prediction time", "seconds per 1,000 rows", _per_thousand, seconds),
        _Cost("size", "Size on disk", "size of the saved model", _of("size_bytes"), size, size),
        _Cost("search", "Cost of the search", "seconds spent in all", _spent, seconds),
    ]
    price = None if facts.info.study is None else facts.info.study.price_per_hour
    if price:

        def paid(row: dict[str, Any]) -> float:
            return money(row["fit_seconds"], price)

        found.append(_Cost("money", "Price", "money for one training", paid, number))
    return found


def _of(column: str) -> Callable[[dict[str, Any]], float | None]:
    return lambda row: row[column]


def _spent(row: dict[str, Any]) -> float | None:
    """Seconds of all trials of a learner; None for an ensemble, which needs its members."""
    return None if row["family"] == "ensemble" else row["spent_seconds"]


def _per_thousand(row: dict[str, Any]) -> float | None:
    rate = row["predict_rows_per_second"]
    return THOUSAND / rate if rate else None


def _chart(rows: list[dict[str, Any]], cost: _Cost, axis: ChartAxis, greater: bool) -> Chart:
    known = [(row, c) for row in rows if (c := cost.of(row)) is not None and c > 0]
    loss = [-row["score"] if greater else row["score"] for row, _ in known]
    front = pareto([c for _, c in known], loss)
    names = [known[i][0]["learner"] for i in front]
    series = tuple(
        ChartSeries(
            name=family,
            family=family,
            marks=tuple(
                _mark(row, c, cost, on_front=place in front)
                for place, (row, c) in enumerate(known)
                if row["family"] == family
            ),
            shape=shape,
            line=False,
        )
        for shape, family in enumerate(FAMILIES)
    )
    return Chart(
        id=cost.id,
        title=cost.title,
        about=f"Pareto front, cheapest first: {', '.join(names) or NONE}.",
        x=ChartAxis(cost.label, "log", cost.tick),
        y=axis,
        series=tuple(one for one in series if one.marks),
        columns=("learner", "family", axis.label, cost.label, "on the front"),
        rows=tuple(
            (
                row["learner"],
                row["family"],
                number(row["score"]),
                cost.text(c),
                "yes" if place in front else "",
            )
            for place, (row, c) in enumerate(known)
        ),
        guide=_stairs([(known[i][1], known[i][0]["score"]) for i in front]),
    )


def _mark(row: dict[str, Any], cost: float, kind: _Cost, *, on_front: bool) -> Mark:
    text = f"{row['learner']}: {number(row['score'])}, {kind.label} {kind.text(cost)}"
    return Mark(
        x=cost,
        y=row["score"] if row["score"] is not None else math.nan,
        text=f"{text}, on the front" if on_front else text,
        hollow=not on_front,
        label=row["learner"] if on_front else "",
    )


def _stairs(points: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """The Pareto front as a step line: flat to the next cost, then up."""
    steps = points[:1]
    for cost, score in points[1:]:
        steps += [(cost, steps[-1][1]), (cost, score)]
    return tuple(steps)
