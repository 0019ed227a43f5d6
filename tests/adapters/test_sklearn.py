from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from zipfile import ZipFile

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

import automl
from automl.adapters import growth

HERE = __name__


class FakeRun:
    """Lends seed and clock; the score is the mean loss on the early-stopping rows."""

    def __init__(
        self, stop=None, *, seconds=math.inf, patience=1000, seed=0, clock=time.perf_counter
    ):
        self.seed, self.threads, self.device = seed, 1, "cpu"
        self.best_step, self.best, self.censored = -1, math.inf, []
        self.steps, self.shapes = [], set()
        self._clock = clock
        self._stop, self._patience = stop, patience
        self._end = clock() + seconds

    def seconds_left(self):
        return self._end - self._clock()

    def cut_short(self, done=0.0):
        self.censored.append(done)

    def report(self, step, prediction):
        y = self._stop.y
        self.steps.append(step)
        self.shapes.add(prediction.shape)
        loss = -np.log(np.clip(prediction[np.arange(len(y)), y], 1e-6, 1)).mean()
        if loss < self.best:
            self.best, self.best_step = loss, step
        return step - self.best_step >= self._patience


def classes(n=600, k=3, seed=0):
    """A read-only (n, 6) view with k classes in blobs that overlap."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    X = (rng.normal(size=(n, 6)) + 1.2 * np.eye(max(k, 6))[y][:, :6]).astype(np.float32)
    X.flags.writeable = y.flags.writeable = False
    return automl.View(X, y, "binary" if k == 2 else "multiclass", k)


def declare(estimator, **more):
    more = {"family": "classical", "tasks": {"binary", "multiclass"}, "view": "matrix"} | more
    return automl.sklearn_learner("mine", estimator, **more)


def model(estimator, view, config=None, **more):
    return declare(estimator, **more).factory(config or {}, view.task, view.n_classes)


def test_the_ten_line_example_is_a_learner():
    learner = automl.sklearn_learner(
        "my_forest", "my_package.models:MyForest",
        family="classical", tasks={"binary", "multiclass"}, view="matrix",
        space={"n_estimators": automl.Int(50, 500, log=True)}, defaults=[{"n_estimators": 200}],
    )  # fmt: skip
    assert isinstance(learner, automl.Learner)
    assert learner.defaults == ({"n_estimators": 200},)
    assert learner.tasks == {"binary", "multiclass"}


def test_libraries_are_those_of_the_estimators_unless_told():
    paths = {"classification": "a.b:C", "regression": "sklearn.svm:SVR"}
    assert declare("sklearn.svm:SVC").libraries == ("sklearn",)
    assert declare(paths, tasks={"binary", "regression"}).libraries == ("a", "sklearn")
    assert declare("a.b:C", libraries=("b",)).libraries == ("b",)


def test_needs_are_passed_on():
    needs = {
        "memory": lambda rows, columns: rows * columns,
        "prior": automl.Prior(0.4, "A study of 104 data sets."),
        "weights": True,
        "warm_start": True,
        "scale_out": "a.nodes:build",
    }
    learner = declare("a.b:C", **needs)
    assert {name: getattr(learner, name) for name in needs} == needs
    plain = declare("a.b:C")
    assert (plain.memory, plain.prior, plain.scale_out) == (None, None, None)
    assert (plain.weights, plain.warm_start) == (False, False)


def test_declaring_imports_neither_the_estimator_nor_scikit_learn():
    code = (
        "import sys, automl;"
        "automl.sklearn_learner('x', 'not_there:X', family='classical', tasks={'binary'},"
        " view='matrix');"
        "print(sorted({'sklearn', 'pandas', 'skops', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_path_for_each_task():
    paths = {"classification": "a.b:C", "regression": "a.b:R"}
    learner = declare(paths, tasks={"binary", "multiclass", "regression"})
    assert dict(learner.factory.paths) == {
        "binary": "a.b:C", "multiclass": "a.b:C", "regression": "a.b:R",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("estimator", "more"),
    [
        ("no colon", {}),
        ({"regression": "a:R"}, {}),
        ("a:B", {"patience": 5}),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(estimator, more):
    with pytest.raises(automl.PluginError):
        declare(estimator, **more)


class NoProbabilities(ClassifierMixin, BaseEstimator):
    """Knows labels only."""

    def fit(self, X, y):
        self.inner_ = LogisticRegression().fit(X, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict(self, X):
        return self.inner_.predict(X)


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("kind", [LogisticRegression, LinearSVC, NoProbabilities])
def test_probabilities_whatever_the_estimator_offers(kind, k):
    view = classes(k=k)
    globals()[kind.__name__] = kind
    fitted = model(f"{HERE}:{kind.__name__}", view)
    fitted.fit(view, None, FakeRun())
    p = fitted.predict(view)
    assert p.shape == (600, k)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert (p.argmax(axis=1) == view.y).mean() > 1.3 / k


def test_classes_absent_from_a_rung_get_probability_zero():
    view = classes(k=5)
    some = view.take(np.flatnonzero(np.isin(view.y, [1, 3, 4])))
    fitted = model("sklearn.linear_model:LogisticRegression", view)
    fitted.fit(some, None, FakeRun())
    p = fitted.predict(view)
    assert p.shape == (600, 5)
    assert (p[:, [0, 2]] == 0).all()
    assert (p[:, [1, 3, 4]] > 0).all()
    seen = np.isin(view.y, [1, 3, 4])
    assert (p.argmax(axis=1)[seen] == view.y[seen]).mean() > 0.5


def test_a_rung_of_one_class_predicts_it(tmp_path):
    view = classes(k=3)
    fitted = model("sklearn.linear_model:LogisticRegression", view)
    fitted.fit(view.take(np.flatnonzero(view.y == 2)), None, FakeRun())
    fitted.save(tmp_path)
    again = model("sklearn.linear_model:LogisticRegression", view)
    again.load(tmp_path)
    for each in (fitted, again):
        assert (each.predict(view) == [0, 0, 1]).all()


def test_the_prior_takes_the_edge_off_certainty():
    view = classes()
    sharp = model("sklearn.tree:DecisionTreeClassifier", view)
    soft = model("sklearn.tree:DecisionTreeClassifier", view, prior_weight=0.5)
    for each in (sharp, soft):
        each.fit(view, None, FakeRun())
    share = np.bincount(view.y) / len(view)
    assert sharp.predict(view).min() == 0
    np.testing.assert_allclose(soft.predict(view), (sharp.predict(view) + 0.5 * share) / 1.5)


def test_seed_and_threads_are_set_and_the_global_generator_is_not_touched():
    view = classes()
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, same, other = (
        model("sklearn.ensemble:ExtraTreesClassifier", view, {"n_estimators": 5}) for _ in range(3)
    )
    for each, seed in ((first, 1), (same, 1), (other, 2)):
        each.fit(view, None, FakeRun(seed=seed))
    assert first._estimator.n_jobs == 1
    fresh = classes(seed=1)
    assert (first.predict(fresh) == same.predict(fresh)).all()
    assert (first.predict(fresh) != other.predict(fresh)).any()
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


FOREST = {"fidelity": "n_estimators", "trusted": ("sklearn.tree._tree.Tree",)}


def test_without_a_deadline_steps_are_exactly_the_configured_ones():
    view = classes()
    fitted = model("sklearn.ensemble:ExtraTreesClassifier", view, {"n_estimators": 37}, **FOREST)
    fitted.fit(view, None, FakeRun())
    plain = ExtraTreesClassifier(37, random_state=0).fit(view.X, view.y)
    assert (fitted.predict(view) == plain.predict_proba(view.X)).all()


def test_growth_ends_within_the_deadline_and_keeps_what_it_has(monkeypatch):
    # Other processes on a busy machine are not the learner's fault; it runs on one thread.
    clock = time.process_time
    monkeypatch.setattr(growth, "perf_counter", clock)
    view = classes(20_000)
    config = {"n_estimators": 100_000}
    fitted = model("sklearn.ensemble:ExtraTreesClassifier", view, config, **FOREST)
    started = clock()
    run = FakeRun(seconds=1.5, clock=clock)
    fitted.fit(view, None, run)
    assert clock() - started < 2.0
    assert run.censored == [fitted._estimator.n_estimators / 100_000]
    assert 1 <= fitted._estimator.n_estimators < 100_000
    assert len(fitted._estimator.estimators_) == fitted._estimator.n_estimators
    assert (fitted.predict(view).argmax(axis=1) == view.y).mean() > 0.9


def test_growth_reaches_the_configured_steps_when_there_is_time():
    view = classes()
    fitted = model("sklearn.ensemble:ExtraTreesClassifier", view, {"n_estimators": 50}, **FOREST)
    run = FakeRun(seconds=60)
    fitted.fit(view, None, run)
    assert len(fitted._estimator.estimators_) == 50
    assert run.censored == []


class Worsening(ClassifierMixin, BaseEstimator):
    """Best after 32 steps, hopeless later; counts how often it is fitted."""

    def __init__(self, steps=400, warm_start=False):
        self.steps, self.warm_start = steps, warm_start

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.shape_ = self.steps
        return self

    def predict_proba(self, X):
        good = np.exp(-abs(self.shape_ - 32) / 50) * 0.5
        p = np.full((len(X), len(self.classes_)), (1 - good) / len(self.classes_))
        return p + good * np.eye(len(self.classes_))[X[:, 0].astype(int)]


def test_patience_stops_growth_and_the_best_step_is_kept():
    view = classes()
    X = view.X.copy()
    X[:, 0] = view.y
    view = automl.View(X, view.y, view.task, view.n_classes)
    fitted = model(f"{HERE}:Worsening", view, fidelity="steps", patience=36)
    run = FakeRun(view.take(slice(0, 100)), patience=36)
    fitted.fit(view.take(slice(100, None)), view.take(slice(0, 100)), run)
    assert run.steps == [16, 32, 48, 72]
    assert run.shapes == {(100, 3)}
    assert fitted._estimator.shape_ == 32


class Watched(ClassifierMixin, BaseEstimator):
    """Grows by itself, slowly; asks after every step."""

    def __init__(self, steps=1000):
        self.steps = steps

    def fit_steps(self, X, y, X_stop, monitor):
        self.classes_ = np.unique(y)
        for step in range(1, self.steps + 1):
            self.done_ = step
            time.sleep(0.02)
            if monitor(step, None):
                break
            if X_stop is not None and monitor(step, self.predict_proba(X_stop)):
                break

    def keep_steps(self, steps):
        self.done_ = steps

    def predict_proba(self, X):
        away = abs(self.done_ - 6) / 40
        return np.full((len(X), len(self.classes_)), 1 / 3) + np.array([away, 0, -away]) / 3


def test_an_estimator_that_grows_by_itself_is_cut_to_the_best_step():
    view = classes()
    stop = view.take(slice(0, 100))
    run = FakeRun(stop, patience=5)
    fitted = model(f"{HERE}:Watched", view, fidelity="steps", patience=5)
    fitted.fit(view, stop, run)
    assert run.steps == list(range(1, run.best_step + 6))
    assert fitted._estimator.done_ == run.best_step


def test_an_estimator_that_grows_by_itself_minds_the_deadline():
    view = classes()
    fitted = model(f"{HERE}:Watched", view, fidelity="steps")
    started = time.perf_counter()
    run = FakeRun(seconds=0.5)
    fitted.fit(view, None, run)
    assert time.perf_counter() - started < 1.5
    assert 1 <= fitted._estimator.done_ < 40
    assert run.censored


def test_saving_refuses_types_that_were_not_declared(tmp_path):
    view = classes()
    fitted = model("sklearn.ensemble:ExtraTreesClassifier", view, {"n_estimators": 3})
    fitted.fit(view, None, FakeRun())
    with pytest.raises(automl.PluginError, match=r"sklearn\.tree\._tree\.Tree"):
        fitted.save(tmp_path)


def test_loading_trusts_the_declaration_not_the_file(tmp_path):
    view = classes()
    path = "sklearn.ensemble:ExtraTreesClassifier"
    fitted = model(path, view, {"n_estimators": 3}, **FOREST)
    fitted.fit(view, None, FakeRun())
    fitted.save(tmp_path)
    from skops.io.exceptions import UntrustedTypesFoundException

    with pytest.raises(UntrustedTypesFoundException):
        model(path, view).load(tmp_path)


def test_the_saved_bytes_are_reproducible_and_hold_no_pickle(tmp_path):
    view = classes()
    files = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        fitted = model("sklearn.ensemble:ExtraTreesClassifier", view, {"n_estimators": 5}, **FOREST)
        fitted.fit(view, None, FakeRun())
        fitted.save(folder)
        files.append((folder / "model.skops").read_bytes())
    assert files[0] == files[1]
    with ZipFile(tmp_path / "a" / "model.skops") as saved:
        names = saved.namelist()
        assert all(name == "schema.json" or name.endswith(".npy") for name in names)
        json.loads(saved.read("schema.json"))


def test_predictions_after_loading_in_a_fresh_process_are_the_same(tmp_path):
    view = classes()
    fitted = model("sklearn.ensemble:ExtraTreesClassifier", view, {"n_estimators": 9}, **FOREST)
    fitted.fit(view, None, FakeRun())
    fitted.save(tmp_path)
    np.save(tmp_path / "X.npy", view.X)
    code = f"""
import pathlib, numpy as np, automl
folder = pathlib.Path({str(tmp_path)!r})
learner = automl.sklearn_learner("x", "sklearn.ensemble:ExtraTreesClassifier",
    family="classical", tasks={{"multiclass"}}, view="matrix",
    fidelity="n_estimators", trusted=("sklearn.tree._tree.Tree",))
model = learner.factory({{}}, "multiclass", 3)
model.load(folder)
np.save(folder / "p.npy", model.predict(automl.View(np.load(folder / "X.npy"), None,
    "multiclass", 3)))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (np.load(tmp_path / "p.npy") == fitted.predict(view)).all()


def test_chunks_do_not_depend_on_the_clock_without_a_deadline(monkeypatch):
    ends = []
    for speed in (1.0, 1000.0):
        ticks = iter(np.arange(1000) * speed)
        monkeypatch.setattr(growth, "perf_counter", lambda ticks=ticks: next(ticks))
        ends.append(list(growth.chunks(Worsening(steps=100), "steps", 3, FakeRun())))
    assert ends[0] == ends[1] == [16, 32, 48, 72, 100]


class Recorder(BaseEstimator):
    """Keeps what it was fitted on, and predicts the mean."""

    def fit(self, X, y, sample_weight=None):
        self.y_, self.weight_ = np.asarray(y), sample_weight
        return self

    def predict(self, X):
        return np.full(len(X), self.y_.mean(), dtype=np.float32)


@pytest.mark.parametrize("standardise", [True, False])
def test_values_come_standardised_and_predictions_go_back(standardise):
    learner = automl.sklearn_learner(
        "own", f"{HERE}:Recorder", family="classical", tasks={"regression"}, view="matrix",
        standardise=standardise,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    y = 1.7e9 + rng.normal(size=200)
    train = automl.View(rng.normal(size=(200, 2)).astype(np.float32), y, "regression", 0)
    model = learner.factory({}, "regression", 0)
    model.fit(train, None, FakeRun())
    given = model._estimator.y_
    assert (abs(given.mean()) < 1e-6) == standardise
    assert (abs(model.predict(train) - y.mean()).max() < 1e-3) == standardise


def test_weights_reach_an_estimator_that_takes_them():
    learner = automl.sklearn_learner(
        "own", f"{HERE}:Recorder", family="classical", tasks={"regression"}, view="matrix",
        weights=True,
    )  # fmt: skip
    X, y = np.zeros((4, 1), np.float32), np.arange(4.0)
    for weights in (None, np.array([1.0, 3.0, 1.0, 3.0])):
        model = learner.factory({}, "regression", 0)
        model.fit(automl.View(X, y, "regression", 0, weights=weights), None, FakeRun())
        assert model._estimator.weight_ is weights
