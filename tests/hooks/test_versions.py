"""A plugin written for plugin API 1, installed and left as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PLUGIN = """
import numpy as np

import automl

api_version = 1


@automl.hookimpl
def automl_learners():
    yield automl.Learner(
        name="old_means",
        family="classical",
        tasks=frozenset({"binary", "multiclass"}),
        view="matrix",
        factory="old_plugin:Means",
        space={"shrink": automl.Float(0.1, 1.0)},
        defaults=({"shrink": 1.0},),
        resources=lambda schema: automl.Resources(memory=2**20, cost=0.5),
        api_version=1,
        summary="Nearest class mean.",
    )


class Means:
    def __init__(self, config, task, n_classes):
        self.shrink, self.classes = float(config["shrink"]), n_classes

    def fit(self, train, stop, run):
        held = [train.X[train.y == code] for code in range(self.classes)]
        self.means = self.shrink * np.stack([rows.mean(axis=0) for rows in held])

    def predict(self, view):
        near = np.exp(-((view.X[:, None] - self.means) ** 2).sum(axis=2))
        return near / near.sum(axis=1, keepdims=True)

    def save(self, folder):
        np.save(folder / "means.npy", self.means)

    def load(self, folder):
        self.means = np.load(folder / "means.npy", allow_pickle=False)
"""
TRAIN = """
import numpy as np
from automl.workers.evaluate import FitRequest, RungData, run_rung
y = np.arange(240) % 3
X = (np.eye(3)[y] * 3 + np.random.default_rng(0).normal(size=(240, 3)) / 3).astype(np.float32)
data = RungData(X[:200], y[:200], n_stop=0, validation_X=X[200:])
order = FitRequest("old_means", {"shrink": 1.0}, 0, "multiclass", 3, "log_loss", save=True)
done = run_rung(order, data, lambda _: None)
assert (done.status, done.reason) == ("ok", ""), done
assert set(done.model) == {"means.npy"}
print((done.predictions[""].argmax(axis=1) == y[200:]).mean())
"""
CHECK = """
from automl.testing import check_learner
names = ["declaration", "builds", "libraries", "memory"]
for outcome in check_learner("old_means", checks=names, tasks=["binary"]):
    print(outcome.check, outcome.status)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Run code or a command where the plugin is installed; what it printed."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "old_plugin.py").write_text(PLUGIN, "utf-8")
    info = folder / "old_plugin-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: old-plugin\nVersion: 0.1\n", "utf-8"
    )
    (info / "entry_points.txt").write_text("[automl]\nold = old_plugin\n", "utf-8")
    path = os.pathsep.join([str(folder), *filter(None, sys.path)])

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_it_is_listed_and_told_what_changed(python):
    plugins = json.loads(python("-m", "automl", "plugins", "list", "--json"))
    (row,) = [row for row in plugins if row["name"] == "old"]
    assert (row["distribution"], row["status"]) == ("old-plugin", "ok")
    assert row["reason"].startswith("made for plugin API 1; changed since in 2: ")
    assert row["reason"].count("changed since") == 1


def test_its_learner_has_the_defaults_of_what_is_new(python):
    learners = json.loads(python("-m", "automl", "learners", "--json"))
    (row,) = [row for row in learners if row["name"] == "old_means"]
    assert (row["available"], row["reason"]) == (True, "")
    details = json.loads(python("-m", "automl", "learners", "old_means", "--json"))
    assert details["api_version"] == 1
    assert details["libraries"] == []
    assert [details[name] for name in ("memory", "prior", "scale_out")] == [None, None, None]
    assert (details["weights"], details["warm_start"]) == (False, False)


def test_its_learner_trains_and_is_saved(python):
    assert float(python("-c", TRAIN)) > 0.9


def test_the_kit_checks_it_as_any_other(python):
    outcomes = dict(line.split() for line in python("-c", CHECK).splitlines())
    assert outcomes == dict.fromkeys(("declaration", "builds", "libraries", "memory"), "passed")
