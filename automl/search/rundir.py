"""The run directory: created once, never overwritten, described by `run.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from automl.errors import ArtifactError, UsageError

NAME = "run.json"


def create(output: str | Path | None, source: str, *, resume: bool) -> Path:
    """The directory of a run: the one asked for, or the next free `automl-runs/<file>-<n>`.

    Raises:
        UsageError: It exists already, or there is nothing to resume.
    """
    if output is None:
        if resume:
            msg = "--resume needs the run to go on with; name it with --output DIR"
            raise UsageError(msg)
        return _next_free(Path("automl-runs"), _stem(source))
    path = Path(output)
    if resume:
        if not (path / NAME).exists():
            msg = f"there is no run to resume in {path}; leave --resume out to start one"
            raise UsageError(msg)
        return path
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        msg = f"{path} exists; add --resume to go on with it, or choose another --output"
        raise UsageError(msg)
    path.mkdir(parents=True, exist_ok=True)
    return path


def read(path: str | Path) -> dict[str, Any]:
    """The content of a run's `run.json`.

    Raises:
        ArtifactError: The directory is not a run, or the file is damaged.
    """
    file = Path(path) / NAME
    if not file.exists():
        msg = f"{path} is no run directory; give the one that a fit or a study printed"
        raise ArtifactError(msg)
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"{file} is damaged ({error})"
        raise ArtifactError(msg) from error
    return content


def write(path: Path, content: dict[str, Any]) -> None:
    """Replace `run.json` at once, so that a kill leaves the old or the new one."""
    draft = path / f"{NAME}.new"
    draft.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")
    draft.replace(path / NAME)


def _stem(source: str) -> str:
    name = Path(source.rpartition(":")[2]).name
    return name.partition(".")[0] or "run"


def _next_free(parent: Path, stem: str) -> Path:
    number = 1
    while True:
        path = parent / f"{stem}-{number}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return path
