"""Files of a run directory, read for the commands that show a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.errors import ArtifactError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from automl.runs.info import RunInfo
    from automl.types import Rung

LEADERBOARD = "leaderboard.csv"
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
    except (ValueError, TypeError) as error:
        msg = f"{run / NAME} is damaged ({error}); fit again"
        raise ArtifactError(msg) from error
    if not rungs:
        msg = f"{run} holds no result yet; go on with 'automl fit ... -o {run} --resume'"
        raise ArtifactError(msg)
    return rungs


def read_leaderboard(run: Path) -> pd.DataFrame:
    """Read the leaderboard of a run, or compute it if the journal has grown since.

    Raises:
        ArtifactError: The folder is no run, or holds no result yet.
        UsageError: The run is a study.
    """
    import pandas as pd

    from automl.runs.journal import NAME

    info, table = read_run(run), run / LEADERBOARD
    if info.study is not None:
        msg = f"{run} is a study, which has no leaderboard; see 'automl scaling {run}'"
        raise UsageError(msg)
    if table.is_file() and not _newer(run / NAME, table):
        return pd.read_csv(
            table, keep_default_na=False, na_values=[""], dtype=dict.fromkeys(COUNTS, "Int64")
        )
    read_rungs(run)
    from automl.hooks.manager import get_host
    from automl.leaderboard import leaderboard

    return leaderboard(run, info.judged_by(get_host().metrics().values()))


def _newer(first: Path, second: Path) -> bool:
    return first.is_file() and first.stat().st_mtime_ns > second.stat().st_mtime_ns
