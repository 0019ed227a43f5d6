"""Questions to the user on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from automl.progress import note
from automl.text import listed, meant, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.types import Reading

MOST_COLUMNS = 30
"""Columns listed before the question: a few lines of a terminal."""


def can_ask() -> bool:
    """True if a user at a terminal can answer questions."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_target(source: str, how: Reading) -> str:
    """Ask for the target column; the default answer is the guess.

    Raises:
        DataError: The table cannot be read, or no column can be a target.
    """
    from automl.data.schema import guess_target
    from automl.hooks.manager import get_host

    table = get_host().read(source, how)
    guess, reason = guess_target(table)
    columns = [str(column) for column in table.columns]
    note(f"columns: {_shortened(columns)}")
    note(f"guess: {guess} ({reason})")
    shown = visible(guess)
    while True:
        answer = str(typer.prompt("Which column is to be predicted?", default=shown, err=True))
        if answer == shown:
            return guess
        if answer in columns:
            return answer
        close = meant(answer, columns)
        hint = f": did you mean {listed(close, 'or')}?" if close else ""
        note(f"no column is called {answer!r}{hint}")


def _shortened(columns: Sequence[str]) -> str:
    shown = list(columns)
    if len(shown) > MOST_COLUMNS:
        more = len(shown) - MOST_COLUMNS
        shown = [*shown[: MOST_COLUMNS - 1], f"... {more} more ...", shown[-1]]
    return ", ".join(shown)
