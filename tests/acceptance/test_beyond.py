"""Fits of what does not fit: more memory than there is, more rows than a learner takes."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from automl import AutoML, Limits
from automl.hooks.manager import get_host


@pytest.fixture
def declared(monkeypatch):
    """Change the declaration of a learner, here and not in workers."""
    host = get_host()

    def change(name, **changes):
        entry = host.learners[name]
        changed = replace(entry, learner=replace(entry.learner, **changes))
        monkeypatch.setattr(host, "_learners", host.learners | {name: changed})

    return change


@pytest.fixture
def board(ray_here, customers, declared):
    declared("decision_tree", memory=lambda rows, columns: 1e15)
    declared("naive_bayes", limits=Limits(rows=100))
    names = ["decision_tree", "naive_bayes", "linear"]
    auto = AutoML(trials=4, time_limit=None, cpus=1, metric="accuracy", learner=names)
    auto.fit(customers.head(300), "churned")
    return auto.leaderboard_.set_index("learner")


def test_what_does_not_fit_is_told_with_the_figures(board):
    tree = board.loc["decision_tree"]
    assert tree["status"] == "skipped"
    assert re.fullmatch(r"needs about 1000 TB, [\d.]+ GB allowed", tree["reason"]), tree
    bayes = board.loc["naive_bayes"]
    assert bayes["status"] == "ok"
    assert bayes["n"] == 100
    assert bayes["reason"] == "fitted on 100 of 240 rows, its limit"
    assert board.loc["linear", "n"] == 240
    assert board["reason"].isna()["linear"]
