"""The summary of a run in plain sentences, the first section of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl.report.differences import differences
from automl.report.facts import DAMAGE
from automl.report.formatting import between, number
from automl.scaling.presentation import Scaling
from automl.text import listed

if TYPE_CHECKING:
    from automl.report.chart import Chart
    from automl.report.facts import Facts

STATES = {
    "running": "The run is not over: this is what there is so far.",
    "interrupted": "The run was interrupted: this is what there was by then.",
    "stopped": "The run was stopped by a trouble of its own: this is what there was by then.",
}


def verdict(facts: Facts) -> dict[str, Any] | str:
    """Winners, verdicts on scaling, and advice."""
    state = STATES.get(facts.info.status)
    winners = _winners(facts)
    scaling, tips, figures = _scaling(facts)
    if not winners and not scaling:
        why = f"{state} " if state else ""
        return f"{why}No learner has finished, so there is nothing to compare yet."
    return {
        "state": state,
        "winners": winners,
        "scaling": scaling,
        "figures": figures,
        "tips": tips,
    }


def where(facts: Facts) -> str:
    """Describe the rows behind the scores of the leaderboard."""
    info, split = facts.info, facts.info.split
    if info.scored_on == "test":
        return f"on {split.test_rows:,} locked test rows that nothing was trained on"
    rows = f"{split.rows:,} training rows" if split.rows else "training rows"
    if info.n_scored is None:
        return f"cross-fitted on {rows}"
    return f"cross-fitted on {info.n_scored:,} of {rows}"


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
        lines.append(f"Not significantly different from it (paired test, 95%): {listed(ties)}.")
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


def _scaling(facts: Facts) -> tuple[list[str], list[str], list[Chart]]:
    """Sentences on scaling with their basis, advice, and a figure for each verdict."""
    if facts.scaling is None:
        return [], [], []
    told = (facts.diagnostics or {}).get("advice", [])
    try:
        tips = [f"{str(tip['subject']).capitalize()}: {tip['text']}" for tip in told]
        return Scaling(facts.scaling, ()).sentences, tips, differences(facts.scaling)
    except DAMAGE as error:
        what = f"scaling.json does not say how scores grow ({type(error).__name__}: {error})."
        return [what], [], []
