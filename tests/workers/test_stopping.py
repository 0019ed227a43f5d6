"""The metric that early stopping watches, and fits that time ends."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from automl.hooks.manager import get_host
from automl.metrics import get_metric
from automl.workers.evaluate import FitRequest, HostRun, RungData, run_rung


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
def test_a_class_without_stop_rows_does_not_end_a_fit_at_its_first_step(metric):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(700, 3)).astype(np.float32), columns=["a", "b", "c"])
    y = (X["a"] + X["b"] > 1.5).to_numpy(np.int64)
    order = np.argsort(y == 0, kind="stable")
    X, y = X.iloc[order], y[order]
    rung = RungData(train_X=X[:660], train_y=y[:660], n_stop=30, validation_X=X[660:])
    assert not y[630:660].any()
    found = run_rung(
        FitRequest(
            learner="hist_gradient_boosting",
            config={"learning_rate": 0.05},
            seed=0,
            task="binary",
            n_classes=2,
            metric=metric,
        ),
        rung,
        lambda _: None,
    )
    assert found.status == "ok", found.reason
    assert found.steps > 10


def test_where_the_score_is_not_defined_the_last_step_is_kept():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 3)).astype(np.float32), columns=["a", "b", "c"])
    y = X["a"].to_numpy(np.float64)
    y[260:290] = 0.0
    rung = RungData(train_X=X[:290], train_y=y[:290], n_stop=30, validation_X=X[290:])
    config = {"learning_rate": 0.05}
    order = FitRequest("hist_gradient_boosting", config, 0, "regression", 0, "r2", soft_limit=3.0)
    found = run_rung(order, rung, lambda _: None)
    assert found.status == "ok", found.reason
    assert found.steps > 100


@pytest.mark.parametrize(
    "name", sorted(n for n, e in get_host().learners.items() if e.learner.refits)
)
def test_a_fit_whose_steps_are_known_holds_no_rows_back(name):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(400, 3)).astype(np.float32), columns=["a", "b", "c"])
    y = X["a"].to_numpy(np.float64) + rng.normal(size=400)

    def fitted(config, n_stop, steps):
        rows = RungData(train_X=X[:300], train_y=y[:300], n_stop=n_stop, validation_X=X[300:])
        order = FitRequest(name, config, 0, "regression", 0, "rmse", steps=steps)
        found = run_rung(order, rows, lambda _: None)
        assert found.status == "ok", found.reason
        return found.predictions[""]

    counted = get_host().learner(name).fidelity
    refitted, whole = fitted({}, 30, 12), fitted({counted: 12}, 0, None)
    assert np.array_equal(refitted, whole)
    assert not np.array_equal(refitted, fitted({counted: 12}, 30, None))


def host_run(soft_limit):
    learner = get_host().learner("hist_gradient_boosting")
    order = FitRequest(learner.name, {}, 0, "regression", 0, "rmse")
    metric = get_metric("rmse", "regression")
    return learner, HostRun(order, learner, np.zeros(3), metric, soft_limit)


def test_patience_ends_a_fit_by_its_own_rule():
    learner, run = host_run(math.inf)
    answers = [run.report(step, np.ones(3)) for step in range(learner.patience + 1)]
    assert answers == [False] * learner.patience + [True]
    run.close(10.0)
    assert not run.censored
    assert run.needed_seconds(10.0) is None


def test_a_fit_that_used_up_its_time_without_a_word_was_cut_short():
    _, run = host_run(10.0)
    run.close(7.0)
    assert not run.censored
    run.close(9.0)
    assert run.censored


def test_a_deadline_censors_a_fit():
    _, run = host_run(0.0)
    assert run.report(0, np.ones(3))
    assert run.censored
    assert run.needed_seconds(10.0) is None


def test_a_learner_says_how_far_it_came():
    _, run = host_run(100.0)
    run.cut_short(0.5)
    run.cut_short(0.25)
    run.cut_short()
    assert run.censored
    assert run.needed_seconds(10.0) == 40.0


def test_a_fit_that_time_ended_comes_back_as_such():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60_000, 20)).astype(np.float32))
    X.columns = [f"c{i}" for i in range(20)]
    y = X["c0"].to_numpy(np.float64) * X["c1"].to_numpy(np.float64)
    rung = RungData(train_X=X[:59_000], train_y=y[:59_000], n_stop=2000, validation_X=X[59_000:])
    order = FitRequest("hist_gradient_boosting", {}, 0, "regression", 0, "rmse", soft_limit=0.1)
    declined = run_rung(order, rung, lambda _: None)  # it takes longer to bin the rows
    assert declined.status == "not_reached"
    assert declined.needed_seconds > 0.1
    assert declined.reason.startswith("needs about")
    forest = replace(order, learner="random_forest")  # of as many trees as there is time for
    found = run_rung(forest, rung, lambda _: None)
    assert found.censored
    assert found.needed_seconds > found.fit_seconds
    few = RungData(train_X=X[:900], train_y=y[:900], n_stop=200, validation_X=X[59_000:])
    found = run_rung(replace(order, soft_limit=60.0), few, lambda _: None)
    assert not found.censored
    assert found.needed_seconds is None
