"""The `automl` command: its subcommands and its error messages."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import warnings
from typing import TYPE_CHECKING, Annotated

import typer

from automl.cli import (
    doctor,
    evaluate,
    extensions,
    fit,
    leaderboard,
    learners,
    metrics,
    plugins,
    predict,
    report,
    scale,
    scaling,
)
from automl.cli.output import mute_stdout
from automl.cli.request import INTERRUPTED
from automl.errors import AutoMLError
from automl.progress import note
from automl.text import first_line

if TYPE_CHECKING:
    from collections.abc import Sequence

DEBUG = "AUTOML_DEBUG"


def _version(value: bool) -> None:
    if value:
        from automl import __version__

        typer.echo(f"automl {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Train deep and classical learners on a table under one budget and compare them honestly.

    Start with: automl fit dataset.csv
    """


def build_app() -> typer.Typer:
    """The application with all built-in commands.

    Help is plain text: rendering it with rich takes three times as long as all the rest.
    """
    app = typer.Typer(
        name="automl",
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    app.command("fit")(fit.fit)
    app.command("predict")(predict.predict)
    app.command("evaluate")(evaluate.evaluate)
    app.command("leaderboard")(leaderboard.leaderboard)
    app.command("scale")(scale.scale)
    app.command("scaling")(scaling.scaling)
    app.command("report")(report.report)
    app.command("learners")(learners.learners)
    app.command("metrics")(metrics.metrics)
    app.add_typer(plugins.app, name="plugins")
    app.command("doctor")(doctor.doctor)
    return app


def run(argv: Sequence[str], began: float | None = None) -> int:
    """Run one command line.

    Args:
        argv: The words after `automl`.
        began: `time.monotonic()` at the start of the command, for its budget; default now.

    Returns:
        The exit code: 0 success; 1 no learner produced a model, or an internal failure; 2 bad input
        or usage; 130 interrupted.
    """
    app = build_app()
    extensions.add_commands(app, argv)
    command = typer.main.get_command(app)
    try:
        code = command.main(
            args=list(argv) or ["--help"],
            prog_name="automl",
            standalone_mode=False,
            obj={"argv": tuple(argv), "began": time.monotonic() if began is None else began},
        )
    except AutoMLError as error:
        return _fail(str(error), error.exit_code)
    except typer.TyperException as error:
        told = error.format_message().replace("Value error, ", "")  # typer passes pydantic's on
        return _fail(told + _help_hint(error), error.exit_code)
    except typer.Abort:
        return _fail("interrupted", INTERRUPTED)
    return code if isinstance(code, int) else 0


def main(began: float | None = None) -> None:
    """Entry point of the `automl` command; exits with its code.

    Args:
        began: As for `run`.

    Raises:
        SystemExit: Always.
    """
    warnings.showwarning = _show_warning
    try:
        code = run(sys.argv[1:], began)
    except BrokenPipeError:
        mute_stdout()
        code = 0
    except KeyboardInterrupt:
        code = _fail("interrupted", INTERRUPTED)
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        code = _fail(
            f"internal failure: {type(error).__name__}: {first_line(error)}"
            f" (set {DEBUG}=1 to see where)",
            1,
        )
    _leave_at_once(code)
    sys.exit(code)


def _leave_at_once(code: int) -> None:
    """End the process after SIGTERM: what is on disk is whole, and Ray may be gone already."""
    ending = sys.modules.get("automl.workflow.ending")
    if ending is not None and ending.TERMINATED.is_set():
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(code)


def _show_warning(
    message: Warning | str, category: type[Warning], *_: object, **__: object
) -> None:
    note(f"warning: {message}" if category is UserWarning else f"{category.__name__}: {message}")


def _fail(message: str, code: int) -> int:
    note(f"error: {message}")
    return code


def _help_hint(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f" (see '{context.command_path} --help')" if context is not None else ""
