"""The folder of a Ray that is started here, near enough to the root of the file system."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from automl.errors import UsageError

LONGEST = 103
"""Bytes of a socket's path on macOS; Linux has four more."""
SOCKETS = "/ray/session_2026-01-01_00-00-00_000000_0000000/sockets/plasma_store"
"""The longest that Ray appends."""
SHORT = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - folders for temporary files, if usable

_made: list[Path] = []


def folder() -> str:
    """Ray's own in the usual folder for temporary files, or a new one where its path is shorter.

    Batch systems set TMPDIR to folders deep down, and the path of a socket is limited.

    Raises:
        UsageError: There is none.
    """
    usual = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    if _fits(usual):
        return str(Path(usual) / "ray")
    for place in SHORT:
        if Path(place).is_dir() and os.access(place, os.W_OK) and _fits(place):
            _made.append(Path(tempfile.mkdtemp(prefix="ar-", dir=place)))
            return str(_made[-1])
    msg = f"the path {usual} is too long for Ray's sockets; set RAY_TMPDIR to a short one"
    raise UsageError(msg)


def clear() -> None:
    """Remove the folders made here, once their Ray has ended."""
    while _made:
        shutil.rmtree(_made.pop(), ignore_errors=True)


def _fits(place: str) -> bool:
    return len(os.fsencode(place + SOCKETS)) <= LONGEST
