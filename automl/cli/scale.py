"""`automl scale`: the dedicated study of how learners scale."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from automl.cli.display import watching
from automl.cli.fit import (
    INTERRUPTED,
    default_output,
    resume_command,
)
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
from automl.cli.output import emit, emit_json, emit_rich
from automl.cli.studies import study_parts
from automl.cli.target import ask_target, can_ask
from automl.progress import note
from automl.units import format_duration, parse_duration, parse_size

AxisName: TypeAlias = Literal[
    "rows",
    "labels",
    "label-noise",
    "missingness",
    "missing-by-value",
    "features",
    "noise-columns",
    "cardinality",
    "model-size",
    "budget",
    "workers",
]


def scale(  # noqa: PLR0913, PLR0917 - the flags are the contract
    context: typer.Context,
    data: Data,
    target: Target = None,
    task: Annotated[
        Literal["auto", "binary", "multiclass", "regression"],
        typer.Option(help="What kind of problem it is."),
    ] = "auto",
    metric: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What is compared; see 'automl metrics'."),
    ] = None,
    axis: Annotated[AxisName, typer.Option(help="What grows.")] = "rows",
    regime: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="How learners are tuned: default, transferred (once, on few rows), retuned (at"
            " every anchor); may be repeated. Default: the first two.",
        ),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Times that a fifth of the rows is held out anew."),
    ] = 5,
    anchors: Annotated[
        int, typer.Option(min=2, metavar="N", help="Values on the axis; rows: two an octave.")
    ] = 9,
    time_limit: Annotated[
        str, typer.Option(metavar="TIME", help="Budget of the whole command, such as 30m, 1h.")
    ] = "1h",
    price_per_hour: Annotated[
        float | None,
        typer.Option(metavar="X", help="Price of the machine, to say what the study costs."),
    ] = None,
    learner: Learners = None,
    exclude: Excluded = None,
    group: Group = None,
    time_column: Annotated[
        str | None,
        typer.Option("--time", metavar="COL", help="Order in time: the last fifth is held out."),
    ] = None,
    drop: Dropped = None,
    positive: Positive = None,
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
            help="Folder for the study; never overwritten. Default: automl-runs/<file>-<n>.",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an earlier study.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print scaling.json instead of sentences.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Study whether deep or classical learning scales better here.

    Trains every learner on the same nested rows in several repeats, each with a fifth of the
    rows held out, and says with intervals who is ahead and who gains. Prints its plan first.
    """
    from automl.workflow.options import FitOptions
    from automl.workflow.study import scale_run, study_options

    began = float(context.obj["began"])
    seconds = parse_duration(time_limit)
    memory_bytes = None if memory is None else parse_size(memory)
    run = output or default_output(data, resume=resume, study=True)

    def shared(began: float) -> FitOptions:
        return FitOptions(
            task=task,
            metric=metric,
            seconds=seconds,
            learner=tuple(learner or ()),
            exclude=tuple(exclude or ()),
            group=group,
            time=time_column,
            drop=tuple(drop or ()),
            positive=positive,
            cpus=cpus,
            gpus=gpus,
            memory=memory_bytes,
            address=address,
            seed=seed,
            output=run,
            resume=resume,
            began=began,
            left_out=left_out(context),
        )

    study = (axis, tuple(regime or ()), repeats, anchors, price_per_hour)
    study_options(shared(began), *study)  # what is wrong is said before anyone is asked
    if target is None and not (as_json or quiet or resume) and can_ask():
        asked = time.monotonic()
        target = ask_target(data)
        began += time.monotonic() - asked
    options = study_options(shared(began), *study)
    try:
        with watching(quiet=quiet) as observer:
            scale_run(options, data, target, observer)
    except KeyboardInterrupt:
        _interrupted(run, resume_command(context.obj["argv"], run, target), as_json)
        raise typer.Exit(INTERRUPTED) from None
    _result(run, time.monotonic() - began, as_json=as_json)


def _interrupted(run: Path, resume: str, as_json: bool) -> None:
    """Show what there is, and how to go on."""
    how = f"; go on with: {resume}" if (run / "run.json").is_file() else ""
    if (run / "scaling.json").is_file():
        _verdicts(run, as_json=as_json)
        note(f"interrupted{how}")
    else:
        note(f"interrupted before the first result{how}")


def _result(run: Path, seconds: float, *, as_json: bool) -> None:
    _verdicts(run, as_json=as_json)
    report = run / "report.html"
    if not as_json:
        done = f"done in {format_duration(seconds)}"
        emit(f"\n{done}\nreport: {report}\nagain:  automl scaling {run}")


def _verdicts(run: Path, *, as_json: bool) -> None:
    if as_json:
        emit_json(json.loads((run / "scaling.json").read_text(encoding="utf-8")))
    else:
        emit_rich(*study_parts(run))
