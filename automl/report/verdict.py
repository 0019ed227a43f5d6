"""What the run says, first and in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl.report.facts import DAMAGE
from automl.report.words import between, listed, number
from automl.scaling.view import Scaling

if TYPE_CHECKING:
    from automl.report.facts import Facts

STATES = {
    "running": "The run is not over: this is what there is so far.",
    "interrupted": "The run was interrupted: this is what there was by then.",
}


def verdict(facts: Facts) -> dict[str, Any] | str:
    """Who is best, how families compare, and what to do about it."""
    state = STATES.get(facts.info.get("status", ""))
    winners = _winners(facts)
    scaling, tips = _scaling(facts)
    if not winners and not scaling:
        why = f"{state} " if state else ""
        return f"{why}No learner has finished, so there is nothing to compare yet."
    return {"state": state, "winners": winners, "scaling": scaling, "tips": tips}


def where(facts: Facts) -> str:
    """Which rows the scores of the leaderboard stand on."""
    split = facts.info.get("split", {})
    if facts.info.get("scored_on") == "test":
        return f"on {split.get('test_rows', 0):,} locked test rows that nothing was trained on"
    rows = f"{split['rows']:,} training rows" if "rows" in split else "training rows"
    if "n_scored" not in facts.info:
        return f"cross-fitted on {rows}"
    return f"cross-fitted on {facts.info['n_scored']:,} of {rows}"


def _winners(facts: Facts) -> list[str]:
    ranked = facts.ranked
    if not ranked:
        return []
    first, (metric, greater) = ranked[0], facts.metric
    better = "higher" if greater else "lower"
    interval = ""
    if first["score_low"] is not None and first["score_high"] is not None:
        interval = f"95% interval {number(first['score_low'])} to {number(first['score_high'])}; "
    head = (
        f"{first['learner']} is in front, with a {metric} of {number(first['score'])} "
        f"({interval}{better} is better), {where(facts)}."
    )
    lines = [head]
    ties = [row["learner"] for row in ranked[1:] if row["ties_best"]]
    if ties:
        lines.append(f"These rows cannot tell it from {listed(ties)}.")
    singles = [_best_of(family, ranked) for family in ("deep", "classical")]
    return lines + [line for line in singles if line]


def _best_of(family: str, ranked: list[dict[str, Any]]) -> str:
    row = next((row for row in ranked if row["family"] == family), None)
    if row is None:
        return f"No {family} learner was ranked."
    interval = between(row["score_low"], row["score_high"])
    return (
        f"The best {family} learner is {row['learner']}: {number(row['score'])} {interval}, "
        f"place {row['rank']} of {len(ranked)}."
    )


def _scaling(facts: Facts) -> tuple[list[str], list[str]]:
    """Sentences on scaling with what they stand on, and advice."""
    if facts.scaling is None:
        return [], []
    told = (facts.diagnostics or {}).get("advice", [])
    try:
        tips = [f"{str(tip['subject']).capitalize()}: {tip['text']}" for tip in told]
        return Scaling(facts.scaling, ()).sentences, tips
    except DAMAGE as error:
        what = f"scaling.json does not say how scores grow ({type(error).__name__}: {error})."
        return [what], []
