"""`AutoML` as users of scikit-learn expect an estimator to behave."""

from __future__ import annotations

import asyncio
import pickle
import shutil
from decimal import Decimal

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from automl import ArtifactError, AutoML, AutoMLError, UsageError
from automl.runs.directory import read

QUICK = {"trials": 2, "time_limit": None, "cpus": 1, "learner": "linear", "verbose": False}


@pytest.fixture(scope="module")
def attacks():
    """A table whose positive word comes first in the alphabet."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(240, 3)), columns=list("abc"))
    y = np.where(X["a"] + 0.3 * rng.normal(size=240) > 0, "attack", "normal")
    return X, pd.Series(y, name="kind")


def test_scores_of_scikit_learn_know_which_column_is_which(ray_here, attacks):
    auto = AutoML(**QUICK, task="binary")
    for scoring, least in (("roc_auc", 0.9), ("accuracy", 0.8), ("neg_log_loss", -0.5)):
        assert cross_val_score(auto, *attacks, cv=2, scoring=scoring).min() > least
    auto.fit(*attacks)
    assert auto.classes_.tolist() == ["attack", "normal"]
    sure = auto.predict_proba(attacks[0]).argmax(axis=1)
    assert (auto.classes_[sure] == auto.predict(attacks[0])).all()


def test_with_the_task_said_folds_are_stratified(ray_here):
    X, y = load_iris(return_X_y=True)  # sorted by class
    pipeline = make_pipeline(FunctionTransformer(), AutoML(**QUICK, task="multiclass"))
    assert cross_val_score(pipeline, X, y, cv=3).min() > 0.85


def test_a_fit_in_a_temporary_folder_can_be_pickled(ray_here, attacks):
    X, y = attacks
    found = cross_validate(AutoML(**QUICK, task="binary"), X, y, cv=2, return_estimator=True)
    first = found["estimator"][0]
    kept, expected = pickle.dumps(first), first.predict(X)
    home = first.run_dir_
    del first, found
    assert not home.exists()
    again = pickle.loads(kept)
    assert (again.predict(X) == expected).all()
    assert again.leaderboard_["learner"].tolist()[0]


def test_a_fit_within_a_task_or_actor_of_ray_takes_the_cpus_that_are_left(ray_here, attacks):
    import ray

    X, y = attacks
    asked = QUICK | {"cpus": None, "task": "binary"}

    def fitted():
        auto = AutoML(**asked).fit(X, y)
        return auto.score(X, y), read(auto.run_dir_).machine.cpus

    class Fitting:
        def fitted(self):
            return fitted()

    def within(cpus):
        return ray.remote(num_cpus=cpus)(Fitting).remote().fitted.remote()

    for found in (ray.remote(num_cpus=1)(fitted).remote(), within(1)):
        score, cpus = ray.get(found)
        assert score > 0.85
        assert cpus == 1
    with pytest.raises(AutoMLError, match="let the task or actor that fits hold fewer"):
        ray.get(within(2))


def test_a_study_leaves_the_fit_as_it_is(ray_here, attacks):
    auto = AutoML(**QUICK).fit(*attacks)
    before = auto.leaderboard_
    auto.set_params(trials=None).scale(*attacks, repeats=1, anchors=2, regime=["default"])
    pd.testing.assert_frame_equal(auto.leaderboard_, before)
    assert (auto.study_dir_ / "points.jsonl").exists()
    assert auto.study_dir_ != auto.run_dir_


def test_a_stopped_fit_predicts_with_what_there_is(ray_here, attacks, monkeypatch):
    from automl import api

    whole = api.fit_run

    def stopped(*arguments):
        whole(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "fit_run", stopped)
    auto = AutoML(**QUICK)
    with pytest.raises(KeyboardInterrupt):
        auto.fit(*attacks)
    assert auto.score(*attacks) > 0.8


@pytest.mark.parametrize("kind", ["blanks", "category", "strings", "numbers"])
def test_labels_come_back_as_they_were(ray_here, attacks, kind):
    X, y = attacks
    label = np.where(X["b"] > 0.4, 2, y.eq("attack").astype(int))
    target = {
        "blanks": pd.Series(np.array([" <=50K", " >50K", " ?!"], dtype=object)[label]),
        "category": pd.Series(label).astype(str).astype("category"),
        "strings": pd.Series(label).astype(str),
        "numbers": pd.Series(label),
    }[kind]
    auto = AutoML(**QUICK).fit(X, target)
    assert set(auto.predict(X)) <= set(target)
    assert auto.score(X, target) == (auto.predict(X) == target.to_numpy()).mean() > 0.7


def test_more_levels_than_numbers_would_have_are_believed_to_be_classes(ray_here):
    rng = np.random.default_rng(0)
    label = pd.Series(rng.integers(0, 25, 500).astype(str)).astype("category")
    X = pd.DataFrame({"a": label.astype(int) + 0.01 * rng.normal(size=500)})
    auto = AutoML(**QUICK | {"learner": "decision_tree"}).fit(X, label)
    assert len(auto.classes_) == 25


def test_one_name_needs_no_list_and_a_label_no_string(ray_here, attacks):
    X, y = attacks
    auto = AutoML(**QUICK, drop="c", positive=1).fit(X, y.eq("attack").astype(int))
    assert set(auto.leaderboard_["learner"]) >= {"linear", "baseline"}
    assert auto.classes_.tolist() == [0, 1]


def test_a_model_alone_says_what_it_lacks(ray_here, attacks, tmp_path):
    AutoML(**QUICK).fit(*attacks).save(tmp_path / "model")
    alone = AutoML.load(tmp_path / "model")
    with pytest.raises(ArtifactError, match="without its run"):
        _ = alone.leaderboard_
    with pytest.raises(UsageError, match="no labels to score by"):
        alone.score(attacks[0])


def test_it_says_what_it_guessed_unless_asked_not_to(ray_here, attacks, capfd):
    X, y = attacks
    AutoML(**QUICK | {"verbose": True}).fit(X.assign(kind=y))
    told = capfd.readouterr().err
    assert "Target: kind" in told
    assert "training" in told
    AutoML(**QUICK).fit(X.assign(kind=y))
    assert "Target" not in capfd.readouterr().err


def test_test_rows_that_cannot_be_scored_are_counted(ray_here, attacks, capfd):
    X, y = attacks
    held = X.assign(kind=y).head(30)
    held.loc[:9, "kind"] = "Attack!"
    AutoML(**QUICK | {"verbose": True}, test=held).fit(X, y)
    assert "Test rows left out: 10 of 30" in capfd.readouterr().err


@pytest.fixture(scope="module")
def odd(ray_here, attacks):
    """One fit on what is unusual: names that are tuples and numbers, labels that are objects."""
    X, y = attacks
    X = X.set_axis([0, ("a", "b"), " c"], axis=1)
    X["when"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(X)) % 90, unit="D")
    labels = y.map({"attack": Decimal("1.50"), "normal": None}).astype(object)
    labels[y.eq("normal")] = 7
    learners = ["linear", "hist_gradient_boosting", "lightgbm", "xgboost"]
    auto = AutoML(**QUICK | {"learner": learners, "trials": 5})
    return auto.fit(X, labels.rename(0).to_frame()), X, labels


def test_labels_that_are_objects_come_back(odd):
    auto, X, labels = odd
    assert auto.n_features_in_ == 4
    assert [type(label) for label in auto.classes_] == [Decimal, int]
    assert set(auto.predict(X)) <= set(labels)
    assert auto.score(X, labels) > 0.8
    assert (auto.predict(X[X.columns[::-1]]) == auto.predict(X)).all()
    sure = auto.predict_proba(X).argmax(axis=1)
    assert (auto.classes_[sure] == auto.predict(X)).all()


def test_no_rows_have_no_predictions(odd):
    auto, X, _ = odd
    for name in auto.leaderboard_.query("status == 'ok'")["learner"]:
        assert auto.predict(X.iloc[:0], learner=name).shape == (0,)
        assert auto.predict_proba(X.iloc[:0], learner=name).shape == (0, 2)
    with pytest.raises(AutoMLError, match="lacks the columns"):
        auto.predict(X.iloc[:0, 1:])
    with pytest.raises(AutoMLError, match="no 'nope'"):
        auto.predict(X.iloc[:0], learner="nope")


def test_a_pickle_holds_the_model_itself(ray_here, attacks, tmp_path):
    auto = AutoML(**QUICK, output=tmp_path / "run").fit(*attacks)
    expected = auto.predict(attacks[0])
    joblib.dump(auto, tmp_path / "model.joblib")
    assert joblib.load(tmp_path / "model.joblib").run_dir_ == tmp_path / "run"
    shutil.rmtree(tmp_path / "run")
    again = joblib.load(tmp_path / "model.joblib")
    assert (again.predict(attacks[0]) == expected).all()
    with pytest.raises(AttributeError):
        clone(again)._predictor  # noqa: B018 - a clone is not fitted


def test_rows_count_by_their_weights(ray_here, attacks):
    X, y = attacks
    trusted = np.arange(len(y)) % 3 == 0
    lies = y.where(trusted, y.map({"attack": "normal", "normal": "attack"}))
    weights = np.where(trusted, 1.0, 0.02)
    auto = AutoML(**QUICK | {"learner": ["linear", "knn"], "trials": 3})
    auto.fit(X, lies, sample_weight=weights)
    board = auto.leaderboard_.set_index("learner")
    assert auto.n_features_in_ == 3
    assert (auto.predict(X, learner="linear") == y).mean() > 0.8
    assert board.loc["linear", "score"] > 0.8
    assert "no weights" in board.loc["knn", "reason"]
    linear = auto.predict(X, learner="linear")
    scored = auto.score(X, lies, sample_weight=weights)
    assert scored == pytest.approx(np.average(auto.predict(X) == lies, weights=weights))
    assert (linear == lies).mean() < 0.5


def test_a_column_of_weights_is_no_feature(ray_here, attacks):
    X, y = attacks
    table = X.assign(kind=y, weight=np.where(y == "attack", 0.0, 1.0)).replace({"weight": {0: 0.5}})
    auto = AutoML(**QUICK, weight="weight", test_size=0.2).fit(table, "kind")
    assert list(auto.feature_names_in_) == ["a", "b", "c"]
    assert auto.score(table.drop(columns="weight")) > 0.8


def test_a_target_far_from_zero_keeps_its_digits(ray_here):
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.uniform(-1, 1, size=(300, 2)), columns=["a", "b"])
    shape = 300 * X["a"] - 200 * X["b"] + rng.normal(size=300)
    for offset, scale in ((1_700_000_000, 1), (1e13, 1e10), (0, 1e-11)):
        y = offset + scale * shape
        auto = AutoML(**QUICK | {"learner": ["linear", "decision_tree"], "trials": 3}).fit(X, y)
        board = auto.leaderboard_.set_index("learner")
        assert board.loc["linear", "score"] < 5 * scale
        for name in ("linear", "ensemble", "stacking"):
            assert np.sqrt(np.mean((auto.predict(X, learner=name) - y) ** 2)) < 10 * scale


@pytest.mark.slow
def test_sparse_rows_in_a_pipeline_and_a_grid(ray_here, attacks):
    X, y = attacks
    auto = AutoML(**QUICK, task="binary").fit(sp.csr_matrix(X.to_numpy()), y)
    assert auto.score(sp.csr_array(X.to_numpy()), y) > 0.8
    pipeline = make_pipeline(StandardScaler(), AutoML(**QUICK, task="binary"))
    pipeline.set_output(transform="pandas")
    grid = GridSearchCV(pipeline, {"automl__seed": [0, 1]}, cv=2).fit(X, y)
    assert grid.best_score_ > 0.8


def test_in_a_notebook_a_loop_runs_already(ray_here, attacks):
    async def cell():
        return AutoML(**QUICK).fit(*attacks)

    assert asyncio.run(cell()).score(*attacks) > 0.8


def test_a_class_of_one_row_costs_no_fit(ray_here, attacks):
    X, y = attacks
    rare = y.copy()
    rare[5] = "gold"
    auto = AutoML(**QUICK).fit(X.assign(d=np.where(rare == "gold", 9.0, 0.0)), rare)
    assert auto.classes_.tolist() == ["attack", "gold", "normal"]
