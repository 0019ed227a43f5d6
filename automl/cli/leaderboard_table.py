"""The leaderboard as a table for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from automl.cli.output import records
from automl.units import number_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from rich.console import RenderableType
    from rich.table import Table

    from automl.runs.info import RunInfo

TIE = "="
LIMITED = "*"
FOOTNOTES = {
    "ties_best": f"{TIE} not significantly different from the best (paired test, 95%)",
    "time_limited": f"{LIMITED} stopped by the time limit: with more time it may be better",
}


def leaderboard_parts(info: RunInfo, frame: pd.DataFrame) -> Sequence[RenderableType]:
    """A headline, the ranked rows, footnotes, and the rows without a rank.

    Args:
        info: The content of `run.json`.
        frame: The leaderboard.
    """
    rows = records(frame)
    ranked = [row for row in rows if row["rank"] is not None]
    rest = [row for row in rows if row["rank"] is None]
    table = _ranked(ranked, info.metric.name)
    notes = [note for key, note in FOOTNOTES.items() if any(_true(row, key) for row in ranked)]
    below = ("", _unranked(rest)) if rest else ()
    return (headline(info), table, *notes, *below)


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
    """A grid of the rows without a rank, with room for their reasons."""
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
    """Read a flag; False if the leaderboard is of an earlier version without it."""
    return str(row.get(key)).lower() == "true"


def _interval(row: dict[str, Any]) -> str:
    low, high = row.get("score_low"), row.get("score_high")
    return "" if low is None or high is None else f"[{number_text(low)}, {number_text(high)}]"


def headline(info: RunInfo) -> str:
    """Target, task, metric, and the rows behind the scores."""
    better = "higher" if info.metric.greater_is_better else "lower"
    return f"{_aim(info)}; {info.metric.name}, {better} is better, {_rows(info)}"


def _aim(info: RunInfo) -> str:
    from automl.anomaly.supervision import supervision_of

    if supervision_of(info.task).supervised:
        return f"predicting {info.target} ({info.task})"
    if info.target is None:
        return "looking for anomalies, judged without labels"
    return f"looking for anomalies, chosen without labels, scored by {info.target}"


def _rows(info: RunInfo) -> str:
    if info.scored_on == "test":
        return f"on {info.split.test_rows:,} locked test rows"
    if info.n_scored is None:
        return f"cross-fitted; {info.split.rows:,} training rows"
    return f"cross-fitted on {info.n_scored:,} of {info.split.rows:,} training rows"
