"""The anomaly detectors of automl_sklearn, as the host runs them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest

from automl.hooks.manager import get_host, resolve
from automl.testing.tables import encode, make_table
from automl.types import View

DETECTORS = ("isolation_forest", "local_outlier_factor", "one_class_svm")


class FakeRun:
    """A run without a deadline."""

    threads, device, best_step = 1, "cpu", -1

    def __init__(self, seed=0):
        self.seed = seed

    def seconds_left(self):
        return float("inf")

    def report(self, step, prediction):
        pytest.fail("these detectors do not stop early")


def fitted(name, view, **config):
    learner = get_host().learner(name)
    settings = dict(learner.defaults[0]) | config
    model = resolve(learner.factory)(settings, "anomaly", 0)
    model.fit(view, None, FakeRun())
    return model


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("rows", [2, 3, 30])
def test_few_rows_are_enough(name, rows):
    kind = get_host().learner(name).view
    found = encode(make_table("anomaly", 60), "anomaly", kind, 60 - rows)
    few = found.train.take(slice(0, rows))
    assert np.isfinite(fitted(name, few).predict(few)).all()


@pytest.mark.parametrize("name", DETECTORS)
def test_far_rows_get_higher_scores(name):
    rows = encode(make_table("anomaly", 400), "anomaly", get_host().learner(name).view, 300)
    # LOF needs to look beyond the other anomalies
    more = {"n_neighbors": 50} if name == "local_outlier_factor" else {}
    scores = fitted(name, rows.train, **more).predict(rows.test)
    odd = rows.test_y == 1
    assert np.median(scores[odd]) > np.quantile(scores[~odd], 0.9)


def test_isolation_forest_is_that_of_scikit_learn():
    """PyOD's IForest with its defaults is scikit-learn's as well."""
    X = np.random.default_rng(0).normal(size=(600, 4)).astype(np.float32)
    view = View(pd.DataFrame(X, columns=list("abcd")), None, "anomaly", 0)
    plain = IsolationForest(n_estimators=100, max_samples=256, random_state=0).fit(X)
    scores = fitted("isolation_forest", view).predict(view)
    np.testing.assert_allclose(scores, -plain.score_samples(X), rtol=1e-6)


def test_one_class_svm_approximates_above_its_limit():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5_400, 3)).astype(np.float32)
    X[:50] += 6
    order = rng.permutation(len(X))
    X, odd = X[order], order < 50
    exact = fitted("one_class_svm", View(X[:5_000], None, "anomaly", 0))
    rough = fitted("one_class_svm", View(X, None, "anomaly", 0))
    for model in (exact, rough):
        scores = model.predict(View(X, None, "anomaly", 0))
        assert np.median(scores[odd]) > np.quantile(scores[~odd], 0.95)
