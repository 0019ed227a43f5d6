from __future__ import annotations

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
    study = scaling.read_study(auto.run_dir_)
    tried = Counter((p.learner, p.n) for p in study.points if p.regime == "retuned")
    assert set(tried.values()) == {8}
    moved = {(p.learner, p.trial) for p in study.points if p.regime == "transferred"}
    assert len(moved) == 2, "one configuration a learner goes to every anchor"
    assert {p.family for p in study.points if p.regime == "default"} == {"baseline"}


def test_a_budget_is_judged_by_the_first_so_many_configurations(ray_here, customers, tmp_path):
    auto = AutoML(time_limit=None, learner=["linear"], cpus=2, output=tmp_path / "budget")
    auto.scale(customers, "churned", axis="budget", repeats=1, anchors=5)
    study = scaling.read_study(auto.run_dir_)
    assert study.axis == "budget"
    tried = Counter(p.n for p in study.points if p.learner == "linear")
    assert tried == {1: 1, 2: 2, 3: 3, 4: 4}


def test_an_axis_that_is_not_there_is_refused(customers):
    with pytest.raises(UsageError, match="no study along 'workers'"):
        AutoML().scale(customers, "churned", axis="workers")
