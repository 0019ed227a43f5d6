"""`automl leaderboard`: show the leaderboard of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl.cli.leaderboard_table import leaderboard_parts
from automl.cli.output import emit, emit_json, emit_rich, records
from automl.cli.run_files import read_leaderboard, read_run
from automl.errors import UsageError


def leaderboard(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that 'automl fit' wrote.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list of rows.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Show the leaderboard of a run, finished or still going on."""
    if as_json and as_csv:
        msg = "--json and --csv exclude each other: choose one"
        raise UsageError(msg)
    info = read_run(run)
    frame = read_leaderboard(run)
    if as_json:
        emit_json(records(frame))
    elif as_csv:
        emit(frame.to_csv(index=False, lineterminator="\n"))
    else:
        emit_rich(*leaderboard_parts(info, frame))
