"""What early stopping watches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from automl.search.objective import Order, RungData, run_rung


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
        Order(
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
    order = Order("hist_gradient_boosting", config, 0, "regression", 0, "r2", allowance=3.0)
    found = run_rung(order, rung, lambda _: None)
    assert found.status == "ok", found.reason
    assert found.steps > 100
