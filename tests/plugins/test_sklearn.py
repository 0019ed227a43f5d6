from __future__ import annotations

import subprocess
import sys
import time
import zipfile

import numpy as np
import pandas as pd
import pytest

import automl
import automl_sklearn
from automl.adapters import growth
from automl_sklearn import process
from automl_sklearn.bayes import NaiveBayes
from automl_sklearn.boosting import boosting_classifier
from automl_sklearn.kernel import KernelClassifier, KernelRegressor
from automl_sklearn.linear import Linear, Logistic
from automl_sklearn.process import GaussianProcessValues
from automl_sklearn.semi import SelfTraining
from tests.plugins.fake_host import FakeRun, loss_of

TASKS = ("binary", "multiclass", "regression")
LEARNERS = {
    learner.name: learner
    for learner in automl_sklearn.automl_learners()
    if learner.tasks & set(TASKS)
}
BAYES = LEARNERS["naive_bayes"]


@pytest.fixture(autouse=True)
def _clock_of_this_process(monkeypatch):
    """Other processes on a busy machine are not the learners' fault; they run on one thread."""
    monkeypatch.setattr(growth, "perf_counter", time.process_time)


def data(task, kind, n=900, seed=0):
    """A ring around the origin, one category that matters, and for frames some gaps."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5)).astype(np.float32)
    level = rng.integers(0, 3, n)
    value = (X[:, 0] ** 2 + X[:, 1] ** 2) + 1.5 * (level == 2) + 0.1 * rng.normal(size=n)
    k = {"binary": 2, "multiclass": 4, "regression": 0}[task]
    y = value * 1e5 + 1e6 if k == 0 else np.digitize(value, np.quantile(value, np.arange(1, k) / k))
    if kind == "matrix":
        X = np.hstack([X, np.eye(3, dtype=np.float32)[level]])
        X.flags.writeable = False
    else:
        X[rng.random(X.shape) < 0.05] = np.nan
        X = pd.DataFrame(X, columns=list("abcde"))
        X["f"] = pd.Categorical.from_codes(level, categories=["u", "v", "w"])
    y.flags.writeable = False
    return automl.View(X, y, task, k)


def fit(learner, view, config=None, **more):
    stop, train = None, view
    if learner.patience is not None:
        stop, train = view.take(slice(0, 100)), view.take(slice(100, None))
    run = FakeRun(stop, patience=learner.patience, clock=time.process_time, **more)
    model = learner.factory(config or dict(learner.defaults[0]), view.task, view.n_classes)
    model.fit(train, stop, run)
    return model, run


def test_the_catalogue():
    assert set(LEARNERS) == {
        "baseline", "linear", "svm", "knn", "decision_tree", "random_forest", "extra_trees",
        "hist_gradient_boosting", "naive_bayes", "gaussian_process", "self_training",
    }  # fmt: skip
    for learner in LEARNERS.values():
        more = {"anomaly"} if learner.name == "baseline" else set()
        missing = {"regression"} if learner.name in {"naive_bayes", "self_training"} else set()
        assert learner.tasks - more == set(TASKS) - missing
        assert learner.source
        assert learner.good_when
        assert learner.summary
        assert learner.family == ("baseline" if learner.name == "baseline" else "classical")
        assert all(set(config) <= set(learner.space) for config in learner.defaults)


def test_declaring_imports_nothing_heavy():
    code = (
        "import sys, automl_sklearn;"
        "list(automl_sklearn.automl_learners());"
        "print(sorted({'sklearn', 'pandas', 'scipy', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", [name for name in LEARNERS if name != "baseline"])
def test_each_beats_the_baseline_on_rows_it_has_not_seen(name, task):
    learner = LEARNERS[name]
    if task not in learner.tasks:
        pytest.skip("made for other tasks")
    train, test = data(task, learner.view), data(task, learner.view, seed=1)
    model, _ = fit(learner, train)
    floor, _ = fit(LEARNERS["baseline"], data(task, "matrix"))
    prediction = model.predict(test)
    floor_loss = loss_of(test, floor.predict(data(task, "matrix", seed=1)))
    assert prediction.shape == ((900,) if task == "regression" else (900, test.n_classes))
    # Linear models miss what is not linear; self-training is one.
    part = {"linear": 0.98, "self_training": 0.98}.get(name, 0.75)
    assert loss_of(test, prediction) < part * floor_loss
    if task != "regression":
        np.testing.assert_allclose(prediction.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("name", LEARNERS)
def test_tiny_tables_and_classes_that_a_rung_lacks(name):
    learner = LEARNERS[name]
    view = data("multiclass", learner.view, n=300)
    few = view.take(np.flatnonzero(view.y != 1)[:12])
    stop = few.take(slice(0, 2)) if learner.patience is not None else None
    model = learner.factory(dict(learner.defaults[0]), "multiclass", 4)
    model.fit(few, stop, FakeRun(stop, patience=50, seconds=3.0))
    prediction = model.predict(view)
    assert prediction.shape == (300, 4)
    assert (prediction[:, 1] == 0).all()
    assert np.isfinite(prediction).all()


AGAIN = """
import importlib.util, json, pathlib, sys, numpy as np
root = pathlib.Path(sys.argv[1])
spec = importlib.util.spec_from_file_location("these_tests", sys.argv[2])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
for folder in json.loads((root / "names.json").read_text()):
    name, task = folder.rsplit("-", 1)
    learner = tests.LEARNERS[name]
    view = tests.data(task, learner.view, n=300)
    model = learner.factory({}, task, view.n_classes)
    model.load(root / folder)
    np.save(root / f"{folder}.npy", model.predict(view))
"""


def test_boosting_stops_when_the_host_says_so_and_keeps_the_best_round():
    learner = LEARNERS["hist_gradient_boosting"]
    view = data("binary", "frame", n=500)
    model, run = fit(learner, view, {"learning_rate": 0.3})
    kept = model._estimator.n_iter_
    assert kept == run.best_step < run.steps[-1] < 500
    assert loss_of(view.take(slice(0, 100)), model.predict(view.take(slice(0, 100)))) == run.best


def test_boosting_treats_an_unseen_category_as_missing():
    learner = LEARNERS["hist_gradient_boosting"]
    view = data("regression", "frame")
    model, _ = fit(learner, view)
    unseen, missing = view.X.copy(), view.X.copy()
    unseen["f"] = pd.Categorical(["new"] * 900, categories=["u", "v", "w", "new"])
    missing["f"] = pd.Categorical([None] * 900, categories=["u", "v", "w"])
    predictions = [model.predict(automl.View(X, None, "regression", 0)) for X in (unseen, missing)]
    assert (predictions[0] == predictions[1]).all()


def test_ridge_agrees_with_scikit_learn_tall_and_wide():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(0)
    for rows, columns in ((500, 20), (30, 80)):
        X = rng.normal(3, 2, (rows, columns)).astype(np.float32)
        y = X @ rng.normal(size=columns) + 1e5
        ours = Linear(C=0.5).fit(X, y)
        theirs = Ridge(alpha=2.0).fit(X.astype(np.float64), y)
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6)


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_logistic_goes_on_where_it_ended_and_knows_when_it_has_converged():
    view = data("multiclass", "matrix")
    whole = Logistic(max_iter=300).fit(view.X, view.y)
    grown = Logistic(warm_start=True)
    for total in (3, 10, 300):
        grown.set_params(max_iter=total).fit(view.X, view.y)
        assert grown.n_iter_ <= total
    assert grown.n_iter_ < 300
    np.testing.assert_allclose(grown.predict_proba(view.X), whole.predict_proba(view.X), atol=0.02)


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_logistic_starts_large_data_from_a_sample_that_has_every_class():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40_000, 100)).astype(np.float32)
    y = (X[:, 0] > 0).astype(np.int64)
    y[7] = 2
    model = Logistic(max_iter=2).fit(X, y)
    assert model.n_iter_ <= 2
    assert (model.predict(X) == y).mean() > 0.95


@pytest.mark.parametrize("n", [600, 6000])
def test_kernel_machines_have_sane_probabilities_on_both_sides_of_the_row_limit(n):
    view, test = data("multiclass", "matrix", n=n), data("multiclass", "matrix", seed=1)
    model = KernelClassifier(random_state=0).fit(view.X, view.y)
    assert (model.map_ is None) == (n == 600)
    assert loss_of(test, model.predict_proba(test.X)) < 0.85
    assert (model.predict(test.X) == test.y).mean() > 0.6


@pytest.mark.parametrize("n", [600, 6000])
def test_kernel_regression_on_both_sides_of_the_row_limit(n):
    view, test = data("regression", "matrix", n=n), data("regression", "matrix", seed=1)
    model = KernelRegressor(C=10.0, random_state=0).fit(view.X, view.y)
    assert np.mean((model.predict(test.X) - test.y) ** 2) < 0.2 * test.y.var()


def test_kernel_machines_bear_a_class_of_one_row():
    view = data("binary", "matrix", n=200)
    y = view.y.copy()
    y[0] = 2
    p = KernelClassifier(random_state=0).fit(view.X, y).predict_proba(view.X)
    assert p.shape == (200, 3)
    assert np.isfinite(p).all()


def test_boosting_takes_the_steps_that_the_time_calls_for():
    class Hasty:
        def __init__(self, rate):
            self.rate, self.rates = rate, []

        def __call__(self, steps, prediction, /):
            if steps:
                self.rates.append(model.booster.learning_rate)
            return steps == 6

        def paced(self, steps, rate, enough, /):
            return self.rate

    view = data("binary", "frame", n=300)
    for rate in (0.1, 0.17):
        model = boosting_classifier(learning_rate=0.1)
        monitor = Hasty(rate)
        model.fit_steps(view.X, view.y, None, monitor)
        assert monitor.rates == [0.1] * 4 + [rate] * 2
        assert model.n_iter_ == 6
        assert model.booster.learning_rate == 0.1


@pytest.mark.parametrize("numbers", ["bins", "normal"])
def test_naive_bayes_is_right_about_normal_classes_and_gaps(numbers):
    """The true posterior is known: two normal classes of one variance, and a category."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 4000)
    X = pd.DataFrame({"a": rng.normal(y, 1), "b": rng.normal(size=4000)}, dtype=np.float32)
    likely = np.where(y == 1, 0.8, 0.2)
    X["c"] = pd.Categorical.from_codes((rng.random(4000) < likely).astype(int), ["u", "v"])
    odds = X["a"] - 0.5 + np.where(X["c"] == "v", 1, -1) * np.log(4)
    X.loc[::10, "a"] = np.nan
    model = NaiveBayes(numbers, random_state=0).fit(X, y)
    known = np.arange(4000) % 10 != 0
    p = model.predict_proba(X)[:, 1]
    assert np.abs(p - 1 / (1 + np.exp(-odds)))[known].mean() < 0.04
    only_c = X["c"][~known] == "v"
    assert np.abs(p[~known] - np.where(only_c, 0.8, 0.2)).mean() < 0.05


@pytest.mark.parametrize("name", ["naive_bayes", "hist_gradient_boosting"])
def test_a_model_of_many_columns_is_saved_in_few_arrays(name, tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(180, 400)).astype(np.float32)).rename(columns=str)
    X["level"] = pd.Categorical.from_codes(np.arange(180) % 3, categories=list("uvw"))
    learner = LEARNERS[name]
    view = automl.View(X, (X["0"] > 0).to_numpy().astype(int), "binary", 2)
    model, _ = fit(learner, view)
    model.save(tmp_path)
    (file,) = tmp_path.glob("*.skops")
    with zipfile.ZipFile(file) as parts:
        # an array a column would take longer to save than the fit takes
        assert len(parts.namelist()) < X.shape[1]


def test_naive_bayes_is_not_made_surer_by_a_column_said_ten_times():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 3000)
    a = rng.normal(0.5 * y, 1).astype(np.float32)
    once, often = pd.DataFrame({"a": a}), pd.DataFrame({f"a{i}": a for i in range(10)})
    first, second = (NaiveBayes(random_state=0).fit(X, y).predict_proba(X) for X in (once, often))
    assert np.abs(first - second).mean() < 0.05


def test_a_gaussian_process_agrees_with_scikit_learn_given_its_kernel():
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern

    view = data("regression", "matrix", n=300)
    ours = GaussianProcessValues(nu=1.5, random_state=0).fit(view.X, view.y)
    kernel = ours.kernel_.amplitude_ * Matern(ours.kernel_.scales_, nu=1.5)
    theirs = GaussianProcessRegressor(
        kernel, alpha=ours.kernel_.noise_ + 1e-6, optimizer=None, normalize_y=True
    ).fit(view.X.astype(float), view.y)
    np.testing.assert_allclose(
        ours.predict(view.X), theirs.predict(view.X.astype(float)), rtol=1e-4
    )


@pytest.mark.slow
@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_inducing_points_do_about_as_well_as_all_rows(task, monkeypatch):
    view, test = data(task, "matrix", n=1500), data(task, "matrix", seed=1)
    exact, _ = fit(LEARNERS["gaussian_process"], view)
    monkeypatch.setattr(process, "_EXACT_ROWS", 1000)
    sparse, _ = fit(LEARNERS["gaussian_process"], view)
    assert len(sparse._estimator.points_) == 600
    assert loss_of(test, sparse.predict(test)) < 1.25 * loss_of(test, exact.predict(test))


def two_clouds(n, labelled, seed=0):
    """Two clouds whose labels are known for a few rows; -1 elsewhere."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    X = (rng.normal(size=(n, 30)) + np.where(y[:, None] == 1, 0.45, -0.45)).astype(np.float32)
    known = y.copy()
    known[labelled:] = -1
    return X, y, known


def test_self_training_learns_from_unlabelled_rows():
    gains = []
    for seed in range(5):
        X, y, known = two_clouds(3000, 16, seed)
        with_them = SelfTraining().fit(X[:2000], known[:2000])
        without = SelfTraining().fit(X[:16], y[:16])
        assert with_them.taken_ > 500
        assert without.taken_ == 0
        scores = [(m.predict(X[2000:]) == y[2000:]).mean() for m in (with_them, without)]
        gains.append(scores[0] - scores[1])
    assert min(gains) > 0


def test_self_training_is_no_surer_than_it_is_right_where_classes_overlap():
    for seed in range(3):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 3, 6000)
        X = rng.normal(size=(6000, 6)) + 1.5 * np.eye(6)[y]
        known = np.where(np.arange(6000) < 150, y, -1)
        model = SelfTraining(threshold=0.8).fit(X[:4000], known[:4000])
        assert model.taken_ > 1000
        right = (model.predict(X[4000:]) == y[4000:]).mean()
        surer = [
            m.predict_proba(X[4000:]).max(axis=1).mean() - right for m in (model, model.model_)
        ]
        assert surer[0] < 0.08
        assert surer[1] > 0.12


def test_self_training_with_every_label_is_logistic_regression():
    X, y, _ = two_clouds(400, 400)
    ours, plain = SelfTraining(C=0.5).fit(X, y), Logistic(C=0.5).fit(X, y)
    assert (ours.predict_proba(X) == plain.predict_proba(X)).all()


def test_self_training_takes_only_rows_that_it_is_sure_of():
    X, _, known = two_clouds(500, 40)
    rng = np.random.default_rng(0)
    X[40:] = rng.normal(0, 1e-3, X[40:].shape)
    model = SelfTraining(threshold=0.95).fit(X, known)
    assert model.taken_ == 0
    assert model.predict_proba(X).shape == (500, 2)
