"""The command line, with one short module a command."""

from __future__ import annotations

import time

_STARTED = time.monotonic()  # before the imports below: a budget is about the whole command


def main() -> None:
    """Entry point of the `automl` command.

    Raises:
        SystemExit: Always, with the exit code.
    """
    from automl.cli.app import main as run

    run(_STARTED)
