"""`run.json`: what is written is what is read, and older files are read as well."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from automl import ArtifactError
from automl.runs import directory
from automl.runs.info import (
    FORMAT,
    LearnerInfo,
    MachineInfo,
    MetricInfo,
    RunInfo,
    SpentInfo,
    SplitInfo,
    StudyInfo,
)

FIT = RunInfo(
    format=FORMAT,
    status="done",
    created="2026-01-01T00:00:00+00:00",
    source="t.csv",
    arguments={"seed": 7, "drop": ["a"], "seconds": None},
    versions={"automl-crossover": "1.2"},
    machine=MachineInfo(2, 10**9, "3.12", "Linux"),
    task="binary",
    target="y",
    metric=MetricInfo("roc_auc", True),
    choice=MetricInfo("log_loss", False),
    scored_on="test",
    split=SplitInfo("f", "c", "t", 900, 100, 5, True, False, {"0": 100, "3": 720}),
    learners=(
        LearnerInfo("linear", "classical", "p", "ok", ""),
        LearnerInfo("mlp", "deep", "p", "not_reached", "the run is not over"),
    ),
    schema={"columns": [{"name": "x", "kind": "number", "reason": "numbers"}]},
    phases={"read": 0.1},
    scored_rows="all",
    n_scored=100,
    best="linear",
)
STUDY = RunInfo(
    format=FORMAT,
    task="binary",
    target="y",
    spent=SpentInfo(12.5),
    study=StudyInfo("rows", 9, 7, ("default",), 5, (100.0, 200.0), (100, 200), (50,), (5, 9), "f"),
)


@pytest.mark.parametrize("info", [FIT, STUDY], ids=["fit", "study"])
def test_what_is_written_is_read(info, tmp_path):
    directory.write(tmp_path, info)
    assert directory.read(tmp_path) == info


def test_what_is_not_known_yet_is_not_in_the_file():
    begun = RunInfo(format=FORMAT, task="anomaly").to_json()
    assert begun["target"] is None
    later = {"scored_rows", "n_scored", "best", "spent", "study"}
    assert begun.keys() == {one.name for one in fields(RunInfo)} - later
    assert "kind" not in FIT.to_json()
    assert STUDY.to_json()["kind"] == "study"


def test_a_file_of_another_version_has_defaults_for_what_it_lacks(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"task": "binary", "unheard_of": 1}))
    info = directory.read(tmp_path)
    assert (info.format, info.task, info.metric, info.study) == (1, "binary", MetricInfo(), None)
    with pytest.raises(ArtifactError, match="does not name the metric"):
        info.judged_by()


@pytest.mark.parametrize("content", ["", "[]", "3", '{"metric": 3}', '{"learners": [{}]}'])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"run\.json is damaged"):
        directory.read(tmp_path)


def test_learners_get_what_became_of_them():
    after = FIT.learners_after({"mlp": ("failed", "it broke"), "unknown": ("ok", "")})
    assert after == (FIT.learners[0], LearnerInfo("mlp", "deep", "p", "failed", "it broke"))
