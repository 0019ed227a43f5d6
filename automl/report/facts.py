"""The content of the files of a run directory; missing or damaged files are reported."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl.errors import AutoMLError
from automl.hooks.manager import get_host
from automl.leaderboard import leaderboard
from automl.runs import directory
from automl.runs.info import RunInfo
from automl.runs.journal import NAME as JOURNAL
from automl.runs.journal import read_journal
from automl.scaling import ScalingContent, read_scaling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from automl.types import Metric, Rung

BOARD = "leaderboard.csv"
SCALING = "scaling.json"
DIAGNOSTICS = "diagnostics.json"
REAL = (
    *("score", "score_low", "score_high", "score_val", "fit_seconds"),
    *("predict_rows_per_second", "spent_seconds"),
)
WHOLE = ("rank", "trials", "size_bytes")
DAMAGE = (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError)
"""Errors raised by reading a file with another layout."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The content of the files behind a report."""

    name: str
    """Name of the run's folder."""
    info: RunInfo
    """`run.json`; the default for a study without one."""
    rungs: list[Rung]
    board: list[dict[str, Any]]
    """Rows of `leaderboard.csv`, with None for empty cells."""
    scaling: ScalingContent | None
    diagnostics: dict[str, Any] | None
    ensembles: list[dict[str, Any]]
    """The content of `model/ensembles.json`."""
    best: dict[str, str]
    """Learner -> the trial that represents it."""
    missing: dict[str, str] = field(default_factory=dict)
    """File -> reason why it could not be read."""

    @property
    def study(self) -> bool:
        """True for a dedicated study, which has curves and no model."""
        return self.info.study is not None

    @property
    def ranked(self) -> list[dict[str, Any]]:
        """Rows of the leaderboard that have a rank, best first."""
        return [row for row in self.board if row["rank"] is not None]

    @property
    def metric(self) -> tuple[str, bool]:
        """Name of the metric, and its direction."""
        if self.info.metric.name:
            return self.info.metric.name, self.info.metric.greater_is_better
        if self.scaling is not None:
            return self.scaling.metric, self.scaling.greater_is_better
        return "score", True

    @property
    def places(self) -> dict[str, int]:
        """Map learners to their places on the leaderboard, best first, those without a rank last.

        In a study, which has no leaderboard, by the score where the families are compared.
        """
        if not self.study:
            return {row["learner"]: place for place, row in enumerate(self.board)}
        ranked = [] if self.scaling is None else self.scaling.best_first
        return {name: place for place, name in enumerate(ranked)}


def read_facts(run: Path) -> Facts:
    """Read the files of a run that exist.

    Args:
        run: The run directory, finished or not.

    Raises:
        ArtifactError: The directory is no run, or its `run.json` is damaged.
    """
    missing: dict[str, str] = {}

    def load(name: str, read: Callable[[Path], Any], otherwise: Any) -> Any:
        if not (run / name).is_file():
            missing[name] = f"{name} is not there"
            return otherwise
        try:
            return read(run / name)
        except (OSError, *DAMAGE) as error:
            missing[name] = f"{name} is damaged ({error})"
            return otherwise

    def make(name: str, now: Callable[[Path, Metric], Any], otherwise: Any) -> Any:
        try:
            return now(run, info.judged_by(get_host().metrics().values()))
        except (AutoMLError, *DAMAGE) as error:
            missing[name] = f"{name} is not there yet ({error})"
            return otherwise

    bare = not (run / directory.NAME).exists() and (run / SCALING).is_file()
    info = RunInfo() if bare else directory.read(run)
    rungs = load(JOURNAL, read_journal, [])
    if info.status == "running" and rungs:  # the two files are written at its end
        board = [] if info.study is not None else make(BOARD, _board_now, [])
        scaling = make(SCALING, _scaling_now, None)
    else:
        board, scaling = load(BOARD, _board, []), load(SCALING, _scaling, None)
    return Facts(
        name=run.resolve().name,
        info=info,
        rungs=rungs,
        board=board,
        scaling=scaling,
        diagnostics=load(DIAGNOSTICS, _object, None),
        ensembles=load("model/ensembles.json", _json, []),
        best=load("model/artifact.json", lambda file: dict(_object(file)["best"]), {}),
        missing=missing,
    )


def _json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _object(file: Path) -> dict[str, Any]:
    content = _json(file)
    if not isinstance(content, dict):
        msg = f"it holds a {type(content).__name__}"
        raise TypeError(msg)
    return content


def _board(file: Path) -> list[dict[str, Any]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return [_row(row) for row in csv.DictReader(lines)]


def _board_now(run: Path, metric: Metric) -> list[dict[str, Any]]:
    """The leaderboard of the finished rungs."""
    table = leaderboard(run, metric).to_csv(index=False)
    return [_row(row) for row in csv.DictReader(io.StringIO(table))]


def _scaling(file: Path) -> ScalingContent:
    return ScalingContent.from_json(_object(file))


def _scaling_now(run: Path, metric: Metric) -> ScalingContent:
    """The verdicts on the finished rungs."""
    return read_scaling(run, metric).content


def _row(row: dict[str, str]) -> dict[str, Any]:
    typed: dict[str, Any] = dict(row)
    for name in REAL:
        typed[name] = float(row[name]) if row[name] else None
    for name in WHOLE:
        typed[name] = int(float(row[name])) if row[name] else None
    for name in ("ties_best", "time_limited"):  # leaderboards of earlier versions lack the latter
        typed[name] = row.get(name, "").lower() == "true"
    return typed
