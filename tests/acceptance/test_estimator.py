"""`AutoML` as users of scikit-learn expect an estimator to behave."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from automl import ArtifactError, AutoML, UsageError

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
