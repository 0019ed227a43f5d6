"""The run directory: created once, never overwritten, described by `run.json`."""

from __future__ import annotations

import json
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from automl.errors import ArtifactError, UsageError
from automl.files import write_json
from automl.runs import lock, reserve
from automl.runs.info import FORMAT, RunInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "run.json"


@contextmanager
def claimed(path: Path | None, *, resume: bool) -> Iterator[Path]:
    """Make the directory of a run, unless the run goes on, and keep other drivers out of it.

    What is still empty at the end is removed.

    Raises:
        UsageError: It is not named, exists already, holds nothing that this version can resume, or
            another driver is at work in it.
    """
    if path is None:
        msg = "name the folder of the run with --output DIR"
        raise UsageError(msg)
    if path.is_dir():
        lock.refuse_in_use(path)
    _check(path, resume=resume)
    _make(path)
    with lock.held(path):
        _check(path, resume=resume)  # another may have been faster
        try:
            yield path
        finally:
            reserve.release(path)


def goes_on(path: Path | None, *, resume: bool) -> bool:
    """Return whether a run goes on; one that was killed before its description begins anew."""
    return resume and path is not None and (path / NAME).exists()


def _make(path: Path) -> None:
    """Make the directory for its owner alone, unless it exists."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=stat.S_IRWXU, exist_ok=True)
    except OSError as error:
        msg = f"cannot make {path} ({error.strerror}); choose another --output"
        raise UsageError(msg) from error


def _check(path: Path, *, resume: bool) -> None:
    """Refuse a directory in which this run has no place."""
    if not path.is_dir():
        if resume:
            msg = f"there is no run to resume in {path}; leave --resume out to start one"
            raise UsageError(msg)
        if path.exists():
            msg = f"{path} is a file; choose another --output"
            raise UsageError(msg)
        return
    names = {one.name for one in path.iterdir()}
    if resume and NAME in names:
        _refuse_others(path)
    elif resume and not names & {lock.NAME, "predictions"}:
        msg = f"there is no run to resume in {path}; leave --resume out to start one"
        raise UsageError(msg)
    elif not resume and names - {lock.NAME}:
        msg = f"{path} exists; add --resume to go on with it, or choose another --output"
        raise UsageError(msg)
    elif not os.access(path, os.W_OK | os.X_OK):
        msg = f"{path} cannot be written to; choose another --output"
        raise UsageError(msg)


def _refuse_others(path: Path) -> None:
    """Raise UsageError for a run whose files this version does not write, and so cannot go on."""
    info = read(path)
    if info.format == FORMAT:
        return
    wrote = "another version of automl" if info.version is None else f"automl {info.version}"
    msg = (
        f"{path} was written by {wrote}, whose runs this version does not go on with; leaderboard, "
        "report and predict still read it: start a new one with another --output"
    )
    raise UsageError(msg)


def read(path: str | Path) -> RunInfo:
    """The content of a run's `run.json`.

    Raises:
        ArtifactError: The directory is not a run, or the file is damaged.
    """
    file = Path(path) / NAME
    if not file.exists():
        msg = f"{path} is no run directory; give the one that a fit or a study printed"
        raise ArtifactError(msg)
    try:
        return RunInfo.from_json(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        msg = f"{file} is damaged ({error})"
        raise ArtifactError(msg) from error


def write(path: Path, info: RunInfo) -> None:
    """Replace `run.json` at once, so that a kill leaves the old or the new one."""
    write_json(path / NAME, info.to_json(), default=str)
