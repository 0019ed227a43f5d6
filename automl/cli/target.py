"""Which column to predict, asked on a terminal."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING

import typer

from automl.progress import note

if TYPE_CHECKING:
    from collections.abc import Sequence


def can_ask() -> bool:
    """Whether somebody sits at a terminal who can answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_target(source: str) -> str:
    """Ask which column to predict, with the guess ready to accept.

    Raises:
        DataError: If the table cannot be read or no column can be a target.
    """
    from automl.data.schema import guess_target
    from automl.hooks.manager import get_host

    table = get_host().read(source)
    guess, reason = guess_target(table)
    columns = [str(column) for column in table.columns]
    note(f"columns: {_shortened(columns)}")
    note(f"guess: {guess} ({reason})")
    while True:
        answer = str(typer.prompt("Which column is to be predicted?", default=guess, err=True))
        if answer in columns:
            return answer
        close = get_close_matches(answer, columns)
        hint = f": did you mean {' or '.join(close)}?" if close else ""
        note(f"no column is called {answer!r}{hint}")


def _shortened(columns: Sequence[str], most: int = 30) -> str:
    shown = list(columns)
    if len(shown) > most:
        shown = [*shown[: most - 1], f"... {len(shown) - most} more ...", shown[-1]]
    return ", ".join(shown)
