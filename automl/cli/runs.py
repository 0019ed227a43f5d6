"""What a run directory says, read without any learner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl.errors import ArtifactError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from automl.types import Rung

LEADERBOARD = "leaderboard.csv"
COUNTS = ("rank", "trials", "size_bytes")
"""Whole numbers that rows without a result lack."""


def read_run(run: Path) -> dict[str, Any]:
    """The contents of `run.json`.

    Raises:
        ArtifactError: If the folder is missing, is not a run, or is damaged.
    """
    if not run.exists():
        msg = f"there is no folder {run}; give the one that 'automl fit' or 'automl scale' printed"
        raise ArtifactError(msg)
    from automl.search import rundir

    return rundir.read(run)


def read_rungs(run: Path) -> list[Rung]:
    """The journal of a run.

    Raises:
        ArtifactError: If nothing has been journalled yet, or the journal is damaged.
    """
    from automl.search.journal import NAME, read_journal

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
    """The leaderboard of a run, computed again if the journal has grown since it was written.

    Raises:
        ArtifactError: If the folder is no run, or holds no result yet.
        UsageError: If it is a study.
    """
    import pandas as pd

    from automl.search.journal import NAME

    content, table = read_run(run), run / LEADERBOARD
    if "study" in content:
        msg = f"{run} is a study, which has no leaderboard; see 'automl scaling {run}'"
        raise UsageError(msg)
    if table.is_file() and not _newer(run / NAME, table):
        return pd.read_csv(
            table, keep_default_na=False, na_values=[""], dtype=dict.fromkeys(COUNTS, "Int64")
        )
    read_rungs(run)
    from automl.hooks.manager import get_host
    from automl.leaderboard import leaderboard
    from automl.metrics import run_metric

    return leaderboard(run, run_metric(content, get_host().metrics().values()))


def _newer(first: Path, second: Path) -> bool:
    return first.is_file() and first.stat().st_mtime_ns > second.stat().st_mtime_ns
