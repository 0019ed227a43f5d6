"""Eight hostile plugins in one run: each costs its own row, and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from types import SimpleNamespace

import pandas as pd
import pytest

LIMIT = 45
HOSTILE = {
    "raises": "msg = 'no luck today'\n        raise RuntimeError(msg)",
    "not_a_number": "self.value = float('nan')",
    "boasts": "self.value = 1.0",
    # A regular expression that backtracks for ages holds the interpreter's lock all the while.
    "hangs": "import re\n        re.match('(a+)+$', 'a' * 60 + 'b')",
    "hoards": (
        "import numpy, time\n"
        "        while True:\n"
        "            self.hoard.append(numpy.ones(2**22))\n"
        "            time.sleep(0.02)"
    ),
    "exits": "import os\n        os._exit(0)",
    "crashes": "import ctypes\n        ctypes.string_at(0)",
}
REASONS = {
    "raises": r"RuntimeError: no luck today \(raises\.py:\d+\)",
    "not_a_number": "predicted NaN or infinite values",
    "boasts": "predicted probabilities that are below 0 or do not add up to 1",
    "hangs": r"ended after \d+ s, over its time in \w+\.py:\d+",
    "hoards": r"outgrew its memory: [\d,]+ MB of the 700 MB allowed",
    "exits": r"its process ended itself \(os\._exit\)",
    "crashes": r"its process crashed: segmentation fault in \w+\.py:\d+",
    "broken_import": r"ModuleNotFoundError: No module named 'a_library_not_there'",
}
PLUGIN = """
import automl


@automl.hookimpl
def automl_learners():
    yield automl.Learner(
        name="{name}", family="classical", tasks=frozenset({{"binary"}}), view="matrix",
        factory="{name}:Model", resources=lambda schema: automl.Resources(cost=15.0),
    )


class Model:
    def __init__(self, config, task, n_classes):
        self.value, self.hoard = 0.5, []

    def fit(self, train, stop, run):
        {act}

    def predict(self, view):
        import numpy
        return numpy.full((len(view), 2), self.value)

    def save(self, folder):
        (folder / "value").write_text(str(self.value))

    def load(self, folder):
        self.value = float((folder / "value").read_text())
"""


def install(folder, name, source):
    """Put a distribution with one plugin, a module of its own name, into a folder."""
    (folder / f"{name}.py").write_text(source)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    distribution = name.replace("_", "-")
    metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
    (info / "METADATA").write_text(metadata)
    (info / "entry_points.txt").write_text(f"[automl]\n{name} = {name}\n")


@pytest.fixture(scope="module")
def hostile_run(customers, tmp_path_factory):
    """Few rows make one rung, so that the honest learners, being cheaper, come first."""
    folder = tmp_path_factory.mktemp("hostile")
    customers.head(300).to_csv(folder / "customers.csv", index=False)
    install(folder, "broken_import", "import a_library_not_there")
    for name, act in HOSTILE.items():
        install(folder, name, PLUGIN.format(name=name, act=act))
    names = [word for name in ("xgboost", "mlp", *REASONS) for word in ("--learner", name)]
    path = os.pathsep.join([str(folder), *filter(None, sys.path)])
    began = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from automl.cli import main; main()", "fit"),
            *("customers.csv", "-t", "churned", "-o", "run", "--folds", "2"),
            *("--time-limit", f"{LIMIT}s", "--cpus", "2", "--memory", "2GB", *names),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    board = pd.read_csv(folder / "run" / "leaderboard.csv").set_index("learner")
    info = json.loads((folder / "run" / "run.json").read_text())
    return SimpleNamespace(board=board, seconds=seconds, info=info, err=done.stderr)


@pytest.mark.parametrize("name", REASONS)
def test_a_hostile_plugin_costs_its_own_row(hostile_run, name):
    row = hostile_run.board.loc[name]
    assert row["status"] == "failed"
    assert pd.isna(row["rank"])
    assert re.fullmatch(REASONS[name], row["reason"]), row["reason"]
    assert row["plugin"] == name.replace("_", "-")


def test_the_others_are_ranked(hostile_run):
    ok = hostile_run.board[hostile_run.board["status"] == "ok"]
    assert {"xgboost", "mlp", "baseline", "ensemble"} <= set(ok.index)
    assert set(hostile_run.board[hostile_run.board["status"] == "failed"].index) == set(REASONS)
    assert ok.loc["ensemble", "score"] > 0.65


def test_the_run_ends_in_time(hostile_run):
    assert hostile_run.info["status"] == "done"
    assert hostile_run.seconds < LIMIT + 15  # a slow machine starts and ends slowly
