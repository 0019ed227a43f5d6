"""What a run directory says, read without any learner."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from automl.errors import ArtifactError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from automl.types import Metric

RUN_FILE = "run.json"
JOURNAL = "journal.jsonl"
LEADERBOARD = "leaderboard.csv"


def read_run(run: Path) -> dict[str, Any]:
    """The contents of `run.json`.

    Raises:
        ArtifactError: If the folder is missing or is not a run.
    """
    if not run.is_dir():
        msg = f"{run} is not a folder: name the folder that 'automl fit' wrote"
        raise ArtifactError(msg)
    file = run / RUN_FILE
    if not file.is_file():
        msg = f"{run} has no {RUN_FILE}: name the folder that 'automl fit' wrote"
        raise ArtifactError(msg)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        msg = f"{file} is damaged: fit again, or restore it from a copy"
        raise ArtifactError(msg)
    return content


def run_metric(content: dict[str, Any]) -> Metric:
    """The metric a run was judged by."""
    from automl.hooks.manager import get_host
    from automl.metrics import get_metric

    return get_metric(metric_name(content), task(content), get_host().metrics().values())


def metric_name(content: dict[str, Any]) -> str:
    """The metric's name."""
    metric = content["metric"]
    return str(metric["name"] if isinstance(metric, dict) else metric)


def task(content: dict[str, Any]) -> Any:
    """The task."""
    return content["schema"]["task"]


def read_leaderboard(run: Path) -> pd.DataFrame:
    """The leaderboard of a run, computed again if the journal has grown since it was written.

    Raises:
        ArtifactError: If the folder is no run, or holds no result yet.
    """
    import pandas as pd

    content = read_run(run)
    journal, table = run / JOURNAL, run / LEADERBOARD
    if table.is_file() and not _newer(journal, table):
        return pd.read_csv(table, keep_default_na=False, na_values=[""])
    if not journal.is_file():
        msg = f"{run} holds no result yet: go on with 'automl fit ... -o {run} --resume'"
        raise ArtifactError(msg)
    from automl.leaderboard import leaderboard

    return leaderboard(run, run_metric(content))


def _newer(first: Path, second: Path) -> bool:
    return first.is_file() and first.stat().st_mtime_ns > second.stat().st_mtime_ns
