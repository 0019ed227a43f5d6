"""`automl fit`: from a table to a leaderboard, a model, and how to use it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from automl.cli.leaderboard_table import leaderboard_parts
from automl.cli.options import takes_options
from automl.cli.output import emit_json, emit_rich, records
from automl.cli.request import Request, carry_out, read_request
from automl.cli.run_files import read_leaderboard, read_run

if TYPE_CHECKING:
    import pandas as pd

    from automl.runs.info import RunInfo


@takes_options("fit")
def fit(context: typer.Context, **given: Any) -> None:
    """Train on a table and keep the best model.

    Deep and classical learners share one budget. Ends with the leaderboard, the folder of the
    run, and the command that predicts with it.
    """
    from automl.workflow import fit_run

    carry_out(read_request("fit", context, given), fit_run, _show, _epilogue)


def _show(request: Request) -> None:
    info, frame = read_run(request.run), read_leaderboard(request.run)
    if request.as_json:
        emit_json(summary(request.run, info, frame, request.seconds))
    else:
        emit_rich(*leaderboard_parts(info, frame))


def _epilogue(request: Request) -> str:
    run, data = request.run, Path(request.data)
    new_rows = f"new{''.join(data.suffixes[-2:])}" if data.is_file() else "new.csv"
    command = shlex.join(["automl", "predict", str(run), new_rows, "-o", "predictions.csv"])
    best = read_run(run).best
    used = f", predicts with {best}" if best else ""
    report = f"report:  {run / 'report.html'}\n" if (run / "report.html").is_file() else ""
    return f"model:   {run / 'model'}{used}\n{report}predict: {command}"


def summary(run: Path, info: RunInfo, frame: pd.DataFrame, seconds: float) -> dict[str, Any]:
    """The object that `--json` prints."""
    return {
        "run": str(run),
        "target": info.target,
        "task": info.task,
        "metric": info.metric.name,
        "scored_on": info.scored_on,
        "scored_rows": info.scored_rows,
        "best": info.best,
        "leaderboard": records(frame),
        "seconds": round(seconds, 3),
    }
