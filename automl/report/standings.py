"""The leaderboard, the members of ensembles, and the learners without a rank."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from automl.report.formatting import NONE, number, seconds, share, size
from automl.report.summary import where

if TYPE_CHECKING:
    from automl.report.facts import Facts


def board(facts: Facts) -> dict[str, Any] | str:
    """The ranked rows, with their intervals drawn on one scale."""
    if not facts.board:
        return f"There is no leaderboard: {facts.missing.get('leaderboard.csv', 'it is empty')}."
    ranked = facts.ranked
    if not ranked:
        return "No learner was ranked; the reasons are below."
    low, high = _span(ranked)
    metric, greater = facts.metric
    return {
        "rows": [_row(row, low, high) for row in ranked],
        "limited": any(row["time_limited"] for row in ranked),
        "metric": metric,
        "better": "higher" if greater else "lower",
        "where": where(facts),
        "ensembles": _ensembles(facts),
    }


def _row(row: dict[str, Any], low: float, high: float) -> dict[str, Any]:
    rate = row["predict_rows_per_second"]
    return {
        "rank": row["rank"],
        "learner": row["learner"],
        "family": row["family"],
        "ties": row["ties_best"],
        "limited": row["time_limited"],
        "score": number(row["score"]),
        "low": number(row["score_low"]),
        "high": number(row["score_high"]),
        "val": number(row["score_val"]),
        "fit": seconds(row["fit_seconds"]),
        "speed": NONE if rate is None else f"{rate:,.0f}",
        "spent": seconds(row["spent_seconds"]),
        "trials": NONE if row["trials"] is None else f"{row['trials']:,}",
        "size": size(row["size_bytes"]),
        "bar": _bar(row, low, high),
    }


def _span(rows: list[dict[str, Any]]) -> tuple[float, float]:
    """The range of the drawn intervals, without the baseline's if there are others."""
    kept = [row for row in rows if row["family"] != "baseline"] or rows
    ends = [row[key] for row in kept for key in ("score", "score_low", "score_high")]
    known = [end for end in ends if end is not None]
    return (min(known), max(known)) if known else (0.0, 1.0)


def _bar(row: dict[str, Any], low: float, high: float) -> tuple[float, float, float] | None:
    """Start, end and middle of the interval in percent; None if its middle lies outside."""
    values = [row[key] for key in ("score_low", "score_high", "score")]
    if any(value is None for value in values) or high <= low:
        return None
    start, end, middle = (100 * (value - low) / (high - low) for value in values)
    if middle < 0 or middle > 100:
        return None
    return round(max(start, 0.0), 1), round(min(end, 100.0), 1), round(middle, 1)


def _ensembles(facts: Facts) -> list[dict[str, str]]:
    made = []
    for one in facts.ensembles:
        weights: Counter[str] = Counter()
        for member in one["members"]:
            weights[member["learner"]] += member["weight"]
        parts = [f"{name} {share(weight)}" for name, weight in weights.most_common()]
        if parts:
            made.append({"name": str(one["name"]), "members": ", ".join(parts)})
    return made


def left_out(facts: Facts) -> dict[str, Any] | str:
    """Learners without a rank and steps that failed, each with its reason."""
    known: list[dict[str, Any]] = facts.board or [
        asdict(row) | {"learner": row.name, "rank": None} for row in facts.info.learners
    ]
    rows = [
        {key: str(row.get(key) or "") for key in ("learner", "family", "status", "reason")}
        for row in known
        if row["rank"] is None and row.get("reason")
    ]
    failed = Counter((r.learner, r.reason) for r in facts.rungs if r.status == "failed")
    failures = [
        {"learner": learner, "times": times, "reason": reason}
        for (learner, reason), times in failed.most_common()
    ]
    if not rows and not failures:
        return "Every learner that was asked for ran, and no step failed."
    title = "Learners that were cut short or left out" if facts.study else "Learners without a rank"
    return {"title": title, "rows": rows, "failures": failures, "steps": len(facts.rungs)}
