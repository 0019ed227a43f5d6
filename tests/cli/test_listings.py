from __future__ import annotations

import json

import pytest

from automl import Learner, Prior, hookimpl
from automl.cli import doctor as doctor_module
from automl.hooks.manager import Host


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


def test_one_learner_tells_its_needs(automl):
    _, out, _ = automl("learners", "ft_transformer", "--json")
    details = json.loads(out)
    assert details["api_version"] == 2
    assert details["libraries"] == ["torch"]
    assert set(details["prior"]) == {"share", "source"}
    assert details["scale_out"] is None
    assert (details["weights"], details["warm_start"]) == (True, False)
    small, large = details["memory"]
    assert (small["rows"], large["rows"]) == (1_000, 1_000_000)
    assert 2**30 <= small["bytes"] < large["bytes"]
    _, text, _ = automl("learners", "ft_transformer")
    lines = dict(line.split(maxsplit=1) for line in text.splitlines() if " " in line)
    assert lines["libraries"] == "torch"
    assert "on 1,000,000 rows of 20 columns" in lines["memory"]
    assert lines["weights"] == "yes"
    _, text, _ = automl("learners", "linear")
    assert "not declared" in text


class Trees:
    """A plugin with a learner that declares all it can, and one whose declaration is wrong."""

    @hookimpl
    def automl_learners(self):
        common = {"family": "classical", "tasks": frozenset({"binary"}), "view": "matrix"}
        yield Learner(
            **common,
            name="oak",
            factory="oak:build",
            libraries=("wood", "bark"),
            memory=lambda rows, columns: 8 * rows * columns,
            prior=Prior(0.4, "A study of 104 data sets."),
            weights=True,
            warm_start=True,
            scale_out="oak.nodes:build",
        )
        yield Learner(
            **common, name="elm", factory="elm:build", memory=lambda rows, columns: "8 GB"
        )


@pytest.fixture
def trees(monkeypatch):
    own = Host()
    own.register(Trees(), name="trees")
    monkeypatch.setattr("automl.hooks.manager.get_host", lambda: own)


def test_all_that_can_be_declared_is_shown(automl, trees, tmp_path):
    _, out, _ = automl("learners", "oak", "--json")
    details = json.loads(out)
    assert details["memory"][0] == {"rows": 1_000, "columns": 20, "bytes": 160_000}
    assert details["prior"] == {"share": 0.4, "source": "A study of 104 data sets."}
    assert details["scale_out"] == "oak.nodes:build"
    assert (details["weights"], details["warm_start"]) == (True, True)
    _, text, _ = automl("learners", "oak")
    assert "wood, bark" in text
    assert "160 kB on 1,000 rows and 160 MB on 1,000,000 rows of 20 columns" in text
    assert "40%: A study of 104 data sets." in text
    automl("learners", "oak", "--pages", tmp_path)
    page = (tmp_path / "oak.md").read_text("utf-8")
    assert "| imports | `wood`, `bark` |" in page
    assert "| carries weight | on 40% of tables: A study of 104 data sets. |" in page
    assert "| several nodes | by `oak.nodes:build` |" in page


def test_a_wrong_declaration_is_told_and_breaks_no_listing(automl, trees, tmp_path):
    code, out, _ = automl("learners", "elm", "--json")
    details = json.loads(out)
    assert (code, details["available"]) == (0, False)
    assert details["reason"].startswith("its memory(1000, 10) is '8 GB'; give bytes")
    code, text, _ = automl("learners", "elm")
    assert code == 0
    assert "its memory(1000, 10) is '8 GB'" in text
    assert automl("learners", "--pages", tmp_path)[0] == 0


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
