"""The leaderboard as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl.cli.output import cell_text, number_text, records

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

TIE = "="
FOOTNOTE = f"{TIE} not distinguishable from the best on these rows; [ ] 95% interval"
DIMMED = ("skipped", "not_reached", "failed")


def leaderboard_table(frame: pd.DataFrame, metric: str) -> Table:
    """Ranked rows first; rows that did not run below them, dimmed, with their reason.

    Args:
        frame: The columns of `leaderboard.csv`.
        metric: Heads the score column.
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "learner", "family", metric, "95% interval", "fit s", "status"):
        right = name in {"", "fit s", metric}
        table.add_column(
            name,
            justify="right" if right else "left",
            no_wrap=name != "status",
            overflow="fold",
        )
    for row in records(frame):
        style = "dim" if row["status"] in DIMMED else "bold" if row["rank"] == 1 else None
        table.add_row(*_cells(row), style=style)
    return table


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    status = row["status"] if not row.get("reason") else f"{row['status']}: {row['reason']}"
    seconds = row.get("fit_seconds")
    return (
        "" if row["rank"] is None else str(int(row["rank"])),
        str(row["learner"]),
        str(row["family"]),
        _score(row),
        _interval(row),
        "" if seconds is None else f"{seconds:.1f}",
        status,
    )


def _score(row: dict[str, Any]) -> str:
    if row["score"] is None:
        return ""
    tied = str(row.get("ties_best")).lower() == "true"
    return f"{TIE if tied and row['rank'] != 1 else ' '} {number_text(row['score'])}"


def _interval(row: dict[str, Any]) -> str:
    low, high = row.get("score_low"), row.get("score_high")
    return "" if low is None or high is None else f"[{number_text(low)}, {number_text(high)}]"


def headline(content: dict[str, Any], metric: str, scored_rows: Any) -> str:
    """What the scores are: target, task, metric, and the rows they were computed on."""
    schema = content["schema"]
    on = {"test": "locked test rows", "crossfit": "cross-fitted rows"}.get(
        str(content.get("scored_on")), "rows"
    )
    rows = f"{cell_text(scored_rows)} {on}" if scored_rows is not None else on
    return f"target {schema['target']} ({schema['task']}), {metric} on {rows}"
