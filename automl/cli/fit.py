"""`automl fit`: from a table to a leaderboard, a model, and how to use it."""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from automl.cli.board import leaderboard_parts
from automl.cli.display import watching
from automl.cli.options import (
    Address,
    Cpus,
    Data,
    Dropped,
    Excluded,
    Gpus,
    Group,
    Learners,
    Memory,
    Positive,
    Quiet,
    Seed,
    Target,
    left_out,
)
from automl.cli.output import emit, emit_json, emit_rich, records
from automl.cli.runs import read_leaderboard, read_run
from automl.cli.target import ask_target, can_ask
from automl.errors import AutoMLError, UsageError
from automl.progress import note
from automl.units import budget_seconds, format_duration, parse_size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

RUNS = Path("automl-runs")
INTERRUPTED = 130
DATA_PANEL, BUDGET_PANEL, SEARCH_PANEL = "Data", "Budget and machine", "Search"


def fit(  # noqa: PLR0913, PLR0917 - the flags are the contract
    context: typer.Context,
    data: Data,
    target: Target = None,
    task: Annotated[
        Literal["auto", "binary", "multiclass", "regression", "anomaly"],
        typer.Option(help="What kind of problem it is."),
    ] = "auto",
    metric: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What to optimise; see 'automl metrics'."),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Locked rows: never trained on, only scored."),
    ] = None,
    test_size: Annotated[
        float | None,
        typer.Option(metavar="F", help="Lock this share of the rows instead of --test."),
    ] = None,
    time_limit: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Budget of the whole command, such as 90s, 10m, 1h30m. Default 5m; none where"
            " only --trials is given.",
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Configurations to start, over all learners; alone it makes a run reproducible.",
        ),
    ] = None,
    preset: Annotated[
        Literal["quick", "balanced", "best"],
        typer.Option(help="How thorough to be within the budget."),
    ] = "balanced",
    allocate: Annotated[
        Literal["equal", "greedy"],
        typer.Option(help="Equal time for every learner, or where it helps most."),
    ] = "greedy",
    learner: Learners = None,
    exclude: Excluded = None,
    folds: Annotated[
        int | None, typer.Option(min=2, metavar="K", help="Folds of cross-validation.")
    ] = None,
    group: Group = None,
    time_column: Annotated[
        str | None,
        typer.Option("--time", metavar="COL", help="Order in time: the last fifth validates."),
    ] = None,
    drop: Dropped = None,
    positive: Positive = None,
    contamination: Annotated[
        float | None,
        typer.Option(metavar="F", help="Share of rows to flag, with --task anomaly. Default: 0.1."),
    ] = None,
    cpus: Cpus = None,
    gpus: Gpus = None,
    memory: Memory = None,
    address: Address = None,
    seed: Seed = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="Folder for the run; never overwritten. Default: automl-runs/<file>-<n>.",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an earlier run.")] = False,
    on_error: Annotated[
        Literal["skip", "raise"],
        typer.Option(help="Note a failed fit and go on, or stop the command."),
    ] = "skip",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of the table.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Train on a table and keep the best model.

    Deep and classical learners share one budget. Ends with the leaderboard, the folder of the
    run, and the command that predicts with it.
    """
    from automl.workflow import FitOptions, fit_run

    began = float(context.obj["began"])
    # whatever is wrong with the options is said before anyone is asked a question
    seconds, share = budget_seconds(time_limit, trials), _share(test_size, test)
    memory_bytes = None if memory is None else parse_size(memory)
    run = output or default_output(data, resume=resume)
    guessed = target is None and task != "anomaly"
    if guessed and not (as_json or quiet or resume) and can_ask():
        asked = time.monotonic()
        target = ask_target(data)
        began += time.monotonic() - asked
    options = FitOptions(
        task=task,
        metric=metric,
        test=test,
        test_size=share,
        seconds=seconds,
        trials=trials,
        preset=preset,
        allocate=allocate,
        learner=tuple(learner or ()),
        exclude=tuple(exclude or ()),
        folds=folds,
        group=group,
        time=time_column,
        drop=tuple(drop or ()),
        positive=positive,
        contamination=contamination,
        cpus=cpus,
        gpus=gpus,
        memory=memory_bytes,
        address=address,
        seed=seed,
        output=run,
        resume=resume,
        on_error=on_error,
        began=began,
        left_out=left_out(context),
    )
    try:
        with watching(quiet=quiet) as observer:
            fit_run(options, data, target, observer)
    except KeyboardInterrupt:
        seconds = time.monotonic() - began
        _interrupted(run, resume_command(context.obj["argv"], run, target), seconds, as_json)
        raise typer.Exit(INTERRUPTED) from None
    _result(run, data, time.monotonic() - began, as_json=as_json)


def default_output(source: str, *, resume: bool = False, study: bool = False) -> Path:
    """`automl-runs/<file>-<n>`: the next free number, or the last one to resume.

    Args:
        source: The table as it was named.
        resume: Whether a run goes on.
        study: Whether that run is a study or a fit.
    """
    stem = re.split(r"[/\\:]", source.rstrip("/\\"))[-1].lstrip(".").split(".")[0]
    stem = re.sub(r"[^\w-]+", "_", stem) or "data"
    taken = [
        int(folder.name.removeprefix(f"{stem}-"))
        for folder in RUNS.glob(f"{stem}-*")
        if folder.name.removeprefix(f"{stem}-").isdigit()
    ]
    if not resume:
        return RUNS / f"{stem}-{max(taken, default=0) + 1}"
    for number in sorted(taken, reverse=True):
        run = RUNS / f"{stem}-{number}"
        if not (run / "run.json").is_file() or ("study" in read_run(run)) == study:
            return run  # one that holds nothing is refused by its name
    kind = "study" if study else "fit"
    msg = f"there is no {kind} of {stem} under {RUNS} to resume: name its folder with -o"
    raise UsageError(msg)


def _share(test_size: float | None, test: str | None) -> float | None:
    if test_size is not None and test is not None:
        msg = "--test and --test-size exclude each other: give one"
        raise UsageError(msg)
    if test_size is not None and not 0 < test_size < 1:
        msg = f"--test-size is a share of the rows between 0 and 1, such as 0.2, not {test_size:g}"
        raise UsageError(msg)
    return test_size


def resume_command(argv: Sequence[str], run: Path, target: str | None) -> str:
    """The command line that goes on with an interrupted run."""
    words = ["automl", *argv]
    if not any(word in {"-t", "--target"} or word.startswith("--target=") for word in argv):
        words += [] if target is None else ["-t", target]
    if not any(word in {"-o", "--output"} or word.startswith("--output=") for word in argv):
        words += ["-o", str(run)]
    return shlex.join(words if "--resume" in argv else [*words, "--resume"])


def _interrupted(run: Path, resume: str, seconds: float, as_json: bool) -> None:
    """Show what there is, and how to go on."""
    how = f"; go on with: {resume}" if (run / "run.json").is_file() else ""
    try:
        content, frame = read_run(run), read_leaderboard(run)
    except AutoMLError:
        note(f"interrupted before the first result{how}")
    else:
        if as_json:
            emit_json(summary(run, content, frame, seconds))
        else:
            emit_rich(*leaderboard_parts(content, frame))
        note(f"interrupted{how}")


def _result(run: Path, data: str, seconds: float, *, as_json: bool) -> None:
    frame, content = read_leaderboard(run), read_run(run)
    if as_json:
        emit_json(summary(run, content, frame, seconds))
        return
    emit_rich(*leaderboard_parts(content, frame))
    new_rows = f"new{''.join(Path(data).suffixes[-2:])}" if Path(data).is_file() else "new.csv"
    command = shlex.join(["automl", "predict", str(run), new_rows, "-o", "predictions.csv"])
    done = f"\ndone in {format_duration(seconds)}\nmodel:   {run / 'model'}"
    if "best" in content:
        done += f", predicts with {content['best']}"
    report = run / "report.html"
    shown = f"\nreport:  {report}" if report.is_file() else ""
    emit(f"{done}{shown}\npredict: {command}")


def summary(
    run: Path, content: Mapping[str, Any], frame: pd.DataFrame, seconds: float
) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "run": str(run),
        "target": content["target"],
        "task": content["task"],
        "metric": content["metric"]["name"],
        "scored_on": content["scored_on"],
        "scored_rows": content.get("scored_rows"),
        "best": content.get("best"),
        "leaderboard": records(frame),
        "seconds": round(seconds, 3),
    }
