"""Folders that workers import from: those of the driver, the current one last."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DRIVER_PATH = "AUTOML_DRIVER_PATH"
"""Environment variable that holds the driver's `sys.path`."""


@contextmanager
def driver_path_told() -> Iterator[None]:
    """Tell the processes that are started meanwhile, and theirs, where modules are found here.

    Not by a runtime environment: with one of their own, Tune's actors get none of the workers
    that Ray starts ahead.
    """
    entries = [str(Path(entry).absolute()) for entry in sys.path if not entry.endswith(".zip")]
    os.environ[DRIVER_PATH] = os.pathsep.join(dict.fromkeys(entries))
    try:
        yield
    finally:
        del os.environ[DRIVER_PATH]


def follow_driver() -> None:
    """Search the driver's folders, too, after those of this process.

    What is installed goes before what lies beside the data: a script there may be called as a
    library is.
    """
    told = os.environ.get(DRIVER_PATH, "")
    known = set(sys.path)
    sys.path += [entry for entry in told.split(os.pathsep) if entry and entry not in known]
    current_folder_last()


def current_folder_last() -> None:
    """Search the current folder after all others, if it is searched at all."""
    here = {"", os.path.curdir, str(Path.cwd())}
    own = [entry for entry in sys.path if entry in here]
    if own:
        sys.path[:] = [entry for entry in sys.path if entry not in here] + own[:1]
