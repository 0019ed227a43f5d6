"""The example plugins of the guide, installed, found, searched over on two workers, and ranked."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from automl.runs.journal import read_journal
from tests.environment import Environment

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
NAMES = {"ebm": "automl-ebm", "snn": "automl-snn", "gmean": "automl-gmean"}


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    pytest.importorskip("interpret")
    made = Environment(tmp_path_factory.mktemp("environment"))
    made.install(*(EXAMPLES / name for name in NAMES.values()))
    return made


@pytest.fixture(scope="module")
def searched(environment):
    """A run over both learners that optimises the metric."""
    done = environment.automl(
        *("fit", "sklearn:iris", "-t", "target", "-o", "run", "--metric", "gmean"),
        *("--learner", "ebm", "--learner", "snn", "--trials", "5", "--cpus", "2"),
        *("--preset", "quick", "--folds", "2"),
        cwd=environment.folder,
    )
    assert done.returncode == 0, done.stderr
    run = environment.folder / "run"
    board = pd.read_csv(run / "leaderboard.csv").set_index("learner")
    info = json.loads((run / "run.json").read_text("utf-8"))
    return SimpleNamespace(board=board, info=info, rungs=read_journal(run), run=run)


def test_every_example_is_named_here():
    folders = {path.parent for path in EXAMPLES.glob("*/pyproject.toml")}
    assert {folder.name for folder in folders} == set(NAMES.values())
    for folder in folders:
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        (plugin,) = project["entry-points"]["automl"]
        assert NAMES[plugin] == project["name"] == folder.name


def test_they_are_found(environment):
    done = environment.automl("plugins", "list", "--json", cwd=environment.folder)
    found = {row["name"]: row for row in json.loads(done.stdout)}
    for plugin, distribution in NAMES.items():
        row = found[plugin]
        assert (row["distribution"], row["status"], row["reason"]) == (distribution, "ok", "")


def test_they_are_searched_over_on_two_workers(searched):
    assert searched.info["machine"]["cpus"] == 2
    assert searched.info["metric"] == {"name": "gmean", "greater_is_better": True}
    assert {rung.status for rung in searched.rungs} == {"ok"}
    assert all(0 <= rung.score <= 1 for rung in searched.rungs)
    configurations = {(rung.learner, rung.trial) for rung in searched.rungs}
    assert len([name for name, _ in configurations if name in {"ebm", "snn"}]) >= 4


def test_they_are_ranked(searched):
    for learner in ("ebm", "snn"):
        row = searched.board.loc[learner]
        assert (row["status"], row["plugin"]) == ("ok", NAMES[learner])
        assert row["score"] > 0.85
        assert row["rank"] < searched.board.loc["baseline", "rank"]


def test_a_model_that_skops_does_not_trust_is_ranked_and_not_saved(searched):
    assert pd.isna(searched.board.loc["ebm", "size_bytes"])
    assert searched.board.loc["snn", "size_bytes"] > 0
    saved = {path.name.partition("-")[0] for path in (searched.run / "model/members").iterdir()}
    assert "snn" in saved
    assert "ebm" not in saved


def test_what_was_saved_predicts(searched, environment):
    done = environment.automl(
        *("predict", str(searched.run), "sklearn:iris", "--learner", "snn"),
        cwd=environment.folder,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 151


@pytest.mark.slow
@pytest.mark.parametrize("plugin", NAMES)
def test_they_conform(environment, plugin):
    unsaved = ("--skip", "fresh_process", "--skip", "ray_worker") if plugin == "ebm" else ()
    done = environment.automl("plugins", "check", plugin, *unsaved, cwd=environment.folder)
    assert done.returncode == 0, done.stdout + done.stderr
