from __future__ import annotations

import json
from collections import Counter

import pytest

from automl import AutoML, UsageError, scaling


def test_a_study_from_python_tunes_where_it_is_asked_to(ray_here, customers, tmp_path):
    auto = AutoML(
        time_limit=None,
        learner=["linear", "decision_tree"],
        cpus=2,
        output=tmp_path / "study",
    )
    found = auto.scale(
        customers, "churned", regime=["transferred", "retuned"], repeats=1, anchors=3
    )
    assert set(found.document["learners"]) == {"linear", "decision_tree"}
    assert found.document["interval"] == "one permutation"
    assert "No deep learner has a curve" in repr(found)
    study = scaling.read_study(auto.study_dir_)
    tried = Counter((p.learner, p.n) for p in study.points if p.regime == "retuned")
    assert set(tried.values()) == {8}
    moved = {(p.learner, p.trial) for p in study.points if p.regime == "transferred"}
    assert len(moved) == 2, "one configuration a learner goes to every anchor"
    assert {p.family for p in study.points if p.regime == "default"} == {"baseline"}


def test_a_budget_is_judged_by_the_first_so_many_configurations(ray_here, customers, tmp_path):
    auto = AutoML(time_limit=None, learner=["linear"], cpus=2, output=tmp_path / "budget")
    auto.scale(customers, "churned", axis="budget", repeats=1, anchors=5)
    study = scaling.read_study(auto.study_dir_)
    assert study.axis == "budget"
    tried = Counter(p.n for p in study.points if p.learner == "linear")
    assert tried == {1: 1, 2: 2, 3: 3, 4: 4}


def test_after_one_repeat_those_go_on_that_validation_puts_first(ray_here, customers, tmp_path):
    names = ["linear", "decision_tree", "naive_bayes"]
    auto = AutoML(time_limit=None, learner=names, cpus=2, output=tmp_path / "race")
    found = auto.scale(customers, "churned", regime="default", repeats=3, anchors=3, tested=1)
    study = scaling.read_study(auto.study_dir_)
    repeats = {name: {p.repeat for p in study.points if p.learner == name} for name in names}
    assert sorted(map(len, repeats.values())) == [1, 1, 3]
    top = max(p.n for p in study.points)
    seen = {p.learner: p.score_val[0] for p in study.points if p.n == top and p.repeat == 0}
    assert len(repeats[max(names, key=lambda name: seen[name])]) == 3
    left = sorted(name for name in names if len(repeats[name]) == 1)
    assert found.document["eliminated"] == left
    assert f"Only the first repeat had {left[0]} and {left[1]}" in repr(found)
    assert {p.repeat for p in study.points if p.learner == "baseline"} == {0, 1, 2}
    rows = json.loads((auto.study_dir_ / "run.json").read_text())["learners"]
    reasons = {row["name"]: row["reason"] for row in rows}
    assert {reasons[name] for name in left} == {
        "1 of 3 repeats: validation put others first in the first"
    }


def test_an_axis_that_is_not_there_is_refused(customers):
    with pytest.raises(UsageError, match="no axis 'weather'"):
        AutoML().scale(customers, "churned", axis="weather")


def test_an_axis_along_which_nothing_shows_is_refused(ray_here, customers):
    auto = AutoML(time_limit=None, learner="linear", cpus=1)
    with pytest.raises(UsageError, match="anything to show along model-size: linear"):
        auto.scale(customers, "churned", axis="model-size")


def test_models_grow_along_their_size_and_those_without_one_are_left_out(
    ray_here, customers, tmp_path
):
    names = ["random_forest", "linear", "mlp"]
    auto = AutoML(time_limit="40s", learner=names, cpus=2, output=tmp_path / "size")
    found = auto.scale(customers, "churned", axis="model-size", repeats=2, anchors=3)
    assert set(found.document["learners"]) == {"baseline", "random_forest", "mlp"}
    points = found.document["learners"]["random_forest"]["points"]
    assert [round(p["n"], 2) for p in points] == [0.71, 1.0, 1.41]
    assert len({p["score"] for p in points}) > 1
    assert "times the default model size" in repr(found)
    rows = {
        r["name"]: r for r in json.loads((auto.study_dir_ / "run.json").read_text())["learners"]
    }
    assert rows["linear"]["status"] == "skipped"
    assert rows["linear"]["reason"] == "axis: its model has no size to set"


def test_workers_are_compared_by_the_time_of_a_fit(ray_here, customers, tmp_path):
    names = ["random_forest", "linear"]
    auto = AutoML(time_limit=None, learner=names, cpus=2, output=tmp_path / "workers")
    found = auto.scale(customers, "churned", axis="workers", repeats=2)
    for name in names:
        (speedup,) = found.document["learners"][name]["speedup"]
        assert speedup["at"] == 2
        assert 0 < speedup["low"] <= speedup["times"] <= speedup["high"]
        serial = speedup["serial"]
        assert 1 / speedup["times"] == pytest.approx(serial + (1 - serial) / 2)
        fitted = found.document["learners"][name]["serial"]
        assert fitted["low"] <= fitted["value"] <= fitted["high"]
        one, two = found.document["learners"][name]["points"]
        assert one["score"] == pytest.approx(two["score"], abs=0.02)
    assert "Times as fast to train on 2 CPUs as on one: " in repr(found)


def test_one_cpu_is_too_few_to_study_workers(ray_here, customers, tmp_path):
    auto = AutoML(learner=["linear"], cpus=1, output=tmp_path / "one")
    with pytest.raises(UsageError, match="at least 2 CPUs"):
        auto.scale(customers, "churned", axis="workers")
    assert not (tmp_path / "one").exists()
