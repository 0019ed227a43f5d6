from __future__ import annotations

import json

import pytest

from automl.cli import doctor as doctor_module


def test_learners_json_has_the_contracted_fields(automl):
    code, out, _ = automl("learners", "--json")
    rows = json.loads(out)
    assert code == 0
    assert all(
        set(row) == {"name", "family", "tasks", "package", "extra", "available", "reason"}
        for row in rows
    )
    found = {row["name"]: row for row in rows}
    assert found["linear"]["family"] == "classical"
    assert found["linear"]["package"] == "automl_sklearn"
    assert "binary" in found["linear"]["tasks"]
    assert found["mlp"]["extra"] == "torch"


def test_learners_table_has_a_row_each(automl):
    _, out, _ = automl("learners", "--json")
    _, table, _ = automl("learners")
    assert len(table.splitlines()) == 1 + len(json.loads(out))


def test_one_learner_tells_its_space_and_defaults(automl):
    code, out, _ = automl("learners", "hist_gradient_boosting", "--json")
    details = json.loads(out)
    assert code == 0
    assert details["view"] == "frame"
    assert {dimension["kind"] for dimension in details["space"].values()} <= {
        "Float",
        "Int",
        "Choice",
    }
    assert details["defaults"]
    _, text, _ = automl("learners", "hist_gradient_boosting")
    for name in details["space"]:
        assert f"space {name}" in text


def test_an_unknown_learner_suggests(automl):
    code, out, err = automl("learners", "hist_gradient_bosting")
    assert (code, out) == (2, "")
    assert "hist_gradient_boosting" in err


def test_metrics_name_the_default_of_each_task(automl):
    code, out, _ = automl("metrics", "--json")
    rows = json.loads(out)
    assert code == 0
    defaults = {task: row["name"] for row in rows for task in row["default_for"]}
    assert defaults == {
        "binary": "roc_auc",
        "anomaly": "roc_auc",
        "multiclass": "log_loss",
        "regression": "rmse",
    }
    _, table, _ = automl("metrics")
    assert len(table.splitlines()) == 1 + len(rows)


def test_plugins_list_tells_where_they_come_from(automl):
    code, out, _ = automl("plugins", "list", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert code == 0
    assert set(rows["sklearn"]) == {"name", "distribution", "version", "status", "reason"}
    assert rows["sklearn"]["status"] == "ok"
    _, table, _ = automl("plugins", "list")
    assert "sklearn" in table


def test_doctor_finds_what_a_fit_needs(automl):
    code, out, _ = automl("doctor", "--json")
    found = {finding["name"]: finding for finding in json.loads(out)}
    assert code == 0
    assert {"automl", "Python", "CPUs", "memory", "GPU", "Ray Tune", "learners"} <= set(found)
    assert all(finding["status"] in {"ok", "note"} for finding in found.values())


def test_doctor_exits_1_when_nothing_can_be_trained(automl, monkeypatch):
    monkeypatch.setattr(doctor_module, "find_spec", lambda _: None)
    code, out, _ = automl("doctor")
    assert code == 1
    bad = [line for line in out.splitlines() if line.startswith("bad")]
    assert len(bad) == 1
    assert "pip install 'ray[tune]'" in bad[0]


@pytest.mark.parametrize("answer", ["NVIDIA X, 80 GiB\n", None])
def test_doctor_asks_the_driver_for_gpus(monkeypatch, tmp_path, answer):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\n" + (f"printf '{answer}'" if answer else "exit 9") + "\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (finding,) = [f for f in doctor_module._machine() if f.name == "GPU"]
    assert ("NVIDIA X" in finding.value) == (answer is not None)
    if answer is None:
        assert finding.status == "note"
