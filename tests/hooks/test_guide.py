"""The Python blocks of the plugin guide run as they stand."""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.cli import extensions
from automl.cli.app import run as automl
from automl.hooks import versions
from automl.hooks.manager import Host
from automl.metrics import get_metric
from automl.types import API_VERSION, Learner, Rung, View
from automl.workers import evaluate
from automl.workers.evaluate import FitRequest, RungData, run_rung

GUIDE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", GUIDE, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A block of the guide as an importable module, found by words in it."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(words, name):
        (source,) = [block for block in BLOCKS if words in block]
        (tmp_path / f"{name}.py").write_text(source, "utf-8")
        monkeypatch.delitem(__import__("sys").modules, name, raising=False)
        return import_module(name)

    return write


def host(module):
    made = Host()
    made.register(module)
    (status,) = made.plugins
    assert (status.status, status.reason) == ("ok", "")
    return made


def fitted(made, name, monkeypatch):
    """The result of a worker given an order to fit a learner on three separable classes."""
    monkeypatch.setattr(evaluate, "get_host", lambda: made)
    rng = np.random.default_rng(0)
    y = np.arange(240) % 3
    X = (np.eye(3)[y] * 3 + rng.normal(size=(240, 3))).astype(np.float32)
    X.flags.writeable = y.flags.writeable = False
    data = RungData(X[:200], y[:200], n_stop=20, validation_X=X[200:])
    config = made.learner(name).defaults[0]
    order = FitRequest(name, config, 0, "multiclass", 3, "log_loss", save=True)
    outcome = run_rung(order, data, lambda _: None)
    assert (outcome.status, outcome.reason) == ("ok", "")
    assert (outcome.predictions[""].argmax(axis=1) == y[200:]).mean() > 0.8
    return outcome


def test_every_block_is_run_by_a_test_here():
    assert len(BLOCKS) == 6


def test_the_forest_is_fitted_and_saved(module, monkeypatch):
    outcome = fitted(host(module('"my_forest"', "forest_plugin")), "my_forest", monkeypatch)
    assert set(outcome.model) == {"model.json", "model.skops"}


def test_the_model_by_hand_is_fitted_stopped_and_saved(module, monkeypatch):
    outcome = fitted(host(module('name="softmax"', "my_package")), "softmax", monkeypatch)
    assert outcome.steps > 0
    assert set(outcome.model) == {"weights.npy"}


@pytest.mark.parametrize("soft_limit", [math.inf, 60.0])
def test_the_booster_is_fitted_stopped_and_saved(module, monkeypatch, tmp_path, soft_limit):
    plugin = module('name="stumps"', "my_stumps")
    made = host(plugin)
    monkeypatch.setattr(evaluate, "get_host", lambda: made)
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(600, 2)).astype(np.float32), columns=["a", "b"])
    X["c"] = pd.Categorical.from_codes(np.arange(600) % 2, ["u", "v"])
    y = 1e4 + np.sign(X["a"]).to_numpy(np.float64) + 2.0 * (X["c"] == "v")
    X.loc[::9, "b"] = np.nan
    data = RungData(X[:500], y[:500], n_stop=50, validation_X=X[500:])
    order = FitRequest("stumps", {}, 0, "regression", 0, "rmse", soft_limit=soft_limit, save=True)
    outcome = run_rung(order, data, lambda _: None)
    assert (outcome.status, outcome.reason) == ("ok", "")
    assert outcome.steps > 0
    assert np.mean((outcome.predictions[""] - y[500:]) ** 2) < 0.25 * y.var()
    assert set(outcome.model) == {"model.json", "stumps.npy"}
    for name, content in outcome.model.items():
        (tmp_path / name).write_bytes(content)
    again = plugin.build({}, "regression", 0)
    again.load(tmp_path)
    predicted = again.predict(View(X[500:], None, "regression", 0))
    np.testing.assert_array_equal(predicted, outcome.predictions[""])


def test_metric_ensembler_reader_and_observer(module, tmp_path, capsys):
    made = host(module("def automl_read", "parts_plugin"))
    metric = get_metric("median_error", "regression", made.metrics().values())
    assert metric.score(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, 9.0])) == 0.5
    weights = made.ensemblers()["average"].factory(0).fit(np.zeros((4, 9)), np.zeros(9), metric)
    np.testing.assert_allclose(weights, 0.25)
    table = pd.DataFrame({"a": [1, 2]})
    table.to_feather(tmp_path / "table.feather")
    pd.testing.assert_frame_equal(made.read(str(tmp_path / "table.feather")), table)
    table.to_csv(tmp_path / "table.csv", index=False)
    pd.testing.assert_frame_equal(made.read(str(tmp_path / "table.csv")), table)
    made.rung_finished(Rung("tree", "tree-0", {}, 2, 0, 0, 200, 0.5, 0.1, 0.1, "ok"))
    assert capsys.readouterr().out == "tree-0 2 0.5\n"


def test_the_command_counts_failures(module, monkeypatch, tmp_path, capsys):
    module("typer.Typer()", "failures_plugin")
    point = EntryPoint("failures", "failures_plugin:app", extensions.GROUP)
    monkeypatch.setattr(extensions, "entry_points", lambda group: [point])
    steps = [("oak", "failed"), ("elm", "ok"), ("oak", "failed"), ("fir", "failed")]
    lines = [json.dumps({"learner": learner, "status": status}) for learner, status in steps]
    (tmp_path / "journal.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    assert automl(["failures", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "oak  2\nfir  1\n"
    assert automl(["failures", str(tmp_path / "nowhere")]) == 2
    assert "nowhere is no run" in capsys.readouterr().err


def test_the_version_is_the_one_of_this_host():
    (block,) = [block for block in BLOCKS if block.startswith("api_version")]
    assert block == f"api_version = {API_VERSION}\n"
    assert f"has a version, {API_VERSION} so far" in GUIDE


def test_the_refusal_is_quoted_as_it_is():
    told = " ".join(GUIDE.split())
    assert versions.refusal(API_VERSION + 1) in told


def test_every_change_of_a_version_is_told():
    assert set(versions.CHANGES) == set(range(2, API_VERSION + 1))


def test_every_change_of_a_version_is_in_the_table():
    rows = re.findall(r"^\| (\d+) \|", GUIDE, flags=re.MULTILINE)
    assert set(map(int, rows)) == set(versions.CHANGES)


@pytest.mark.parametrize("field", [field.name for field in fields(Learner)])
def test_every_field_of_a_learner_is_in_the_table(field):
    assert re.search(rf"^\|[^|]*`{field}`[^|]*\|", GUIDE, flags=re.MULTILINE)


@pytest.mark.parametrize("kind", ["sklearn", "torch", "keras", "metric", "reader", "ensembler"])
def test_every_kind_of_new_plugin_is_named(kind):
    assert f"`{kind}`" in GUIDE
