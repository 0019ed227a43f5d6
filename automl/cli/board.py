"""The leaderboard as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from automl.cli.output import records
from automl.units import number_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from rich.console import RenderableType
    from rich.table import Table

TIE = "="
LIMITED = "*"
FOOTNOTES = {
    "ties_best": f"{TIE} too close to the best to tell on these rows, compared row by row",
    "time_limited": f"{LIMITED} stopped by the time limit: with more time it may be better",
}


def leaderboard_parts(content: Mapping[str, Any], frame: pd.DataFrame) -> Sequence[RenderableType]:
    """A headline, the ranked rows, what their signs mean, and the rows that have no rank.

    Args:
        content: `run.json`.
        frame: The columns of `leaderboard.csv`.
    """
    rows = records(frame)
    ranked = [row for row in rows if row["rank"] is not None]
    rest = [row for row in rows if row["rank"] is None]
    table = _ranked(ranked, content["metric"]["name"])
    notes = [note for key, note in FOOTNOTES.items() if any(_true(row, key) for row in ranked)]
    below = ("", _unranked(rest)) if rest else ()
    return (headline(content), table, *notes, *below)


def _ranked(rows: Iterable[dict[str, Any]], metric: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "learner", "family", metric, "95% interval", "fit s", "status"):
        justify: Literal["left", "right"] = "right" if name in {"", metric, "fit s"} else "left"
        table.add_column(name, justify=justify, no_wrap=name != "status")
    for row in rows:
        table.add_row(*_cells(row), style="bold" if row["rank"] == 1 else None)
    return table


def _unranked(rows: Iterable[dict[str, Any]]) -> Table:
    """Rows without a rank get the width for their reasons."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row(str(row["learner"]), str(row["family"]), _status(row), style="dim")
    return table


def _status(row: dict[str, Any]) -> str:
    return f"{row['status']}: {row['reason']}" if row.get("reason") else str(row["status"])


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    seconds = row.get("fit_seconds")
    return (
        f"{row['rank']:.0f}",
        str(row["learner"]),
        str(row["family"]),
        _score(row),
        _interval(row),
        "" if seconds is None else f"{seconds:.1f}{LIMITED if _true(row, 'time_limited') else ' '}",
        _status(row),
    )


def _score(row: dict[str, Any]) -> str:
    if row["score"] is None:
        return ""
    tied = _true(row, "ties_best") and row["rank"] != 1
    return f"{TIE if tied else ' '} {number_text(row['score'])}"


def _true(row: dict[str, Any], key: str) -> bool:
    """Whether a flag is set; leaderboards of earlier versions lack some."""
    return str(row.get(key)).lower() == "true"


def _interval(row: dict[str, Any]) -> str:
    low, high = row.get("score_low"), row.get("score_high")
    return "" if low is None or high is None else f"[{number_text(low)}, {number_text(high)}]"


def headline(content: Mapping[str, Any]) -> str:
    """What the scores are: target, task, metric, and the rows they stand on."""
    metric = content["metric"]
    better = "higher" if metric["greater_is_better"] else "lower"
    return f"{_aim(content)}; {metric['name']}, {better} is better, {_rows(content)}"


def _aim(content: Mapping[str, Any]) -> str:
    if content["task"] != "anomaly":
        return f"predicting {content['target']} ({content['task']})"
    if content["target"] is None:
        return "looking for anomalies, judged without labels"
    return f"looking for anomalies, chosen without labels, scored by {content['target']}"


def _rows(content: Mapping[str, Any]) -> str:
    split = content["split"]
    if content["scored_on"] == "test":
        return f"on {split['test_rows']:,} locked test rows"
    if "n_scored" not in content:
        return f"cross-fitted; {split['rows']:,} training rows"
    return f"cross-fitted on {content['n_scored']:,} of {split['rows']:,} training rows"
