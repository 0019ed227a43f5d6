"""Fits as a user runs them: real Ray, real files, small tables."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine

from automl import AutoML, DataError, UsageError
from automl.runs.journal import read_journal

COLUMNS = [
    *("rank", "learner", "family", "plugin", "score", "score_low", "score_high", "score_val", "n"),
    *("ties_best", "fit_seconds", "predict_rows_per_second", "spent_seconds", "trials"),
    *("size_bytes", "status", "reason", "time_limited"),
]
TIMED = ["fit_seconds", "predict_rows_per_second", "spent_seconds"]
FEW = ["linear", "decision_tree", "mlp"]
QUICK = ["linear", "decision_tree"]
UNIGNORED = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs of a shell begin without one
from automl.cli import main
main()
"""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from automl.cli import main; main()", *arguments]


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=cwd, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture(scope="module")
def churn(ray_here, customers, tmp_path_factory):
    """A finished fit on the messy table."""
    output = tmp_path_factory.mktemp("churn") / "run"
    auto = AutoML(trials=6, time_limit=None, cpus=1, learner=FEW, output=output, seed=1)
    return auto.fit(customers, "churned"), output


def test_the_leaderboard_has_the_promised_columns_and_both_families(churn):
    auto, output = churn
    board = pd.read_csv(output / "leaderboard.csv")
    assert list(board.columns) == COLUMNS
    ok = board[board["status"] == "ok"]
    assert {"deep", "classical", "baseline", "ensemble"} <= set(ok["family"])
    assert ok["score"].between(0, 1).all()
    assert (ok["score_low"] <= ok["score"]).all()
    assert (ok["score"] <= ok["score_high"]).all()
    assert auto.leaderboard_["learner"].tolist() == board["learner"].tolist()


def test_it_learns_what_is_there_to_learn(churn):
    board = churn[0].leaderboard_.set_index("learner")
    assert board.loc["ensemble", "score"] > 0.8
    assert board.loc["baseline", "score"] == pytest.approx(0.5, abs=0.05)


def test_the_run_says_what_it_did(churn):
    info = json.loads((churn[1] / "run.json").read_text())
    assert info["format"] == 2
    assert info["status"] == "done"
    assert info["scored_on"] == "crossfit"
    assert info["scored_rows"] == "all"
    assert info["metric"] == {"name": "roc_auc", "greater_is_better": True}
    columns = {c["name"]: c for c in info["schema"]["columns"]}
    assert columns["customer"]["kind"] == "set_aside"
    assert columns["country"]["kind"] == "set_aside"
    assert all(c["reason"] for c in columns.values())
    rungs = read_journal(churn[1])
    assert len({r.key for r in rungs}) == len(rungs)
    assert len({r.trial for r in rungs}) <= 6


def test_a_ray_that_was_there_before_has_its_cpus_back(churn):
    import ray

    end = time.monotonic() + 20
    while ray.available_resources().get("CPU") != ray.cluster_resources()["CPU"]:
        assert time.monotonic() < end, "Ray still counts CPUs of the search as used"
        time.sleep(0.1)


def test_labels_come_back_as_they_were_spelled(churn, customers):
    auto, _ = churn
    assert list(auto.classes_) == ["no", "yes"]
    predicted = auto.predict(customers)
    assert set(predicted) <= {"no", "yes"}
    assert auto.score(customers) > 0.75
    proba = auto.predict_proba(customers)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)  # scikit-learn warns at 1e-8
    assert (np.asarray(auto.classes_)[proba.argmax(1)] == predicted).all()


def test_rows_are_predicted_alike_alone_and_in_any_column_order(churn, customers):
    auto, _ = churn
    whole = auto.predict_proba(customers)
    one = auto.predict_proba(customers.iloc[[17]][customers.columns[::-1]])
    np.testing.assert_allclose(one[0], whole[17], atol=1e-6)


def test_a_missing_column_is_named(churn, customers):
    with pytest.raises(DataError, match="plan"):
        churn[0].predict(customers.drop(columns="plan"))


def test_a_fresh_process_predicts_the_same_without_reading_a_pickle(churn, customers_csv, tmp_path):
    auto, _output = churn
    saved = auto.save(tmp_path / "model")
    code = f"""
import pickle
def refuse(*_, **__): raise AssertionError("a pickle was read")
pickle.load = pickle.loads = pickle.Unpickler = refuse
import numpy as np
from automl import AutoML
auto = AutoML.load({str(saved)!r})
np.save("proba.npy", auto.predict_proba({str(customers_csv)!r}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    here = auto.predict_proba(str(customers_csv))
    np.testing.assert_array_equal(np.load(tmp_path / "proba.npy"), here)


def test_every_ranked_learner_predicts_by_its_name(churn, customers):
    auto, _ = churn
    board = auto.leaderboard_
    for name in board.loc[board["status"] == "ok", "learner"]:
        proba = auto.predict_proba(customers.head(100), learner=name)
        assert proba.shape == (100, 2)
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)


def test_the_command_line_reads_the_run(churn, customers_csv, tmp_path):
    output = str(churn[1])
    predicted = run("predict", output, str(customers_csv), "--proba", cwd=tmp_path)
    assert predicted.returncode == 0, predicted.stderr
    lines = predicted.stdout.splitlines()
    assert lines[0] == "prediction,proba_no,proba_yes"
    assert len(lines) == 601
    for name in ("leaderboard", "scaling"):
        shown = run(name, output, "--json", cwd=tmp_path)
        assert shown.returncode == 0, shown.stderr
        assert json.loads(shown.stdout)
    judged = run("evaluate", output, str(customers_csv), "--json", cwd=tmp_path)
    assert judged.returncode == 0, judged.stderr


def test_the_fit_says_what_it_knows_about_scaling(churn):
    auto, folder = churn
    found = auto.scaling_
    assert json.loads((Path(folder) / "scaling.json").read_text()) == found.document
    assert found.document["regime"] == "halving"
    assert set(found.document["learners"]) >= {"baseline"}
    assert repr(found) == "\n".join(found.sentences)


def test_the_same_seed_gives_the_same_leaderboard(churn, customers, tmp_path):
    first = pd.read_csv(churn[1] / "leaderboard.csv")
    again = AutoML(trials=6, time_limit=None, cpus=1, learner=FEW, output=tmp_path / "run", seed=1)
    again.fit(customers, "churned")
    second = pd.read_csv(tmp_path / "run" / "leaderboard.csv")
    pd.testing.assert_frame_equal(first.drop(columns=TIMED), second.drop(columns=TIMED))


def test_several_classes(ray_here, tmp_path):
    X, y = load_wine(return_X_y=True, as_frame=True)
    auto = AutoML(trials=3, time_limit=None, cpus=1, learner=QUICK, output=tmp_path / "run")
    auto.fit(X, y)
    assert auto.n_features_in_ == X.shape[1]
    assert auto.predict_proba(X).shape == (len(X), 3)
    assert auto.score(X, y) > 0.9
    assert json.loads((tmp_path / "run" / "run.json").read_text())["metric"]["name"] == "log_loss"


def test_numbers_with_locked_test_rows(ray_here, tmp_path):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    auto = AutoML(
        trials=3, time_limit=None, cpus=1, learner=QUICK, test_size=0.25, output=tmp_path / "run"
    )
    auto.fit(X, y)
    info = json.loads((tmp_path / "run" / "run.json").read_text())
    assert info["scored_on"] == "test"
    locked = np.load(tmp_path / "run" / "predictions" / "row_ids_test.npy")
    board = auto.leaderboard_.set_index("learner")
    error = auto.predict(X.iloc[locked]) - y.iloc[locked]
    assert np.sqrt((error**2).mean()) == pytest.approx(board.loc[info["best"], "score"], rel=1e-3)


def test_rows_in_time_are_refitted_on_all_of_them(ray_here, tmp_path):
    rng = np.random.default_rng(0)
    n = 400
    table = pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=n, freq="D").strftime("%Y-%m-%d"),
            "x": rng.normal(size=n),
        }
    )
    table["y"] = 3 * table["x"] + np.arange(n) / 100 + rng.normal(scale=0.1, size=n)
    auto = AutoML(
        trials=3, time_limit=None, cpus=1, learner=["linear"], time="day", output=tmp_path / "run"
    )
    auto.fit(table, "y")
    assert any(r.rung == 4 and r.score is None for r in read_journal(tmp_path / "run"))
    assert np.isfinite(auto.predict(table)).all()


def test_a_killed_run_is_resumed_without_doing_anything_twice(customers_csv, tmp_path):
    fit = ("fit", str(customers_csv), "-t", "churned", "--trials", "5", "-o", "run")
    few = [word for name in QUICK for word in ("--learner", name)]
    process = subprocess.Popen(
        command(*fit, *few), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    journal = tmp_path / "run" / "journal.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(read_journal(journal)) < 5:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = read_journal(journal)
    assert len(before) >= 5
    done = run(*fit, *few, "--resume", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    after = read_journal(journal)
    assert after[: len(before)] == before
    assert len({r.key for r in after}) == len(after) > len(before)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "done"


def test_ctrl_c_leaves_a_leaderboard_and_can_be_resumed(customers_csv, tmp_path):
    fit = ("fit", str(customers_csv), "-t", "churned", "--time-limit", "3m", "-o", "run")
    few = [word for name in FEW for word in ("--learner", name)]
    process = subprocess.Popen(
        [sys.executable, "-c", UNIGNORED, *fit, *few],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    journal = tmp_path / "run" / "journal.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not any(
        r.rung == 3 and r.learner == "linear" for r in read_journal(journal)
    ):
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "linear" in out
    assert "--resume" in out + err
    assert (tmp_path / "run" / "leaderboard.csv").exists()


def test_an_existing_directory_is_never_overwritten(customers, tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(UsageError, match="resume"):
        AutoML(output=tmp_path).fit(customers, "churned")
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_it_is_an_estimator_like_any_other():
    auto = AutoML(time_limit="10s", learner=["linear"], seed=3)
    assert clone(auto).get_params() == auto.get_params()
    assert auto.set_params(seed=4).seed == 4


def test_the_global_random_state_is_left_alone(churn):
    np.random.seed(5)  # noqa: NPY002 - the state under test
    first = np.random.rand()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    churn[0].predict(
        pd.DataFrame({"age": [30], "plan": ["pro"], "spend": ["$3"], "joined": ["2021-01-01"]})
    )
    assert np.random.rand() == first  # noqa: NPY002


def test_the_search_stands_on_a_fold_that_has_both_classes(ray_here, tmp_path):
    """Three positive rows are dealt to other folds than the first."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=100)})
    y = pd.Series((np.arange(100) >= 97).astype(int))
    auto = AutoML(trials=2, time_limit=None, cpus=1, learner="linear", output=tmp_path / "run")
    auto.fit(X, y)
    assert "linear" in set(auto.leaderboard_["learner"])


def test_a_metric_that_no_validation_row_defines_is_refused(ray_here, tmp_path):
    table = pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=200).strftime("%Y-%m-%d"),
            "a": np.arange(200) % 7,
            "y": (np.arange(200) < 40).astype(int),
        }
    )
    auto = AutoML(trials=2, time_limit=None, learner="linear", time="day", output=tmp_path / "run")
    with pytest.raises(DataError, match="roc_auc is not defined on the rows of the last fifth"):
        auto.fit(table, "y")
    auto.set_params(metric="log_loss").fit(table, "y")
    assert "linear" in set(auto.leaderboard_["learner"])


@pytest.mark.slow
def test_labels_of_anomalies_importance_and_no_labels_either(ray_here, tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(400, 3)), columns=list("abc"))
    X.loc[:19, "a"] += 8
    for name, y in (
        ("blind", None),
        ("some", pd.Series(["odd"] * 20 + ["usual"] * 180 + [None] * 200)),
    ):
        auto = AutoML(
            task="anomaly",
            time_limit="25s",
            learner="isolation_forest",
            output=tmp_path / name,
        )
        auto.fit(X, y)
        found = json.loads((tmp_path / name / "diagnostics.json").read_text())["importance"]
        assert found["status"] == "ok", found
        assert found["columns"][0]["name"] == "a"


def test_a_ray_that_stays_has_its_cpus_back_after_a_fit(ray_here, customers, tmp_path):
    import ray

    allowed = ray.cluster_resources()["CPU"]
    auto = AutoML(trials=2, time_limit=None, learner=["linear"], output=tmp_path / "run")
    auto.fit(customers, "churned")
    until = time.monotonic() + 20
    while ray.available_resources().get("CPU") != allowed and time.monotonic() < until:
        time.sleep(0.2)
    assert ray.available_resources().get("CPU") == allowed
