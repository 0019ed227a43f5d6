from __future__ import annotations

import json
import math
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

xgboost = pytest.importorskip("xgboost")

import automl  # noqa: E402
import automl_xgboost  # noqa: E402
from automl.hooks import boosting  # noqa: E402
from automl_xgboost.model import build  # noqa: E402

(LEARNER,) = automl_xgboost.automl_learners()
TASKS = ("binary", "multiclass", "regression")


@pytest.fixture(autouse=True)
def _clock_of_this_process(monkeypatch):
    """Other processes on a busy machine are not the learner's fault; it runs on one thread."""
    monkeypatch.setattr(boosting, "perf_counter", time.process_time)


class FakeRun:
    """Lends seed and clock; the score is the mean loss on the stop rows."""

    def __init__(self, stop=None, *, seconds=math.inf, patience=50, seed=0):
        self.seed, self.threads, self.device = seed, 1, "cpu"
        self.best_step, self.best = -1, math.inf
        self.steps, self.predictions = [], []
        self._stop, self._patience = stop, patience
        self._end = time.process_time() + seconds

    def seconds_left(self):
        return self._end - time.process_time()

    def report(self, step, prediction):
        self.steps.append(step)
        self.predictions.append(prediction)
        loss = loss_of(self._stop, prediction)
        if loss < self.best:
            self.best, self.best_step = loss, step
        return step - self.best_step >= self._patience


def loss_of(view, prediction):
    if view.task == "regression":
        return float(np.mean((view.y - prediction) ** 2))
    chosen = prediction[np.arange(len(view)), view.y]
    return float(-np.log(np.clip(chosen, 1e-6, 1)).mean())


def data(task, n=900, seed=0, categories=True):
    """A ring around the origin, one category that matters, some gaps; read-only."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5)).astype(np.float32)
    level = rng.integers(0, 3, n)
    value = (X[:, 0] ** 2 + X[:, 1] ** 2) + 1.5 * (level == 2) + 0.1 * rng.normal(size=n)
    k = {"binary": 2, "multiclass": 4, "regression": 0}[task]
    y = value * 1e5 + 1e6 if k == 0 else np.digitize(value, np.quantile(value, np.arange(1, k) / k))
    X[rng.random(X.shape) < 0.05] = np.nan
    X.flags.writeable = y.flags.writeable = False
    frame = pd.DataFrame(X, columns=list("abcde"), copy=False)
    if categories:
        frame.insert(2, "f", pd.Categorical.from_codes(level, categories=["u", "v", "w"]))
    return automl.View(frame, y, task, k)


def fit(view, config=None, stop_rows=100, **more):
    stop = view.take(slice(0, stop_rows)) if stop_rows else None
    run = FakeRun(stop, **more)
    model = build(dict(config or {}), view.task, view.n_classes)
    model.fit(view.take(slice(stop_rows, None)), stop, run)
    return model, run


def test_declaring_does_not_import_xgboost():
    code = (
        "import sys, automl_xgboost;"
        "list(automl_xgboost.automl_learners());"
        "print(sorted({'xgboost', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_declaration():
    assert LEARNER.extra == "xgboost"
    assert LEARNER.tasks == set(TASKS)
    assert LEARNER.patience == 50
    assert all(set(config) <= set(LEARNER.space) for config in LEARNER.defaults)


@pytest.mark.parametrize("categories", [True, False])
@pytest.mark.parametrize("task", TASKS)
def test_it_learns_what_a_linear_model_cannot(task, categories):
    view, test = data(task, categories=categories), data(task, seed=1, categories=categories)
    model, run = fit(view)
    prediction = model.predict(test)
    constant = (
        np.full(900, view.y.mean())
        if task == "regression"
        else np.tile(np.bincount(view.y) / len(view), (900, 1))
    )
    assert prediction.shape == constant.shape
    assert loss_of(test, prediction) < 0.7 * loss_of(test, constant)
    assert run.predictions[0].shape == prediction[:100].shape
    if task != "regression":
        np.testing.assert_allclose(prediction.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_the_host_stops_it_and_the_best_round_is_kept(task):
    view = data(task)
    model, run = fit(view, {"learning_rate": 0.3})
    assert run.best_step < run.steps[-1] <= run.best_step + 50
    assert model._booster.num_boosted_rounds() == run.best_step + 1
    kept = model.predict(view.take(slice(0, 100)))
    np.testing.assert_allclose(kept, run.predictions[run.steps.index(run.best_step)], rtol=1e-5)


def test_without_stop_rows_and_deadline_all_rounds_are_done():
    model, run = fit(data("binary"), {"n_estimators": 23}, stop_rows=0)
    assert model._booster.num_boosted_rounds() == 23
    assert run.steps == []


@pytest.mark.parametrize("task", TASKS)
def test_the_same_seed_gives_the_same_model_and_inputs_stay_as_they_were(task):
    view = data(task)
    before = view.X.copy()
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    first, same, other = (
        fit(view, {"n_estimators": 30}, seed=seed)[0].predict(view) for seed in (1, 1, 2)
    )
    assert (first == same).all()
    assert (first != other).any()
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002
    pd.testing.assert_frame_equal(view.X, before)


@pytest.mark.parametrize("stop_rows", [0, 2000])
def test_the_deadline_holds_on_50000_rows(stop_rows):
    view = data("multiclass", n=50_000)
    fit(view.take(slice(0, 300)), {"n_estimators": 2})
    started = time.process_time()
    model, run = fit(view, stop_rows=stop_rows, seconds=3.0)
    assert time.process_time() - started < 3.8
    assert 5 < model._booster.num_boosted_rounds() < 1000
    assert len(run.steps) == 0 or run.steps[-1] - run.best_step <= 50
    assert loss_of(view, model.predict(view)) < 0.8


def rate(model):
    settings = json.loads(model._booster.save_config())["learner"]["gradient_booster"]
    return float(settings["tree_train_param"]["learning_rate"])


def test_steps_are_larger_when_time_is_short_and_never_without_a_deadline():
    view = data("multiclass", n=20_000)
    hurried, _ = fit(view, {"n_estimators": 60}, seconds=0.7)
    plenty, _ = fit(view, {"n_estimators": 60})
    assert 0.08 < rate(hurried) <= 0.3 + 1e-6
    assert rate(plenty) == pytest.approx(0.08)


@pytest.mark.parametrize("absent", [[0], [3], [1, 2]])
def test_classes_that_a_rung_lacks(absent):
    view = data("multiclass")
    some = view.take(np.flatnonzero(~np.isin(view.y, absent)))
    model, _ = fit(some, {"n_estimators": 40})
    prediction = model.predict(view)
    assert prediction.shape == (900, 4)
    assert np.isfinite(prediction).all()
    assert prediction[:, absent].max() == 0
    seen = ~np.isin(view.y, absent)
    assert (prediction.argmax(axis=1)[seen] == view.y[seen]).mean() > 0.6


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_a_rung_of_one_class(task):
    view = data(task, n=300)
    model, _ = fit(view.take(np.flatnonzero(view.y == 1)), {"n_estimators": 5}, stop_rows=10)
    prediction = model.predict(view)
    assert (prediction.argmax(axis=1) == 1).all()
    assert np.isfinite(prediction).all()


def test_unseen_categories_count_as_missing():
    view = data("regression")
    model, _ = fit(view)
    unseen, missing = view.X.copy(), view.X.copy()
    unseen["f"] = pd.Categorical(["new"] * 900, categories=["u", "v", "w", "new"])
    missing["f"] = pd.Categorical([None] * 900, categories=["u", "v", "w"])
    predictions = [model.predict(automl.View(X, None, "regression", 0)) for X in (unseen, missing)]
    assert (predictions[0] == predictions[1]).all()
    assert np.isfinite(predictions[0]).all()


def test_a_wide_table_costs_little_beside_its_trees():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, 10_000)).astype(np.float32))
    view = automl.View(X, rng.integers(0, 2, 200), "binary", 2)
    started = time.process_time()
    model, _ = fit(view, {"n_estimators": 3}, stop_rows=20)
    model.predict(view)
    assert time.process_time() - started < 20


def test_predictions_after_loading_in_a_fresh_process_are_the_same(tmp_path):
    expected = {}
    for task in TASKS:
        folder = tmp_path / task
        folder.mkdir()
        view = data(task)
        model, _ = fit(view, {"n_estimators": 40})
        model.save(folder)
        expected[task] = model.predict(view)
        assert {file.name for file in folder.iterdir()} == {"model.ubj", "model.json"}
    script = tmp_path / "again.py"
    script.write_text(AGAIN)
    subprocess.run([sys.executable, script, str(tmp_path), __file__], check=True)
    for task, prediction in expected.items():
        assert (np.load(tmp_path / f"{task}.npy") == prediction).all()


AGAIN = """
import importlib.util, pathlib, sys, numpy as np
root = pathlib.Path(sys.argv[1])
spec = importlib.util.spec_from_file_location("these_tests", sys.argv[2])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
for task in tests.TASKS:
    view = tests.data(task)
    model = tests.build({}, task, view.n_classes)
    model.load(root / task)
    np.save(root / f"{task}.npy", model.predict(view))
"""
