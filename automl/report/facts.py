"""What the files of a run directory say; a file that is missing or damaged is named, no more."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl.errors import AutoMLError
from automl.hooks.manager import get_host
from automl.leaderboard import leaderboard
from automl.metrics import run_metric
from automl.scaling import best_first, read_scaling
from automl.search import rundir
from automl.search.journal import NAME as JOURNAL
from automl.search.journal import read_journal

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
"""What reading a file of another layout can raise."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The content of the files that a report is made of."""

    name: str
    """Name of the run's folder."""
    info: dict[str, Any]
    """`run.json`; empty for a study without one."""
    rungs: list[Rung]
    board: list[dict[str, Any]]
    """Rows of `leaderboard.csv`, None for what they lack."""
    scaling: dict[str, Any] | None
    diagnostics: dict[str, Any] | None
    ensembles: list[dict[str, Any]]
    """`model/ensembles.json`."""
    best: dict[str, str]
    """Learner -> the trial that stands for it."""
    missing: dict[str, str] = field(default_factory=dict)
    """File -> why it could not be read."""

    @property
    def study(self) -> bool:
        """Whether it is a dedicated study, which has curves and no model."""
        return self.info.get("kind") == "study"

    @property
    def ranked(self) -> list[dict[str, Any]]:
        """Rows of the leaderboard that have a rank, best first."""
        return [row for row in self.board if row["rank"] is not None]

    @property
    def metric(self) -> tuple[str, bool]:
        """Name of the metric, and whether greater is better."""
        found = self.info.get("metric") or {}
        study = self.scaling or {}
        name = found.get("name") or study.get("metric") or "score"
        greater = found.get("greater_is_better", study.get("greater_is_better", True))
        return str(name), bool(greater)

    @property
    def places(self) -> dict[str, int]:
        """Learner -> its place on the leaderboard, best first, those without a rank last.

        In a study, which has none, by the score where the families are compared.
        """
        if not self.study:
            return {row["learner"]: place for place, row in enumerate(self.board)}
        ranked = [] if self.scaling is None else best_first(self.scaling)
        return {name: place for place, name in enumerate(ranked)}


def read_facts(run: Path) -> Facts:
    """Read whatever of a run is there.

    Args:
        run: The run directory, finished or not.

    Raises:
        ArtifactError: It is no run, or its `run.json` is damaged.
    """
    missing: dict[str, str] = {}

    def load(name: str, read: Callable[[Path], Any], otherwise: Any) -> Any:
        if not (run / name).is_file():
            missing[name] = f"{name} is not there"
            return otherwise
        try:
            return read(run / name)
        except (OSError, ValueError, TypeError, KeyError) as error:
            missing[name] = f"{name} is damaged ({error})"
            return otherwise

    def make(name: str, now: Callable[[Path, Metric], Any], otherwise: Any) -> Any:
        try:
            return now(run, run_metric(info, get_host().metrics().values()))
        except (AutoMLError, *DAMAGE) as error:
            missing[name] = f"{name} is not there yet ({error})"
            return otherwise

    bare = not (run / rundir.NAME).exists() and (run / SCALING).is_file()
    info = {} if bare else rundir.read(run)
    rungs = load(JOURNAL, read_journal, [])
    if info.get("status") == "running" and rungs:  # at its end these two are written
        board = [] if info.get("kind") == "study" else make(BOARD, _board_now, [])
        scaling = make(SCALING, _scaling_now, None)
    else:
        board, scaling = load(BOARD, _board, []), load(SCALING, _object, None)
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
    """The leaderboard of the steps that are done."""
    table = leaderboard(run, metric).to_csv(index=False)
    return [_row(row) for row in csv.DictReader(io.StringIO(table))]


def _scaling_now(run: Path, metric: Metric) -> dict[str, Any]:
    """The verdicts on the steps that are done."""
    return dict(read_scaling(run, metric).document)


def _row(row: dict[str, str]) -> dict[str, Any]:
    typed: dict[str, Any] = dict(row)
    for name in REAL:
        typed[name] = float(row[name]) if row[name] else None
    for name in WHOLE:
        typed[name] = int(float(row[name])) if row[name] else None
    for name in ("ties_best", "time_limited"):  # leaderboards of earlier versions lack the latter
        typed[name] = row.get(name, "").lower() == "true"
    return typed
