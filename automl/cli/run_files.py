"""Files of a run directory, read for the commands that show a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.errors import ArtifactError, UsageError
from automl.progress import note
from automl.text import first_line

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from automl.runs.info import RunInfo
    from automl.types import Rung

LEADERBOARD = "leaderboard.csv"
NEEDED = ("rank", "learner", "family", "score", "status", "reason")
"""Columns that every version has written, some of those that are shown."""
COUNTS = ("rank", "trials", "size_bytes")
"""Columns of whole numbers, which are empty in rows without a result."""


def read_run(run: Path) -> RunInfo:
    """Read `run.json`.

    Raises:
        ArtifactError: The folder is missing, is not a run, or is damaged.
    """
    if not run.exists():
        msg = f"there is no folder {run}; give the one that 'automl fit' or 'automl scale' printed"
        raise ArtifactError(msg)
    from automl.runs import directory

    return directory.read(run)


def read_rungs(run: Path) -> list[Rung]:
    """Read the journal of a run.

    Raises:
        ArtifactError: The journal is empty or damaged.
    """
    from automl.runs.journal import NAME, read_journal

    try:
        rungs = read_journal(run)
    except (OSError, ValueError, TypeError) as error:
        msg = f"{run / NAME} is damaged ({error}); fit again"
        raise ArtifactError(msg) from error
    if not rungs:
        msg = f"{run} holds no result yet; go on with 'automl fit ... -o {run} --resume'"
        raise ArtifactError(msg)
    return rungs


def read_leaderboard(run: Path) -> pd.DataFrame:
    """Read the leaderboard of a run; compute it if it is damaged, or the journal has grown since.

    Raises:
        ArtifactError: The folder is no run, or holds no result yet.
        UsageError: The run is a study.
    """
    from automl.runs.journal import NAME

    info, table = read_run(run), run / LEADERBOARD
    if info.study is not None:
        msg = f"{run} is a study, which has no leaderboard; see 'automl scaling {run}'"
        raise UsageError(msg)
    if table.is_file() and not _newer(run / NAME, table):
        try:
            return _read_table(table)
        except (OSError, ValueError) as error:
            note(f"{table} is damaged ({first_line(error)}): made anew from the journal")
    read_rungs(run)
    from automl.hooks.manager import get_host
    from automl.leaderboard import leaderboard

    return leaderboard(run, info.judged_by(get_host().metrics().values()))


def _read_table(file: Path) -> pd.DataFrame:
    """Read a `leaderboard.csv`.

    Raises:
        ValueError: It is none, or is damaged.
    """
    import pandas as pd

    whole = dict.fromkeys(COUNTS, "Int64")
    table = pd.read_csv(file, keep_default_na=False, na_values=[""], dtype=whole)
    if missing := [name for name in NEEDED if name not in table.columns]:
        msg = f"it lacks the column {missing[0]}"
        raise ValueError(msg)
    return table


def _newer(first: Path, second: Path) -> bool:
    return first.is_file() and first.stat().st_mtime_ns > second.stat().st_mtime_ns
