from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import pandas as pd
import pytest

from automl.cli.app import run
from automl.types import Rung

CONTENT = {
    "status": "done",
    "source": "table.csv",
    "task": "binary",
    "target": "bought",
    "metric": {"name": "roc_auc", "greater_is_better": True},
    "scored_on": "crossfit",
    "scored_rows": "all",
    "split": {"rows": 1200, "test_rows": 0, "folds": 5},
}

BOARD = pd.DataFrame(
    [
        [
            1,
            "ensemble",
            "ensemble",
            "p",
            0.91,
            0.9,
            0.92,
            0.92,
            True,
            9.0,
            50.0,
            9.0,
            3,
            9,
            "ok",
            "",
        ],
        [2, "mlp", "deep", "p", 0.9, 0.89, 0.91, 0.9, True, 4.0, 80.0, 6.0, 2, 5, "ok", ""],
        [3, "linear", "classical", "p", 0.8, 0.79, 0.81, 0.8, False, 0.5, 9e5, 1.0, 1, 4, "ok", ""],
        [
            None,
            "svm",
            "classical",
            "p",
            *[None] * 4,
            False,
            *[None] * 5,
            "skipped",
            "limit: 9 rows",
        ],
    ],
    columns=[
        *("rank", "learner", "family", "plugin", "score", "score_low", "score_high", "score_val"),
        *("ties_best", "fit_seconds", "predict_rows_per_second", "spent_seconds", "trials"),
        *("size_bytes", "status", "reason"),
    ],
)


def rung(learner: str, number: int, n: int, score: float | None, **more) -> Rung:
    values = {"rung": 0, "fold": 0, "status": "ok", "fit_seconds": n / 1000, **more}
    return Rung(
        learner=learner,
        trial=f"{learner}-{number}",
        config={"number": number},
        seed=0,
        n=n,
        score=score,
        predict_seconds=0.01,
        **values,
    )


JOURNAL = [
    rung("mlp", 0, 150, 0.7),
    rung("mlp", 1, 150, 0.75, fit_seconds=0.9),
    rung("mlp", 1, 300, 0.8, rung=1),
    rung("mlp", 1, 300, 0.99, rung=1, fold=1),
    rung("linear", 0, 150, 0.78),
    rung("linear", 1, 150, None, status="failed", reason="it broke"),
]


def write_run(folder):
    """A run directory as `fit` leaves it, without its model."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(CONTENT))
    lines = (json.dumps(asdict(rung)) for rung in JOURNAL)
    (folder / "journal.jsonl").write_text("".join(f"{line}\n" for line in lines))
    BOARD.to_csv(folder / "leaderboard.csv", index=False)
    return folder


@pytest.fixture(autouse=True)
def _no_width_asked_for(monkeypatch):
    """A user who exports COLUMNS asks for that width, in a pipe too."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def run_dir(tmp_path):
    return write_run(tmp_path / "run")


@pytest.fixture
def automl(capsys):
    """Run a command line; gives its exit code, stdout and stderr."""

    def call(*words):
        capsys.readouterr()
        code = run([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@dataclass
class Workflow:
    """Stands in for `fit_run`: keeps what it was asked, and leaves a run."""

    calls: list = field(default_factory=list)
    act: Callable = lambda *_: None

    def __call__(self, options, source, target, observer):
        self.calls.append((options, source, target))
        if not options.output.exists():
            write_run(options.output)
        self.act(options, observer)
        return options.output

    @property
    def options(self):
        return self.calls[-1][0]


@pytest.fixture
def workflow(monkeypatch, tmp_path):
    """A fake workflow, in an empty working directory."""
    fake = Workflow()
    monkeypatch.setattr("automl.workflow.fit_run", fake)
    monkeypatch.chdir(tmp_path)
    return fake
