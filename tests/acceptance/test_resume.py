"""A run that goes on: with the same choices, on the same rows, and as what it was begun."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from automl import AutoML, DataError, UsageError
from automl.cli.app import run as run_command
from automl.cli.request import default_output
from automl.options import Options
from automl.runs.journal import read_journal
from automl.workflow.resume import begun_with

QUICK = {"trials": 3, "time_limit": None, "cpus": 1, "learner": ["linear", "decision_tree"]}


@pytest.fixture(scope="module")
def begun(ray_here, customers, tmp_path_factory):
    """A fit with choices of its own."""
    output = tmp_path_factory.mktemp("begun") / "run"
    own = {"metric": "log_loss", "drop": ["plan"], "positive": "yes", "seed": 7}
    held = customers.sample(60, random_state=0)
    AutoML(**QUICK, **own, test=held, output=output).fit(customers, "churned")
    return output


def again(run: Path, table: pd.DataFrame, target: str | None = None, **options):
    return AutoML(**QUICK, output=run, resume=True, **options).fit(table, target)


def test_choices_that_are_left_out_are_those_it_was_begun_with(begun, customers):
    before = read_journal(begun)
    again(begun, customers, test=customers.sample(60, random_state=0))
    info = json.loads((begun / "run.json").read_text())
    assert info["metric"]["name"] == "log_loss"
    assert info["arguments"]["drop"] == ["plan"]
    assert info["arguments"]["seed"] == 7
    assert info["scored_on"] == "test"
    assert read_journal(begun)[: len(before)] == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"metric": "roc_auc"}, "begun with --metric log_loss"),
        ({"task": "regression"}, "begun with --task auto"),
        ({"folds": 4}, "begun without --folds"),
        ({"seed": 3}, "begun with --seed 7"),
        ({"drop": ["spend"]}, "begun with --drop plan"),
        ({"target": "plan"}, "begun with --target churned"),
    ],
)
def test_other_choices_are_refused(begun, customers, options, told):
    with pytest.raises(UsageError, match=told):
        again(begun, customers, **options)


def test_the_choice_it_came_to_may_be_named(begun, customers):
    before = read_journal(begun)
    held = customers.sample(60, random_state=0)
    auto = again(begun, customers, "churned", task="binary", metric="log_loss", test=held)
    assert read_journal(begun)[: len(before)] == before
    assert auto.leaderboard_["score"].notna().any()


def test_learners_and_trials_may_change_and_else_stay(begun, customers):
    held = customers.sample(60, random_state=0)
    bare = {"cpus": 1, "test": held, "output": begun, "resume": True, "verbose": False}
    auto = AutoML(**bare).fit(customers)
    found = json.loads((begun / "run.json").read_text())
    asked = found["arguments"]
    assert (asked["trials"], asked["seconds"]) == (QUICK["trials"], None)
    ran = {row["name"] for row in found["learners"] if row["status"] == "ok"}
    assert ran == {"baseline", *QUICK["learner"]}
    auto = AutoML(**bare, learner=["naive_bayes"], trials=9).fit(customers)
    assert "naive_bayes" in set(auto.leaderboard_.query("status == 'ok'")["learner"])


def test_a_choice_that_is_made_counts_though_it_is_the_usual_one(begun, customers):
    asked = json.loads((begun / "run.json").read_text())["arguments"]
    options = Options(resume=True, seconds=300.0, learner=("linear",), left_out=frozenset())
    with pytest.raises(UsageError, match="was begun with --"):
        begun_with(options, begun, None)
    left_out = frozenset(asked) - {"seconds", "learner"}
    found = begun_with(replace(options, left_out=left_out), begun, None)
    assert (found.seconds, found.learner) == (300.0, ("linear",))
    assert (found.trials, found.seed) == (asked["trials"], 7)
    named = begun_with(Options(exclude=("mlp",)), begun, None)
    assert (named.learner, named.exclude) == ((), ("mlp",))


def test_the_command_line_knows_what_was_left_out(monkeypatch):
    given = {}
    monkeypatch.setattr("automl.workflow.fit_run", lambda options, *_: given.update(o=options))
    monkeypatch.setattr("automl.cli.fit._show", lambda _: None)
    monkeypatch.setattr("automl.cli.fit._epilogue", lambda _: "")
    words = ["fit", "x.csv", "-t", "y", "--time-limit", "5m", "--seed", "0", "-o", "run"]
    assert run_command(words) == 0
    assert not {"seconds", "seed", "output"} & given["o"].left_out
    assert {"time", "preset", "trials", "learner"} <= given["o"].left_out


def test_other_values_in_the_same_rows_are_refused(begun, customers):
    other = customers.assign(age=customers["age"].to_numpy()[::-1])
    with pytest.raises(DataError, match="the rows are not those"):
        again(begun, other, test=customers.sample(60, random_state=0))


def test_other_test_rows_are_refused(begun, customers):
    with pytest.raises(DataError, match="the test rows are not those"):
        again(begun, customers, test=customers.sample(60, random_state=1))
    with pytest.raises(DataError, match="the test rows are not those"):
        again(begun, customers)


def test_a_fit_does_not_go_on_with_a_study_nor_a_study_with_a_fit(begun, customers, tmp_path):
    study = tmp_path / "study"
    own = {"time_limit": None, "cpus": 1, "learner": ["linear"]}
    AutoML(**own, output=study).scale(customers, "churned", repeats=1, anchors=2)
    journal = read_journal(study)
    with pytest.raises(UsageError, match=r"holds a study, not a fit.*automl scale --resume"):
        again(study, customers)
    with pytest.raises(UsageError, match=r"holds a fit, not a study.*automl fit --resume"):
        AutoML(**own, output=begun, resume=True).scale(customers, "churned")
    assert read_journal(study) == journal
    assert json.loads((study / "run.json").read_text())["kind"] == "study"


def test_a_study_goes_on_with_as_many_repeats_as_it_was_begun_with(customers, ray_here, tmp_path):
    study = tmp_path / "study"
    own = {"time_limit": None, "cpus": 1, "learner": ["linear"], "output": study}
    few = {"anchors": 2, "regime": ["default"]}
    AutoML(**own).scale(customers, "churned", repeats=6, **few)
    AutoML(**own, resume=True).scale(customers, "churned", repeats=2, **few)
    assert {rung.repeat for rung in read_journal(study)} == set(range(6))
    assert json.loads((study / "run.json").read_text())["study"]["repeats"] == 6
    AutoML(**own, resume=True).scale(customers, "churned", anchors=2)
    assert json.loads((study / "run.json").read_text())["study"]["regimes"] == ["default"]
    found = begun_with(Options(repeats=7), study, None, study=True)
    assert (found.axis, found.anchors, found.repeats, found.regimes) == ("rows", 2, 7, ("default",))
    more = begun_with(Options(regime=("default", "retuned")), study, None, study=True)
    assert (more.repeats, more.regimes) == (6, ("default", "retuned"))
    with pytest.raises(UsageError, match="begun with --anchors 2"):
        AutoML(**own, resume=True).scale(customers, "churned", anchors=3)
    with pytest.raises(UsageError, match="begun with --regime default"):
        AutoML(**own, resume=True).scale(customers, "churned", regime=["retuned"], anchors=2)


def test_the_last_run_of_its_kind_goes_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, content in ((1, {}), (2, {"study": {}}), (3, {})):
        run = tmp_path / "automl-runs" / f"t-{number}"
        run.mkdir(parents=True)
        (run / "run.json").write_text(json.dumps(content))
    assert default_output("t.csv", resume=True).name == "t-3"
    assert default_output("t.csv", resume=True, study=True).name == "t-2"
    assert default_output("t.csv").name == "t-4"
    with pytest.raises(UsageError, match="no study of u"):
        default_output("u.csv", resume=True, study=True)
