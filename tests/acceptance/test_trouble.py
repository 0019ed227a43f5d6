"""Troubles of the driver: each costs what depends on it, and the rest is concluded."""

from __future__ import annotations

import errno
import json
import os
import signal
import threading
import time
import warnings
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from automl import AutoML, Ensembler
from automl.data.views import Views
from automl.errors import ArtifactError, StoppedError
from automl.hooks.bounded import guarded
from automl.hooks.manager import Host
from automl.metrics import get_metric
from automl.runs import journal
from automl.runs.journal import read_journal
from automl.workflow import ending

QUICK = {"trials": 4, "time_limit": None, "cpus": 1, "metric": "accuracy"}
LEARNERS = ["linear", "decision_tree", "hist_gradient_boosting"]


@pytest.fixture
def table(ray_here, customers):
    return customers.head(300)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr("automl.workflow.state.patience", lambda limit: 0.5)


def hang(*_, **__):
    while True:
        time.sleep(0.001)


def fit(table, folder, **options):
    """Fit, and give what was said, what is there and how it ended."""
    auto = AutoML(**QUICK, learner=LEARNERS, output=folder / "run", **options)
    told: list[str] = []
    auto._observer = lambda: SimpleNamespace(say=told.append, show=lambda _: None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            auto.fit(table, "churned")
        except KeyboardInterrupt:
            told.append("interrupted")
    warned = [str(one.message) for one in caught if one.category is UserWarning]
    info = json.loads((folder / "run" / "run.json").read_text())
    board = pd.read_csv(folder / "run" / "leaderboard.csv").set_index("learner")
    assert board["rank"].notna().any()
    assert len(auto.predict(table)) == len(table)
    return SimpleNamespace(told=told, warned=warned, info=info, board=board, run=folder / "run")


def odd_metric(monkeypatch, act):
    """Let the driver's metric do something odd at each call, told its number."""
    calls = []

    def score(y, prediction):
        calls.append(1)
        act(len(calls))
        return float((prediction.argmax(axis=1) == y).mean())

    def found(name, task, extra=()):
        metric = replace(get_metric(name, task, extra), score=score, influence=None)
        return guarded(metric, 0.5)

    monkeypatch.setattr("automl.workflow.prepare.get_metric", found)


def raises_when(wrong):
    def act(number):
        if wrong(number):
            msg = "no luck"
            raise RuntimeError(msg)

    return act


def test_a_metric_that_raises_once_does_not_end_the_run(monkeypatch, table, tmp_path):
    odd_metric(monkeypatch, raises_when(lambda number: number == 5))
    found = fit(table, tmp_path)
    assert not any(r.status == "failed" for r in read_journal(found.run))
    assert found.info["status"] == "done"
    assert not found.warned


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (raises_when(lambda number: number >= 5), "the metric accuracy raised RuntimeError"),
        (lambda number: hang() if number >= 5 else None, "the metric accuracy did not answer"),
    ],
    ids=["raises", "hangs"],
)
def test_a_metric_that_fails_for_good_stops_the_run(monkeypatch, table, tmp_path, act, told):
    odd_metric(monkeypatch, act)
    found = fit(table, tmp_path)
    assert told in found.warned[0]
    assert "resume=True" in found.warned[0]
    assert found.info["status"] == "stopped"
    assert told in found.info["reason"]
    assert found.info["metric"]["name"] == "roc_auc"
    assert any("the leaderboard is by roc_auc instead" in line for line in found.told)


def test_an_ensembler_that_never_returns_costs_its_row(monkeypatch, table, tmp_path):
    stuck = Ensembler(
        name="stuck",
        tasks=frozenset({"binary"}),
        factory=lambda seed: SimpleNamespace(fit=hang),
    )
    usual = Host.ensemblers
    monkeypatch.setattr(Host, "ensemblers", lambda self: {"stuck": stuck, **usual(self)})
    found = fit(table, tmp_path)
    assert found.board.loc["stuck", "status"] == "failed"
    assert "did not answer within" in found.board.loc["stuck", "reason"]
    assert found.board.loc["ensemble", "status"] == "ok"
    assert found.info["status"] == "done"


def test_an_observer_that_hangs_costs_what_it_would_record(monkeypatch, table, tmp_path):
    monkeypatch.setattr(Host, "rung_finished", hang)
    found = fit(table, tmp_path)
    assert any("hangs: it is not told the last fits" in line for line in found.told)
    assert found.info["status"] == "done"


def test_a_view_that_cannot_be_made_costs_its_learners(monkeypatch, table, tmp_path):
    def broken(self):
        msg = "no matrix today"
        raise RuntimeError(msg)

    monkeypatch.setattr(Views, "_frame", broken)
    found = fit(table, tmp_path)
    lost = found.board.loc["hist_gradient_boosting"]
    assert lost["status"] == "not_reached"
    assert "the view frame" in lost["reason"]
    assert "no matrix today" in lost["reason"]
    assert found.board.loc["linear", "status"] == "ok"
    assert not any(r.status == "failed" for r in read_journal(found.run))


@contextmanager
def full_from(monkeypatch, number, name):
    """A disk that is full from the n-th call of a function of the journal on."""
    usual, calls = getattr(journal, name), []

    def write(*args):
        calls.append(1)
        if len(calls) >= number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(args[0]))
        return usual(*args)

    with monkeypatch.context() as patch:
        patch.setattr(journal, name, write)
        yield


@pytest.mark.parametrize("name", ["append_line", "write_array", "write_folder"])
def test_a_full_disk_stops_the_run_which_goes_on_later(monkeypatch, table, tmp_path, name):
    with full_from(monkeypatch, 4, name):
        found = fit(table, tmp_path)
    assert "No space left on device" in found.warned[0]
    assert found.info["status"] == "stopped"
    before = read_journal(found.run)
    again = fit(table, tmp_path, resume=True)
    assert again.info["status"] == "done"
    assert read_journal(found.run)[: len(before)] == before
    assert len(read_journal(found.run)) > len(before)


def test_without_a_model_the_trouble_is_raised(monkeypatch, table, tmp_path):
    with (
        full_from(monkeypatch, 1, "append_line"),
        pytest.raises(StoppedError, match="stopped before the first model: No space left"),
    ):
        AutoML(**QUICK, output=tmp_path / "run", verbose=False).fit(table, "churned")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "stopped"


def test_sigterm_ends_with_leaderboard_and_model(monkeypatch, table, tmp_path):
    usual, calls = journal.append_line, []

    def write(*args):
        usual(*args)
        calls.append(1)
        if len(calls) == 5:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(journal, "append_line", write)
    monkeypatch.setattr(ending, "TERMINATED", threading.Event())  # of this test alone
    found = fit(table, tmp_path)
    assert ending.TERMINATED.is_set()
    assert found.told[-1] == "interrupted"
    assert found.info["status"] == "interrupted"


def test_another_encoder_is_refused_and_nothing_changes(monkeypatch, table, tmp_path):
    found = fit(table, tmp_path)

    def files():
        every = (file for file in found.run.rglob("*") if file.is_file())
        return {str(file): file.read_bytes() for file in every}

    before, usual = files(), Views._scale
    monkeypatch.setattr(Views, "_scale", lambda self, kind: usual(self, "plain_tensors"))
    with pytest.raises(ArtifactError, match="encoded otherwise"):
        fit(table, tmp_path, resume=True)
    assert files() == before


def test_other_libraries_are_said_loudly(monkeypatch, table, tmp_path):
    found = fit(table, tmp_path)
    then = found.info["versions"]
    other = {**then, "numpy": "99.0"}
    monkeypatch.setattr("automl.workflow.resume.versions", lambda: other)
    monkeypatch.setattr("automl.workflow.describe.versions", lambda: other)
    again = fit(table, tmp_path, resume=True)
    (warning,) = (line for line in again.told if line.startswith("WARNING"))
    assert f"numpy {then['numpy']} (here 99.0)" in warning
    assert again.info["versions"] == then
    assert again.info["resumed_with"] == other


def test_results_that_cannot_be_written_are_told_and_concluded_by_a_run_that_goes_on(
    table, tmp_path, monkeypatch
):
    full = OSError(errno.ENOSPC, "No space left on device")

    def refuse(*_):
        raise full

    options = QUICK | {"learner": LEARNERS, "output": tmp_path / "run", "verbose": False}
    with monkeypatch.context() as patched:
        patched.setattr("automl.workflow.conclude.write_leaderboard", refuse)
        with pytest.raises(StoppedError, match="stopped: No space left on device"):
            AutoML(**options).fit(table, "churned")
    before = read_journal(tmp_path / "run")
    again = AutoML(**options | {"resume": True}).fit(table, "churned")
    assert read_journal(tmp_path / "run")[: len(before)] == before
    assert again.leaderboard_["rank"].notna().any()
