from __future__ import annotations

import json

import pytest

from automl import Learner, Metric, hookimpl
from automl.hooks.manager import Host
from automl.testing import inspector


@pytest.fixture
def host(monkeypatch):
    """A host with a metric that is fine, and a learner that has a fault."""

    class Mine:
        @hookimpl
        def automl_metrics(self):
            yield Metric(
                name="fine",
                tasks=frozenset({"binary"}),
                greater_is_better=False,
                score=lambda y, p: float((p.argmax(axis=1) != y).mean()),
            )

        @hookimpl
        def automl_learners(self):
            yield Learner(
                name="faulty",
                family="classical",
                tasks=frozenset({"binary"}),
                view="matrix",
                factory="nowhere:build",
            )

    own = Host()
    own.register(Mine(), name="mine")
    for module in ("plugin", "learner_reference"):
        monkeypatch.setattr(f"automl.testing.{module}.get_host", lambda: own)
    monkeypatch.setattr(inspector.WorkerPool, "prepare", lambda _: None)
    return own


def test_a_metric_that_is_fine_passes(automl, host):
    code, out, _ = automl("plugins", "check", "fine")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["subject", "check", "result", "tasks", "reason"]
    assert "perfect_is_best" in out
    assert lines[-1] == "5 passed, 0 failed, 2 skipped"


def test_a_failure_has_its_reason_and_hint_and_exits_1(automl, host):
    code, out, _ = automl("plugins", "check", "faulty")
    assert code == 1
    assert "summary is empty" in out
    assert "cannot load 'nowhere:build'" in out
    assert "faulty, builds: Let `factory` name a callable" in out


def test_everything_of_a_plugin_as_json(automl, host):
    code, out, _ = automl("plugins", "check", "mine", "--json")
    rows = json.loads(out)
    assert code == 1
    assert set(rows[0]) == {"check", "subject", "task", "status", "reason", "hint"}
    assert {row["subject"] for row in rows} == {"mine", "faulty", "fine"}
    assert rows[0] == {
        "check": "loads",
        "subject": "mine",
        "task": None,
        "status": "passed",
        "reason": "",
        "hint": "",
    }


def test_checks_can_be_skipped(automl, host):
    _, out, _ = automl("plugins", "check", "faulty", "--skip", "declaration", "--json")
    assert {"builds", "fits"} <= {row["check"] for row in json.loads(out)}
    assert "declaration" not in {row["check"] for row in json.loads(out)}


@pytest.mark.parametrize("words", [("no_such",), ("mine", "--skip", "no_such")])
def test_what_does_not_exist_is_bad_usage(automl, host, words):
    code, out, err = automl("plugins", "check", *words)
    assert (code, out) == (2, "")
    assert "no_such" in err
