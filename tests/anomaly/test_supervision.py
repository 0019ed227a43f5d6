"""Rows that train, choose and score, with a target and without."""

from __future__ import annotations

import json

import numpy as np
import pytest

from automl.anomaly.supervision import Answers, supervision_of
from automl.data.schema import infer_schema, to_dataset
from automl.errors import UsageError
from automl.leaderboard import best_trials, leaderboard
from automl.metrics import CONSENSUS, get_metric, score
from automl.options import CONTAMINATION
from automl.runs.record import RunReader
from tests.fake_run import FakeRun

AUC = get_metric("roc_auc", "anomaly")


@pytest.mark.parametrize("task", ["auto", "binary", "multiclass", "regression"])
def test_a_target_trains_chooses_and_scores(task, customers):
    supervision = supervision_of(task)
    assert supervision.supervised
    assert supervision.contamination is None
    metric = get_metric("log_loss", "binary")
    assert supervision.choice_of(metric) is metric
    data = to_dataset(infer_schema(customers, target="churned"), customers)
    assert supervision.with_pseudo_labels(data, seed=0) is data
    answers = supervision.answers(data, metric)
    assert answers.truth is answers.scored is data.y
    assert answers.known.all()


def test_detectors_are_never_chosen_by_labels():
    supervision = supervision_of("anomaly")
    assert not supervision.supervised
    for name in ("roc_auc", "average_precision", "consensus"):
        assert supervision.choice_of(get_metric(name, "anomaly")) is CONSENSUS


def test_the_criterion_is_the_auc_of_the_pseudo_labels():
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    assert score(CONSENSUS, labels, scores) == pytest.approx(0.75)
    assert score(CONSENSUS, labels, np.zeros(4)) == 0.5


def test_labels_of_anomalies_score_where_they_are_known(customers):
    customers = customers.assign(churned=customers["churned"].where(customers.index >= 10))
    schema = infer_schema(customers, target="churned", task="anomaly")
    supervision = supervision_of("anomaly")
    data = supervision.with_pseudo_labels(to_dataset(schema, customers), seed=0)
    answers = supervision.answers(data, AUC)
    assert set(answers.truth) == {0, 1}
    np.testing.assert_array_equal(answers.scored, data.y)
    np.testing.assert_array_equal(answers.known, np.arange(len(customers)) >= 10)
    alone = supervision.answers(data, CONSENSUS)
    np.testing.assert_array_equal(alone.scored, answers.truth)
    assert alone.known.all()


def test_the_share_that_is_flagged_is_asked_for_or_the_usual_one():
    assert supervision_of("anomaly").contamination == CONTAMINATION
    assert supervision_of("anomaly", 0.02).contamination == 0.02
    for task, share, told in (("anomaly", 0.5, "between 0 and 0.5"), ("binary", 0.1, "--task")):
        with pytest.raises(UsageError, match=told):
            supervision_of(task, share)


@pytest.fixture
def labelled_run(tmp_path):
    """Two detectors: one agrees with the labels, the other with the pseudo-labels."""
    rng = np.random.default_rng(0)
    pseudo, labels = (rng.random((2, 600)) < 0.2).astype(np.int64)
    labels[:60] = -1
    run = FakeRun(tmp_path / "run", pseudo)
    np.save(run.predictions / "labels.npy", labels)
    for name, truth in (("by_labels", labels), ("by_pseudo_labels", pseudo)):
        run.learner(name)
        run.trial(name, 0, 2 * truth + rng.normal(size=600))
        run.trial(name, 1, rng.normal(size=600))
    file = run.path / "run.json"
    info = json.loads(file.read_text()) | {"task": "anomaly", "arguments": {"contamination": 0.03}}
    file.write_text(json.dumps(info))
    return run, Answers(pseudo, labels)


def test_a_run_directory_tells_its_supervision(labelled_run):
    run, answers = labelled_run
    record = RunReader(run.path)
    assert record.supervision == supervision_of("anomaly", 0.03)
    np.testing.assert_array_equal(record.y, answers.truth)
    np.testing.assert_array_equal(record.answers.scored, answers.scored)
    np.testing.assert_array_equal(record.answers.known, answers.known)
    first = run.fold == 0
    scored, half = record.fold0
    np.testing.assert_array_equal(scored, answers.scored[first])
    np.testing.assert_array_equal(half < 0, ~answers.known[first])


def test_a_leaderboard_is_chosen_by_pseudo_labels_and_scored_by_labels(labelled_run):
    run, _ = labelled_run
    board = leaderboard(run.path, AUC).set_index("learner")
    row = board.loc["by_pseudo_labels"]
    assert row["score_val"] > 0.7 > row["score"]
    assert best_trials(run.path, AUC)["by_pseudo_labels"] == "by_pseudo_labels-0"


def test_a_run_of_another_task_is_supervised(tmp_path):
    run = FakeRun(tmp_path / "run", np.arange(20) % 2)
    run.trial("any", 0, np.zeros((20, 2)))
    record = RunReader(run.path)
    assert record.supervision == supervision_of("binary")
    assert record.answers.labels is None
    assert record.answers.known.all()
