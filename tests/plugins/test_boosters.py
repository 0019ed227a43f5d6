"""Every booster is held to the same; what differs between them stands in `Booster`."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from automl import TooLittleTimeError, View
from tests.plugins.fake_host import FakeRun, loss_of

TASKS = ("binary", "multiclass", "regression")


@dataclass(frozen=True)
class Booster:
    """A library, and where its plugin keeps what the tests ask for."""

    library: str
    rounds: str
    """Setting that says how many rounds."""
    rate: float
    """Learning rate of the first default."""
    file: str
    """The files of a saved model, beside model.json."""

    @property
    def learner(self):
        (learner,) = importlib.import_module(f"automl_{self.library}").automl_learners()
        return learner

    def fit(self, view, rounds=None, stop_rows=100, *, config=None, **more):
        build = importlib.import_module(f"automl_{self.library}.model").build
        stop = view.take(slice(0, stop_rows)) if stop_rows else None
        run = FakeRun(stop, **{"patience": 50, "clock": time.process_time, **more})
        asked = dict(config or {}) | ({} if rounds is None else {self.rounds: rounds})
        model = build(asked, view.task, view.n_classes)
        model.fit(view.take(slice(stop_rows, None)), stop, run)
        return model, run

    def rounds_saved(self, folder, view):
        """Rounds in the saved file."""
        model = importlib.import_module(f"automl_{self.library}.model").build(
            {}, view.task, view.n_classes
        )
        model.load(folder)
        booster = model._engine._booster
        if self.library == "xgboost":
            return booster.num_boosted_rounds()
        return booster.current_iteration() if self.library == "lightgbm" else booster.tree_count_

    def used_rate(self, model):
        booster = model._engine._booster
        if self.library == "xgboost":
            settings = json.loads(booster.save_config())["learner"]["gradient_booster"]
            return float(settings["tree_train_param"]["learning_rate"])
        if self.library == "lightgbm":
            return float(booster.params["learning_rate"])
        return booster.get_all_params()["learning_rate"]


BOOSTERS = (
    Booster("xgboost", "n_estimators", 0.05, "model.ubj"),
    Booster("lightgbm", "n_estimators", 0.05, "model.txt"),
    Booster("catboost", "iterations", 0.08, "model.cbm"),
)


@pytest.fixture(params=BOOSTERS, ids=lambda booster: booster.library)
def booster(request, monkeypatch):
    """Other processes on a busy machine are not the learner's fault; it runs on one thread."""
    pytest.importorskip(request.param.library)
    monkeypatch.setattr("automl.adapters.rounds.perf_counter", time.process_time)
    return request.param


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
    return View(frame, y, task, k)


def test_declaring_does_not_import_the_library(booster):
    plugin = f"automl_{booster.library}"
    code = (
        f"import sys, {plugin}; list({plugin}.automl_learners());"
        f"print(*sorted({{'{booster.library}', 'pandas', 'numpy'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.split()


def test_the_declaration(booster):
    assert booster.learner.extra == booster.library
    assert booster.learner.tasks == set(TASKS)
    assert booster.learner.patience == 50
    assert all(set(config) <= set(booster.learner.space) for config in booster.learner.defaults)


@pytest.mark.parametrize("categories", [True, False])
@pytest.mark.parametrize("task", TASKS)
def test_it_learns_what_a_linear_model_cannot(booster, task, categories):
    view, test = data(task, categories=categories), data(task, seed=1, categories=categories)
    model, run = booster.fit(view)
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
def test_the_host_stops_it_and_the_best_round_is_kept(booster, task, tmp_path):
    view = data(task)
    model, run = booster.fit(view, config={"learning_rate": 0.3})
    assert run.best_step < run.steps[-1] <= run.best_step + 50
    assert model.rounds == run.best_step + 1
    kept = model.predict(view.take(slice(0, 100)))
    np.testing.assert_allclose(kept, run.predictions[run.steps.index(run.best_step)], rtol=1e-5)
    model.save(tmp_path)
    assert booster.rounds_saved(tmp_path, view) == model.rounds


def test_its_usual_size_is_that_of_its_default(booster):
    view, size = data("regression"), booster.learner.size
    usual, _ = booster.fit(view, rounds=10)
    named, _ = booster.fit(view, rounds=10, config={size.setting: size.usual})
    other, _ = booster.fit(view, rounds=10, config=size.grown({}, 0.25))
    np.testing.assert_array_equal(usual.predict(view), named.predict(view))
    assert not np.array_equal(usual.predict(view), other.predict(view))


def test_without_stop_rows_and_deadline_all_rounds_are_done(booster):
    model, run = booster.fit(data("binary"), rounds=23, stop_rows=0)
    assert model.rounds == 23
    assert run.steps == []


def test_the_deadline_holds_on_30000_rows(booster):
    view = data("multiclass", n=30_000)
    booster.fit(view.take(slice(0, 300)), rounds=2)
    started = time.process_time()
    with pytest.raises(TooLittleTimeError) as declined:
        booster.fit(view, stop_rows=2000, seconds=0.5)
    seconds = 1.3 * declined.value.needed_seconds
    assert time.process_time() - started < seconds
    started = time.process_time()
    model, run = booster.fit(view, stop_rows=2000, seconds=seconds)
    assert time.process_time() - started < 1.4 * seconds
    assert 5 < model.rounds < 10_000
    assert run.steps[-1] - run.best_step <= 50
    assert loss_of(view, model.predict(view)) < 0.8


def test_steps_are_at_most_twice_as_large_when_time_is_short_and_never_without_a_deadline(booster):
    view = data("multiclass", n=20_000)
    with pytest.raises(TooLittleTimeError) as declined:
        booster.fit(view, seconds=0.5)
    needed = declined.value.needed_seconds
    assert needed > 0.5
    time_limited, run = booster.fit(view, seconds=1.3 * needed)
    plenty, _ = booster.fit(view, rounds=60)
    assert booster.rate < booster.used_rate(time_limited) <= 2 * booster.rate + 1e-6
    assert booster.used_rate(plenty) == pytest.approx(booster.rate)
    assert run.censored
    assert all(0 < done < 1 for done in run.censored)


def test_a_fit_that_time_did_not_end_says_nothing(booster):
    view = data("multiclass", n=20_000)
    _, ended = booster.fit(view.take(slice(0, 900)), rounds=20, seconds=60.0)
    _, patient = booster.fit(view.take(slice(0, 900)), seconds=600.0, patience=5)
    assert ended.censored == patient.censored == []


@pytest.mark.parametrize("absent", [[0], [3], [1, 2]])
def test_classes_that_a_rung_lacks(booster, absent):
    view = data("multiclass")
    some = view.take(np.flatnonzero(~np.isin(view.y, absent)))
    model, _ = booster.fit(some, rounds=40)
    prediction = model.predict(view)
    assert prediction.shape == (900, 4)
    assert np.isfinite(prediction).all()
    assert prediction[:, absent].max() == 0
    seen = ~np.isin(view.y, absent)
    assert (prediction.argmax(axis=1)[seen] == view.y[seen]).mean() > 0.6


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_a_rung_of_one_class(booster, task):
    view = data(task, n=300)
    model, _ = booster.fit(view.take(np.flatnonzero(view.y == 1)), rounds=5, stop_rows=10)
    prediction = model.predict(view)
    assert (prediction.argmax(axis=1) == 1).all()
    assert np.isfinite(prediction).all()


def test_unseen_categories_count_as_missing(booster):
    view = data("regression")
    model, _ = booster.fit(view)
    unseen, missing = view.X.copy(), view.X.copy()
    unseen["f"] = pd.Categorical(["new"] * 900, categories=["u", "v", "w", "new"])
    missing["f"] = pd.Categorical([None] * 900, categories=["u", "v", "w"])
    predictions = [model.predict(View(X, None, "regression", 0)) for X in (unseen, missing)]
    assert (predictions[0] == predictions[1]).all()
    assert np.isfinite(predictions[0]).all()


def test_predictions_after_loading_in_a_fresh_process_are_the_same(booster, tmp_path):
    expected = {}
    for task in TASKS:
        folder = tmp_path / task
        folder.mkdir()
        view = data(task)
        model, _ = booster.fit(view, rounds=40)
        model.save(folder)
        expected[task] = model.predict(view)
        assert {file.name for file in folder.iterdir()} == {booster.file, "model.json"}
    command = [sys.executable, "-c", AFRESH, __file__, f"automl_{booster.library}", str(tmp_path)]
    subprocess.run(command, check=True)
    for task, prediction in expected.items():
        assert (np.load(tmp_path / f"{task}.npy") == prediction).all()


AFRESH = """
import importlib, importlib.util, pathlib, sys, numpy as np
file, plugin, root = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
spec = importlib.util.spec_from_file_location("these_tests", file)
tests = sys.modules["these_tests"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
build = importlib.import_module(plugin + ".model").build
for task in tests.TASKS:
    view = tests.data(task)
    model = build({}, task, view.n_classes)
    model.load(root / task)
    np.save(root / f"{task}.npy", model.predict(view))
"""


def test_a_round_that_finds_no_split_is_not_the_end(booster):
    """One number and a category of rare levels: many rounds draw only the latter."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=200).astype(np.float32)})
    X["c"] = pd.Categorical([f"l{i}" for i in rng.integers(0, 40, 200)])
    view = View(X, 3 * X["a"].to_numpy() + 0.1 * rng.normal(size=200), "regression", 0)
    for seed in range(3):
        model, _ = booster.fit(view, stop_rows=50, seed=seed)
        assert model.rounds > 5
        residual = np.asarray(model.predict(view)) - view.y
        assert residual.var() < 0.4 * view.y.var()


def test_a_target_of_one_value_is_predicted(booster):
    X = pd.DataFrame({"a": np.arange(180, dtype=np.float32)})
    view = View(X, np.full(180, 2.5), "regression", 0)
    model, _ = booster.fit(view, stop_rows=0)
    np.testing.assert_allclose(model.predict(view), 2.5, rtol=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_a_model_saved_by_an_earlier_version_predicts(booster, task, tmp_path):
    """Each booster had a `model.json` of its own, which did not tell the rounds."""
    view = data(task)
    model, _ = booster.fit(view, rounds=30)
    model.save(tmp_path)
    now = json.loads((tmp_path / "model.json").read_text())
    target = now["target"]
    then = {"levels": now["levels"], "shift": target["shift"], "scale": target["scale"]}
    then |= {
        "xgboost": {"absent": []},
        "lightgbm": {"seen": target["seen"]},
        "catboost": {"seen": target["seen"], "prior": target["prior"], "kept": now["rounds"]},
    }[booster.library]
    (tmp_path / "model.json").write_text(json.dumps(then))
    module = importlib.import_module(f"automl_{booster.library}.model")
    again = module.build({}, view.task, view.n_classes)
    again.load(tmp_path)
    np.testing.assert_array_equal(again.predict(view), model.predict(view))
