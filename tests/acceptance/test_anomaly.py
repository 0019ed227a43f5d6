"""Looking for anomalies from table to predictions: real Ray, real files, made-up tables."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from automl import AutoML, DataError, UsageError
from automl.cli.app import run
from automl.runs.journal import read_journal

DETECTORS = ["isolation_forest", "local_outlier_factor"]
FIT = {
    "task": "anomaly",
    "trials": 3,
    "time_limit": None,
    "cpus": 1,
    "learner": DETECTORS,
    "folds": 2,
}


@pytest.fixture(scope="module")
def sensors() -> pd.DataFrame:
    """Three numbers, one with gaps, and a category; one row in twenty is far out."""
    rng = np.random.default_rng(3)
    n = 400
    table = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    table["mode"] = rng.choice(["idle", "busy"], n)
    odd = rng.random(n) < 0.05
    table.loc[odd, ["a", "b"]] += 5.0
    table.loc[odd, "mode"] = "alarm"
    table.loc[rng.random(n) < 0.05, "c"] = np.nan
    return table.assign(state=np.where(odd, "broken", "fine"))


@pytest.fixture(scope="module")
def blind(ray_here, sensors, tmp_path_factory):
    """A fit that never saw a label."""
    output = tmp_path_factory.mktemp("blind") / "run"
    return AutoML(**FIT, contamination=0.05, output=output).fit(sensors.drop(columns="state"))


@pytest.fixture(scope="module")
def judged(ray_here, sensors, tmp_path_factory):
    """A fit like it with labels to score by, a few of them blank."""
    output = tmp_path_factory.mktemp("judged") / "run"
    table = sensors.copy()
    table.loc[table.index[:10], "state"] = None
    return AutoML(**FIT, contamination=0.05, output=output).fit(table, "state")


def test_without_labels_detectors_are_ranked_by_the_criterion(blind):
    info = json.loads((blind.run_dir_ / "run.json").read_text())
    assert info["target"] is None
    assert info["metric"] == info["choice"] == {"name": "consensus", "greater_is_better": True}
    board = blind.leaderboard_.set_index("learner")
    ok = board[board["status"] == "ok"]
    assert {*DETECTORS, "baseline", "ensemble", "ensemble_classical"} == set(ok.index)
    assert ok["score"].between(0, 1).all()
    assert board.loc["baseline", "score"] == 0.5
    assert board.loc["isolation_forest", "score"] > 0.8
    assert not (blind.run_dir_ / "predictions" / "labels.npy").exists()


def test_labels_score_and_do_nothing_else(blind, judged, sensors):
    """Two fits on the same table, with and without labels, differ in what is reported alone."""
    info = json.loads((judged.run_dir_ / "run.json").read_text())
    assert info["metric"]["name"] == "roc_auc"
    assert info["choice"]["name"] == "consensus"
    board = judged.leaderboard_.set_index("learner")
    assert board.loc["baseline", "score"] == 0.5
    assert board.loc["ensemble", "score"] > 0.9
    assert (board.loc[DETECTORS, "score_low"] < board.loc[DETECTORS, "score"]).all()
    # what was trained, how it was chosen and what it says are the same as without
    scores = [[r.score for r in read_journal(auto.run_dir_)] for auto in (blind, judged)]
    assert scores[0] == scores[1]
    np.testing.assert_array_equal(blind.anomaly_scores(sensors), judged.anomaly_scores(sensors))


def test_the_share_with_the_highest_scores_is_flagged(blind, sensors):
    flags = blind.predict(sensors)
    assert set(np.unique(flags)) == {0, 1}
    assert flags.mean() == pytest.approx(0.05, abs=0.02)
    scores = blind.anomaly_scores(sensors)
    assert scores[flags == 1].min() > scores[flags == 0].max()
    odd = (sensors["state"] == "broken").to_numpy()
    assert scores[odd].mean() > scores[~odd].mean() + 1
    assert blind.score(sensors, odd) > 0.9


def test_every_ranked_detector_predicts_by_its_name(blind, sensors):
    board = blind.leaderboard_
    for name in board.loc[board["status"] == "ok", "learner"]:
        assert blind.anomaly_scores(sensors.head(3), learner=name).shape == (3,)
        assert set(blind.predict(sensors.head(3), learner=name)) <= {0, 1}


def test_a_row_is_scored_alike_alone_and_after_saving(blind, sensors, tmp_path):
    whole = blind.anomaly_scores(sensors)
    again = AutoML.load(blind.save(tmp_path / "model"))
    np.testing.assert_allclose(again.anomaly_scores(sensors.iloc[[7]])[0], whole[7], atol=1e-6)


def test_the_command_line_predicts_and_evaluates(blind, judged, sensors, tmp_path, capsys):
    data = tmp_path / "sensors.csv"
    sensors.to_csv(data, index=False)

    def call(*words) -> str:
        assert run([str(word) for word in words]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    call("predict", blind.run_dir_, data, "-o", tmp_path / "p.csv")
    predicted = pd.read_csv(tmp_path / "p.csv")
    assert list(predicted.columns) == ["prediction", "score"]
    assert set(predicted["prediction"]) == {0, 1}
    for auto, more in ((judged, []), (blind, ["--target", "state"])):
        found = json.loads(call("evaluate", auto.run_dir_, data, "--json", *more))
        rows = {row["learner"]: row for row in found}
        assert set(rows["ensemble"]) == {"learner", "rows", "roc_auc", "average_precision"}
        assert rows["ensemble"]["roc_auc"] > 0.9
        assert rows["baseline"]["roc_auc"] == 0.5
        assert "anomalies" in call("leaderboard", auto.run_dir_)
        assert "isolation_forest" in call("scaling", auto.run_dir_)


def test_locked_rows_are_scored_by_their_labels(ray_here, sensors, tmp_path):
    few = FIT | {"learner": ["isolation_forest"], "trials": 2}
    auto = AutoML(**few, test_size=0.25, output=tmp_path / "run").fit(sensors, "state")
    info = json.loads((tmp_path / "run" / "run.json").read_text())
    assert info["scored_on"] == "test"
    locked = np.load(tmp_path / "run" / "predictions" / "row_ids_test.npy")
    board = auto.leaderboard_.set_index("learner")
    assert auto.score(sensors.iloc[locked]) == pytest.approx(board.loc["ensemble", "score"])


@pytest.mark.parametrize(
    ("options", "target", "told"),
    [
        ({"task": "binary", "contamination": 0.1}, "state", "--contamination"),
        ({"contamination": 0.7}, None, "between 0 and 0.5"),
        ({"metric": "roc_auc"}, None, "--target"),
        ({"test_size": 0.2}, None, "--target"),
        ({"positive": "broken"}, None, "--target"),
    ],
)
def test_what_contradicts_itself_is_refused(sensors, tmp_path, options, target, told):
    with pytest.raises((UsageError, DataError), match=told):
        AutoML(**FIT | options, output=tmp_path / "run").fit(sensors, target)


def test_a_column_that_sounds_like_labels_is_pointed_at(sensors, tmp_path, capsys):
    table = sensors.rename(columns={"state": "label"})
    with pytest.raises(UsageError):
        AutoML(**FIT, metric="roc_auc", verbose=True, output=tmp_path / "run").fit(table)
    assert "label is taken for a feature" in capsys.readouterr().err
