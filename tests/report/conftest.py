from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.datasets import make_regression

from automl import AutoML
from automl.report import report_html
from tests.report.reading import Page

FEW = ["baseline", "linear", "decision_tree", "random_forest"]


@pytest.fixture(scope="session")
def churn_run(customers, tmp_path_factory, ray_here):
    """A small classification run."""
    run = tmp_path_factory.mktemp("runs") / "churn"
    auto = AutoML(trials=4, time_limit=None, cpus=1, learner=FEW, output=run)
    auto.fit(customers, "churned")
    return run


@pytest.fixture(scope="session")
def price_run(tmp_path_factory, ray_here):
    """A small regression run with locked test rows, in which only the first column matters."""
    X, _ = make_regression(500, 3, random_state=0)
    y = 10 * X[:, 0] + np.random.default_rng(0).normal(0, 1, 500)
    run = tmp_path_factory.mktemp("runs") / "prices"
    auto = AutoML(
        trials=3,
        time_limit=None,
        cpus=1,
        learner=["linear", "decision_tree"],
        test_size=0.3,
        output=run,
    )
    auto.fit(X, y)
    return run


@pytest.fixture
def page():
    """The parsed report of a run directory."""
    return lambda run: Page(report_html(run))


@pytest.fixture
def curves():
    """A `scaling.json` as METHOD lays it out, with a crossover that was observed."""
    return scaling_document()


def scaling_document(axis="rows", name="net"):
    def points(*scores):
        return [
            {"n": 500 * 2**k, "score": score, "low": score - 0.01, "high": score + 0.01}
            | {"fit_seconds": 0.2 * 2**k, "predict_seconds": 0.01}
            for k, score in enumerate(scores)
        ]

    verdict = {"low": -0.02, "high": -0.01}
    contrast = {
        "deep": "best deep",
        "classical": "best classical",
        "kind": "family",
        "rate": verdict | {"per_doubling": -0.015, "verdict": "deep scales better"},
        "level": verdict | {"n": 4000, "difference": -0.015, "verdict": "deep ahead"},
        "crossover": {"status": "observed", "low": 900, "high": 1800},
        "detectable": 0.004,
        "differences": [
            {"n": 500 * 2**k, "difference": d, "low": d - 0.02, "high": d + 0.02, "bound": k == 3}
            for k, d in enumerate((0.1, 0.03, -0.04, -0.11))
        ],
        "line": [
            {"n": 500 * 2**k, "difference": 0.1 - 0.07 * k, "low": 0.09 - 0.07 * k}
            | {"high": 0.11 - 0.07 * k}
            for k in range(4)
        ],
        "sentence": "On 4,000 training rows, the best deep learner leads.",
    }
    fit = {"model": "pow3", "params": {"c": 0.1, "a": 2.0, "b": 0.5}, "window": [500, 4000]}
    cost = {"exponent": 1.1, "low": 0.9, "high": 1.3}
    return {
        "axis": axis,
        "metric": "accuracy",
        "greater_is_better": True,
        "bounded": True,
        "regime": "default",
        "scored_on": "test",
        "n_test": 1000,
        "repeats": 5,
        "interval": "repeats",
        "learners": {
            name: {"family": "deep", "points": points(0.6, 0.7, 0.8, 0.9), "fit": fit}
            | {"cost": cost},
            "trees": {"family": "classical", "points": points(0.7, 0.73, 0.76, 0.79)}
            | {"fit": None, "cost": {"exponent": None, "low": None, "high": None}},
        },
        "contrasts": [contrast],
        "backtest": {"mae": 0.01, "mae_last1": 0.03, "winner_accuracy": 1.0, "leader_stays": 1.0}
        | {"extrapolation": "shown", "reason": ""},
    }


@pytest.fixture
def study(tmp_path, curves):
    """A directory with nothing but `scaling.json`."""
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "scaling.json").write_text(json.dumps(curves))
    return folder
