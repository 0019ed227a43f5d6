"""`automl report`: write a run as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl.cli.output import emit
from automl.errors import ArtifactError, DataError
from automl.progress import note


def report(
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="A folder that a fit or a study wrote."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Where to write it; a file that is there is overwritten. Default:"
            " RUN/report.html.",
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write a run as one HTML page that opens offline."""
    if not run.exists():
        msg = f"there is no folder {run}; give the one that 'automl fit' or 'automl scale' printed"
        raise ArtifactError(msg)
    from automl.report import write_report

    try:
        file = write_report(run, output)
    except OSError as error:
        where = output or run
        msg = f"cannot write {where}: {error.strerror or error}; choose another file with -o"
        raise DataError(msg) from error
    emit(str(file))
    if show:
        import webbrowser

        if not webbrowser.open(file.resolve().as_uri()):
            note(f"no browser was found; open {file} by hand")
