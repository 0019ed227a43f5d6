"""The run directory: created once, never overwritten, described by `run.json`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from automl.errors import ArtifactError, UsageError
from automl.files import write_json
from automl.runs.info import FORMAT, RunInfo

NAME = "run.json"


def create(path: Path | None, *, resume: bool) -> Path:
    """Make the directory of a run, unless the run goes on.

    Raises:
        UsageError: It is not named, exists already, or holds nothing that this version can resume.
    """
    if path is None:
        msg = "name the folder of the run with --output DIR"
        raise UsageError(msg)
    if resume:
        if not (path / NAME).exists():
            msg = f"there is no run to resume in {path}; leave --resume out to start one"
            raise UsageError(msg)
        _refuse_others(path)
        return path
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        msg = f"{path} exists; add --resume to go on with it, or choose another --output"
        raise UsageError(msg)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{path} cannot be made ({error.strerror or error}); choose another --output"
        raise UsageError(msg) from error
    if not os.access(path, os.W_OK | os.X_OK):
        msg = f"{path} cannot be written to; choose another --output"
        raise UsageError(msg)
    return path


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
