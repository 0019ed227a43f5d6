"""Diagnostics of the best model: importance, calibration, confusion and residuals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl.report.chart import Chart, ChartSeries, Mark
from automl.report.chart_axis import ChartAxis
from automl.report.formatting import between, number, share

if TYPE_CHECKING:
    from automl.report.facts import Facts

SHOWN = 25
"""Columns whose importance is shown at once, about a screen; the others are folded away."""


def _part(facts: Facts, name: str) -> dict[str, Any] | str:
    """One part of the diagnostics, or the reason why it is missing."""
    if facts.diagnostics is None:
        return f"Not known: {facts.missing['diagnostics.json']}. A fit writes it at its end."
    part: dict[str, Any] = facts.diagnostics.get(name) or {}
    if part.get("status") != "ok":
        return f"Not known: {part.get('reason') or 'it was not computed'}."
    return part


def _rows(part: dict[str, Any]) -> str:
    kinds = {
        "test": "locked test rows",
        "fold0": "validation rows of fold 0, which its model was not trained on",
        "crossfit": "rows that the models in question were not trained on",
    }
    return f"{part['rows']:,} {kinds.get(part['on'], 'rows')}"


def importance(facts: Facts) -> dict[str, Any] | str:
    """Permutation importance: the loss of score when a column is shuffled."""
    part = _part(facts, "importance")
    if isinstance(part, str):
        return part
    columns = part["columns"]
    most = max((abs(column["drop"]) for column in columns), default=0.0) or 1.0
    rows = [
        {
            "name": str(column["name"]),
            "drop": number(column["drop"]),
            "spread": between(column["low"], column["high"]).strip("()"),
            "bar": round(100 * max(column["drop"], 0.0) / most, 1),
        }
        for column in columns
    ]
    return {
        "rows": rows[:SHOWN],
        "more": rows[SHOWN:],
        "learner": part["learner"],
        "metric": part["metric"],
        "on": _rows(part),
        "repeats": part["repeats"],
        "score": number(part["score"]),
    }


# ------------------------------------------------------------------------- classes


def calibration(facts: Facts) -> dict[str, Any] | str:
    """Predicted probabilities against observed frequencies."""
    part = _part(facts, "calibration")
    if isinstance(part, str):
        return part
    bins, what = part["bins"], str(part["what"])
    marks = tuple(
        Mark(
            x=one["predicted"],
            y=one["observed"],
            text=f"{one['count']:,} rows, predicted {share(one['predicted'])}: observed in "
            f"{share(one['observed'])} ({share(one['low'])} to {share(one['high'])})",
            low=one["low"],
            high=one["high"],
        )
        for one in bins
    )
    chart = Chart(
        id="calibration",
        title="Calibration",
        about=f"Predicted {what} against the observed frequency, on {_rows(part)}. On the thin "
        f"line they agree; the mean distance from it is {share(part['error'])}.",
        x=ChartAxis(f"predicted {what}", text=share_tick),
        y=ChartAxis("observed frequency", text=share_tick),
        series=(ChartSeries(str(part["of"]), "ensemble", marks, whiskers=True),),
        columns=("predicted", "observed", "95% interval", "rows"),
        rows=tuple(
            (
                share(one["predicted"]),
                share(one["observed"]),
                f"{share(one['low'])} to {share(one['high'])}",
                f"{one['count']:,}",
            )
            for one in bins
        ),
        guide=((0.0, 0.0), (1.0, 1.0)),
        legend=False,
    )
    return {"charts": [chart], "of": part["of"]}


def share_tick(value: float) -> str:
    """A tick in percent."""
    return f"{100 * value:.4g}%"


def confusion(facts: Facts) -> dict[str, Any] | str:
    """The confusion matrix."""
    part = _part(facts, "confusion")
    if isinstance(part, str):
        return part
    labels, counts = [str(label) for label in part["labels"]], part["counts"]
    totals = [sum(row) for row in counts]
    rows = [
        {
            "label": label,
            "cells": [
                {
                    "count": f"{count:,}",
                    "shade": round(count / total, 3) if total else 0,
                    "share": share(count / total) if total else "",
                    "right": i == j,
                }
                for j, count in enumerate(row)
            ],
            "total": f"{total:,}",
        }
        for i, (label, row, total) in enumerate(zip(labels, counts, totals, strict=True))
    ]
    return {
        "labels": labels,
        "rows": rows,
        "of": part["of"],
        "on": _rows(part),
        "right": share(part["accuracy"]),
        "rest": part.get("rest"),
    }


# ------------------------------------------------------------------------- images


def examples(facts: Facts) -> dict[str, Any] | str:
    """The images that the best model is most wrong about."""
    part = _part(facts, "examples")
    if isinstance(part, str):
        return part
    if not part["images"]:
        return f"None of {_rows(part)} is put wrong by {part['of']}."
    images = [
        {**one, "share": None if one["share"] is None else share(one["share"])}
        for one in part["images"]
    ]
    about = f"Of {_rows(part)}, those that {part['of']} is most wrong about."
    return {"images": images, "about": about}


# ---------------------------------------------------------------------- regression


def residuals(facts: Facts) -> dict[str, Any] | str:
    """Quantiles of the residuals over the range of predictions."""
    part = _part(facts, "residuals")
    if isinstance(part, str):
        return part
    bins = part["bins"]
    inner, outer = (
        tuple(
            Mark(
                x=one["prediction"],
                y=one["q50"],
                text=f"{one['count']:,} rows predicted about {number(one['prediction'])}: median "
                f"residual {number(one['q50'])}, half of them {number(one['q25'])} to "
                f"{number(one['q75'])}, 90% {number(one['q05'])} to {number(one['q95'])}",
                low=one[low],
                high=one[high],
            )
            for one in bins
        )
        for low, high in (("q25", "q75"), ("q05", "q95"))
    )
    ends = [one["prediction"] for one in bins]
    chart = Chart(
        id="residuals",
        title="Residuals",
        about=f"Truth less prediction over the prediction, on {_rows(part)}: the median, and the "
        "bands that hold half and 90% of the rows. A median off the thin line is a bias there.",
        x=ChartAxis("prediction"),
        y=ChartAxis("truth less prediction"),
        series=(
            ChartSeries("90% of the rows", "baseline", outer, shape=1),
            ChartSeries("half of the rows", "ensemble", inner),
        ),
        columns=("prediction", "rows", "5%", "25%", "median", "75%", "95%"),
        rows=tuple(
            (
                number(one["prediction"]),
                f"{one['count']:,}",
                *(number(one[q]) for q in ("q05", "q25", "q50", "q75", "q95")),
            )
            for one in bins
        ),
        guide=((min(ends), 0.0), (max(ends), 0.0)) if ends else (),
    )
    overall = [(key, number(value)) for key, value in part["overall"].items()]
    return {"charts": [chart], "of": part["of"], "overall": overall}
