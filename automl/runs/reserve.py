"""Space on the disk that a run keeps for its end, so that a full disk does not cost the result."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from automl.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

NAME = "reserve.bin"
DOCUMENTS = 2 * 100 * 100 * 100
"""Bytes of leaderboard, verdicts, diagnostics and report together, at most about as many."""


def keep(run: Path, arrays: int) -> None:
    """Reserve space for the documents of the end and so many bytes of arrays.

    Raises:
        UsageError: There is not so much.
    """
    wanted = DOCUMENTS + arrays
    try:
        with (run / NAME).open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, wanted)
    except OSError as error:
        release(run)
        msg = f"{run} has no room for {wanted:,} bytes ({error.strerror}); make some there"
        raise UsageError(msg) from error


def release(run: Path) -> None:
    """Give the space back."""
    (run / NAME).unlink(missing_ok=True)
