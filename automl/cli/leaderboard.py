"""`automl leaderboard`: who won, by how much, and who did not run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl.cli.board import leaderboard_parts
from automl.cli.output import emit, emit_json, emit_rich, records
from automl.cli.runs import read_leaderboard, read_run
from automl.errors import UsageError


def leaderboard(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that 'automl fit' wrote.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list of rows.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Show who won in a run, finished or still going on."""
    if as_json and as_csv:
        msg = "--json and --csv exclude each other: choose one"
        raise UsageError(msg)
    content = read_run(run)
    frame = read_leaderboard(run)
    if as_json:
        emit_json(records(frame))
    elif as_csv:
        emit(frame.to_csv(index=False, lineterminator="\n"))
    else:
        emit_rich(*leaderboard_parts(content, frame))
