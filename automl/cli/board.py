"""The leaderboard as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl.cli.output import number_text, records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from rich.console import RenderableType
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
        "" if row["rank"] is None else f"{row['rank']:.0f}",
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


def leaderboard_parts(content: Mapping[str, Any], frame: pd.DataFrame) -> Sequence[RenderableType]:
    """A headline, the table, and what its signs mean.

    Args:
        content: `run.json`.
        frame: The columns of `leaderboard.csv`.
    """
    return headline(content), leaderboard_table(frame, content["metric"]["name"]), FOOTNOTE


def headline(content: Mapping[str, Any]) -> str:
    """What the scores are: target, task, metric, and the rows they stand on."""
    metric = content["metric"]
    better = "higher" if metric["greater_is_better"] else "lower"
    return (
        f"predicting {content['target']} ({content['task']}); {metric['name']}, {better} is better,"
        f" {_rows(content)}"
    )


def _rows(content: Mapping[str, Any]) -> str:
    split = content["split"]
    if content["scored_on"] == "test":
        return f"on {split['test_rows']:,} locked test rows"
    part = {"all": " (all rows)", "fold0": " (the rows of fold 0)"}.get(
        str(content.get("scored_rows")), ""
    )
    return f"cross-fitted{part}; {split['rows']:,} training rows"
