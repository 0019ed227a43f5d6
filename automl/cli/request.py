"""A fit or a study as the command line asks for it."""

from __future__ import annotations

import re
import shlex
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from automl.cli.display import watching
from automl.cli.output import emit
from automl.cli.prompts import ask_target, can_ask
from automl.cli.run_files import read_run
from automl.errors import AutoMLError, StoppedError, UsageError
from automl.options import OPTIONS, Options, options_of
from automl.progress import note
from automl.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from automl.options import Command
    from automl.types import Observer

RUNS = Path("automl-runs")
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Request:
    """The options of a command, checked; with the target, if somebody could be asked for it."""

    options: Options
    data: str
    target: str | None
    run: Path
    as_json: bool
    quiet: bool
    began: float
    """`time.monotonic()` when the command began, time spent waiting for an answer left out."""
    argv: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Time since the command began."""
        return time.monotonic() - self.began


def read_request(command: Command, context: typer.Context, given: Mapping[str, Any]) -> Request:
    """The request that a command line makes.

    Raises:
        UsageError: The options contradict each other, or there is nothing to resume.
    """
    began = float(context.obj["began"])
    data, target = given["data"], given["target"]
    from automl.anomaly.supervision import supervision_of

    # whatever is wrong with the options is said before anyone is asked a question
    options = Options.parse(_chosen(command, context, given))
    study = command == "scale"
    run = options.output or default_output(data, resume=options.resume, study=study)
    silent = given["as_json"] or given["quiet"] or options.resume
    if target is None and supervision_of(options.task).supervised and not silent and can_ask():
        asked = time.monotonic()
        target = ask_target(data, options.reading)
        began += time.monotonic() - asked
    return Request(
        options=replace(options, output=run, began=began),
        data=data,
        target=target,
        run=run,
        as_json=given["as_json"],
        quiet=given["quiet"],
        began=began,
        argv=context.obj["argv"],
    )


def _chosen(command: Command, context: typer.Context, given: Mapping[str, Any]) -> dict[str, Any]:
    """The choices that are made, and the command's own defaults of the others."""
    options = options_of(command)
    sources = {option.name: context.get_parameter_source(option.name) for option in options}
    made = {name for name, source in sources.items() if source and source.name != "DEFAULT"}
    chosen = {o.name: given[o.name] if o.name in made else o.default for o in options}
    if "trials" in made and "seconds" not in made:
        chosen["seconds"] = None  # configurations alone limit the run, and make it reproducible
    return chosen | {"left_out": frozenset(option.name for option in OPTIONS) - made}


def carry_out(
    request: Request,
    run: Callable[[Options, str, str | None, Observer], object],
    show: Callable[[Request], None],
    epilogue: Callable[[Request], str],
) -> None:
    """Train and show what came of it; where it ended before its time, with how to go on.

    Args:
        request: What is asked for.
        run: Trains.
        show: Prints the result; fails where there is none.
        epilogue: Where everything is, and what to do with it.

    Raises:
        typer.Exit: Ctrl-C was pressed, or a trouble stopped the run.
    """
    try:
        with watching(quiet=request.quiet) as observer:
            run(request.options, request.data, request.target, observer)
    except KeyboardInterrupt:
        _cut_short(request, show, "interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except StoppedError as error:
        _cut_short(request, show, f"error: {error}")
        raise typer.Exit(error.exit_code) from None
    show(request)
    if not request.as_json:
        emit(f"\ndone in {format_duration(request.seconds)}\n{epilogue(request)}")


def _cut_short(request: Request, show: Callable[[Request], None], said: str) -> None:
    """Show what there is of a run that ended before its time, and how to go on with it."""
    try:
        show(request)
    except (AutoMLError, FileNotFoundError):
        said += " before the first result"
    if (request.run / "run.json").is_file():
        said += f"; go on with: {resume_command(request.argv, request.run, request.target)}"
    note(said)


def default_output(source: str, *, resume: bool = False, study: bool = False) -> Path:
    """`automl-runs/<file>-<n>`: the next free number, or the last one to resume.

    Args:
        source: The table as it was named.
        resume: Whether a run goes on.
        study: Whether that run is a study or a fit.

    Raises:
        UsageError: There is nothing to resume.
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
        if not (run / "run.json").is_file() or (read_run(run).study is not None) == study:
            return run  # one that holds nothing is refused by its name
    kind = "study" if study else "fit"
    msg = f"there is no {kind} of {stem} under {RUNS} to resume: name its folder with -o"
    raise UsageError(msg)


def resume_command(argv: Sequence[str], run: Path, target: str | None) -> str:
    """The command line that goes on with an interrupted run."""
    words = ["automl", *argv]
    if not any(word in {"-t", "--target"} or word.startswith("--target=") for word in argv):
        words += [] if target is None else ["-t", target]
    if not any(word in {"-o", "--output"} or word.startswith("--output=") for word in argv):
        words += ["-o", str(run)]
    return shlex.join(words if "--resume" in argv else [*words, "--resume"])
