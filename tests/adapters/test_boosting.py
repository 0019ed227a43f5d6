"""The booster adapter around an engine that only pretends to learn, on a clock made by hand."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pandas as pd
import pytest

from automl import BoosterModel, BoosterTerms, TooLittleTimeError, View
from tests.plugins.fake_host import FakeRun

TERMS = BoosterTerms(
    rounds="trees",
    defaults={"trees": 100, "learning_rate": 0.05, "penalty": 0.5, "depth": 6},
    enough={"binary": 3.0, "multiclass": 3.0, "regression": 3.0},
)


class Clock:
    """Stands still but for what a round takes."""

    def __init__(self):
        self.now, self.first, self.pace = 0.0, 1.0, 1.0

    def __call__(self):
        return self.now

    def pass_round(self, rounds):
        self.now += self.pace if rounds.done else self.first


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    for room in ("rounds", "pace"):
        monkeypatch.setattr(f"automl.adapters.{room}.perf_counter", made)
    return made


class Engine:
    """Predicts best with so many rounds; remembers what it was told."""

    def __init__(self, problem, *, best=30, last=None, clock=None):
        self.problem, self.best, self.last, self.clock = problem, best, last, clock
        self.given, self.changes, self.loaded = [], {}, None

    def data(self, X, y, like):
        self.given.append((X, y, like))
        return X

    def train(self, data, stop, rounds):
        while not rounds.over:
            if self.clock is not None:
                self.clock.pass_round(rounds)
            rounds.tick(last=rounds.done + 1 == self.last)
            if rounds.due:
                rounds.report(rounds.done, self.predict(stop, rounds.done))
            if changes := rounds.changes():
                self.changes[rounds.done] = changes
        return rounds.done

    def predict(self, X, rounds):
        far = min(1.0, abs(rounds - self.best) / 100)
        classes = self.problem.classes
        if not classes:
            return X[:, 0] * (1 - far)
        p = np.full((len(X), classes), 1 / classes, np.float32)
        return p[:, 1] if classes == 2 else p

    def save(self, folder, rounds):
        (folder / "engine.json").write_text(json.dumps(rounds))

    def load(self, folder):
        self.loaded = json.loads((folder / "engine.json").read_text())


def made(view, config=None, *, engine=Engine, **more):
    """A model, and the engines made for it."""
    engines = []

    def make(problem):
        engines.append(engine(problem, **more))
        return engines[-1]

    return BoosterModel(make, TERMS, config or {}, view.task, view.n_classes), engines


def values(n=200, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.normal(size=n).astype(np.float32)})
    X["c"] = pd.Categorical.from_codes(np.arange(n) % 3, categories=list("uvw"))
    return View(X, 1e6 + 1e5 * X["a"].to_numpy(np.float64), "regression", 0)


def classes(codes, n_classes):
    X = pd.DataFrame({"a": np.arange(len(codes), dtype=np.float32)})
    task = "binary" if n_classes == 2 else "multiclass"
    return View(X, np.asarray(codes), task, n_classes)


def fit(view, config=None, *, stop_rows=50, patience=None, seconds=math.inf, **more):
    """The results of a fit: the model, its engine, and the run."""
    model, engines = made(view, config, **more)
    stop = view.take(slice(0, stop_rows)) if stop_rows else None
    run = FakeRun(stop, patience=patience, seconds=seconds, clock=more.get("clock", time.monotonic))
    model.fit(view.take(slice(stop_rows, None)), stop, run)
    return model, engines[-1] if engines else None, run


def test_an_engine_gets_numbers_codes_and_standardised_values():
    view = values()
    view.X.loc[60, "c"] = None
    _, engine, _ = fit(view)
    (X, y, like), (stop_X, _, stop_like) = engine.given
    assert like is None
    assert stop_like is X
    assert X.dtype == stop_X.dtype == np.float32
    assert X[:3, 1].tolist() == [50 % 3, 51 % 3, 52 % 3]
    assert np.isnan(X[10, 1])
    assert (abs(y.mean()), y.std()) == pytest.approx((0, 1), abs=1e-9)
    assert list(engine.problem.levels) == [0, 3]
    assert engine.problem.categories == [1]
    assert engine.problem.rows == 150


def test_configured_settings_reach_the_engine_but_not_the_number_of_rounds():
    _, engine, run = fit(values(), {"depth": 3, "trees": 20})
    assert engine.problem.settings == {"learning_rate": 0.05, "penalty": 0.5, "depth": 3}
    assert run.steps == [4, 9, 14, 19]


def test_the_best_round_reported_is_kept():
    view = values()
    model, _, run = fit(view, patience=20, best=30)
    assert run.best_step == 29
    assert run.steps[-1] == 49
    assert model.rounds == 30
    np.testing.assert_array_equal(
        model.predict(view.take(slice(0, 50))), run.predictions[run.steps.index(29)]
    )


def test_without_stop_rows_nothing_is_due_and_all_rounds_are_kept():
    model, engine, run = fit(values(), stop_rows=0)
    assert len(engine.given) == 1
    assert (model.rounds, run.steps) == (100, [])


def test_an_engine_that_is_done_early_reports_its_last_round():
    model, _, run = fit(values(), last=7)
    assert run.steps == [4, 6]
    assert model.rounds == 7
    assert run.censored == []


@pytest.mark.parametrize(("codes", "seen"), [([0, 2], [0, 2]), ([1, 2, 3], [1, 2, 3])])
def test_classes_that_the_rows_lack_get_nothing(codes, seen):
    view = classes(np.resize(codes, 90), 4)
    model, engine, run = fit(view, stop_rows=30)
    assert set(engine.given[0][1]) == set(range(len(seen)))
    assert engine.problem.target.seen == seen
    assert engine.problem.target.prior == pytest.approx([1 / len(seen)] * len(seen))
    expected = np.zeros(4)
    expected[seen] = 1 / len(seen)
    np.testing.assert_allclose(model.predict(view), np.tile(expected, (90, 1)))
    np.testing.assert_allclose(run.predictions[0], np.tile(expected, (30, 1)))


def test_labels_of_stop_rows_are_known_ones():
    """A library may refuse others; the host alone scores."""
    view = classes([3] * 5 + [0, 1] * 20, 4)
    _, engine, _ = fit(view, stop_rows=5)
    assert set(engine.given[1][1]) <= {0, 1}


@pytest.mark.parametrize("flat", [[1] * 60, [2.5] * 60])
def test_where_there_is_one_label_no_engine_is_asked(flat, tmp_path):
    view = classes(flat, 3) if flat[0] == 1 else View(values(60).X, np.array(flat), "regression", 0)
    model, engine, _ = fit(view, stop_rows=0)
    assert engine is None
    expected = np.tile([0, 1, 0], (60, 1)) if flat[0] == 1 else flat
    np.testing.assert_array_equal(model.predict(view), expected)
    model.save(tmp_path)
    again, _ = made(view)
    again.load(tmp_path)
    np.testing.assert_array_equal(again.predict(view), expected)


def test_where_no_column_varies_the_class_shares_are_predicted():
    view = View(pd.DataFrame({"a": [1.0] * 8}), np.array([0, 1, 1, 1] * 2), "binary", 2)
    model, engine, _ = fit(view, stop_rows=0)
    assert engine is None
    np.testing.assert_array_equal(model.predict(view), [[0.25, 0.75]] * 8)


def test_an_engine_that_grew_nothing_predicts_the_mean(tmp_path, monkeypatch):
    monkeypatch.setattr(Engine, "train", lambda *_: 0)
    view = values()
    model, _, _ = fit(view, stop_rows=0)
    model.save(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.json"]
    np.testing.assert_allclose(model.predict(view), view.y.mean())


def test_a_loaded_model_predicts_with_the_rounds_kept(tmp_path):
    view = values()
    model, _, _ = fit(view, patience=20, best=30)
    model.save(tmp_path)
    again, engines = made(view, best=30)
    again.load(tmp_path)
    assert engines[0].loaded == again.rounds == 30
    np.testing.assert_array_equal(again.predict(view), model.predict(view))
    later = view.X.assign(c=pd.Categorical(["z"] * 200, categories=list("uvwz")))
    assert np.isfinite(again.predict(View(later, None, "regression", 0))).all()


def test_bins_are_fewer_where_columns_are_many():
    _, engine, _ = fit(values())
    assert engine.problem.bins(256, 32) == 256
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2000)))
    _, engine, _ = fit(View(X, np.arange(60.0), "regression", 0), stop_rows=0)
    assert engine.problem.bins(256, 32) == 128
    assert engine.problem.bins(256, 200) == 200


# ----------------------------------------------------------------------- the clock


def test_without_a_deadline_no_settings_are_changed(clock):
    assert fit(values(), clock=clock)[1].changes == {}


def test_with_enough_time_settings_stay_as_they_are(clock):
    model, engine, run = fit(values(), stop_rows=0, seconds=1000.0, clock=clock)
    own = {"learning_rate": 0.05}
    assert engine.changes == {1: own, 4: own, 16: own}
    assert (model.rounds, run.censored) == (100, [])


def test_time_that_is_over_ends_the_rounds_and_the_host_is_told(clock):
    own = {"learning_rate": 0.3}
    model, _, run = fit(values(), own, stop_rows=0, seconds=40.0, clock=clock)
    assert model.rounds == 39
    assert run.censored == [0.9]  # usually it takes ten rounds, and there were more to do


def test_what_is_learned_when_time_is_over_is_reported(clock):
    own = {"learning_rate": 0.3}
    model, _, run = fit(values(), own, seconds=18.0, best=17, clock=clock)
    assert run.steps == [4, 9, 14, 16]
    assert model.rounds == 17


def test_steps_are_larger_where_rounds_are_few(clock):
    model, engine, run = fit(values(), stop_rows=0, seconds=60.0, clock=clock)
    left = 3.0 - 0.05  # of rounds times learning rate, after one round
    assert engine.changes[1]["learning_rate"] == pytest.approx(left / (59 * 0.95))
    assert model.rounds == 59
    assert run.censored == [59 / 60]
    _, engine, patient = fit(values(), stop_rows=50, patience=10, seconds=60.0, clock=clock)
    assert patient.censored == [0.05 / engine.changes[16]["learning_rate"]]  # not by its rounds


def test_steps_are_as_they_were_once_there_is_time_after_all(clock):
    clock.first, clock.pace = 20.0, 0.1
    model, engine, run = fit(values(), stop_rows=0, seconds=200.0, clock=clock)
    assert engine.changes[1]["learning_rate"] > 0.05
    assert engine.changes[16]["learning_rate"] == 0.05
    assert (model.rounds, run.censored) == (100, [])


def test_a_fit_without_the_time_for_steps_twice_as_large_is_declined(clock):
    with pytest.raises(TooLittleTimeError) as declined:
        fit(values(), stop_rows=0, seconds=20.0, clock=clock)
    assert declined.value.needed_seconds == pytest.approx(4 + (3.0 - 0.05 - 3 * 0.1) / 0.1 / 0.95)
    _, engine, _ = fit(values(), stop_rows=0, seconds=34.0, clock=clock)
    assert 0.05 < engine.changes[16]["learning_rate"] <= 0.1


def test_a_fit_that_time_ends_at_its_first_round_is_declined(clock):
    clock.first = 15.0
    with pytest.raises(TooLittleTimeError) as declined:
        fit(values(), stop_rows=0, seconds=20.0, clock=clock)
    assert declined.value.needed_seconds == 30.0
    model, *_ = fit(values(), {"learning_rate": 2.0}, stop_rows=0, seconds=20.0, clock=clock)
    assert model.rounds == 1  # which is most of what it usually takes


def test_rounds_that_were_asked_for_are_no_want_of_time(clock):
    own = {"trees": 10}
    model, engine, run = fit(values(), own, stop_rows=0, seconds=1000.0, clock=clock)
    assert all(changes == {"learning_rate": 0.05} for changes in engine.changes.values())
    assert (model.rounds, run.censored) == (10, [])


class Piloted(Engine):
    """Cannot change settings on the way: tries two rounds, then begins anew."""

    def train(self, data, stop, rounds):
        assert rounds.limited
        for _ in range(2):
            self.clock.pass_round(rounds)
            rounds.tick()
        assert rounds.seconds == [self.clock.first, self.clock.pace]
        self.changes["rest"] = rounds.restart()
        while not rounds.over:
            self.clock.pass_round(rounds)
            rounds.tick()
        return rounds.done


def test_a_trial_is_forgotten_where_the_engine_begins_anew(clock):
    clock.first = 5.0
    model, engine, run = fit(values(), stop_rows=0, seconds=1000.0, clock=clock, engine=Piloted)
    assert engine.changes["rest"] == {"learning_rate": 0.05}
    assert (model.rounds, run.censored) == (100, [])


def test_larger_steps_after_a_trial_are_told(clock):
    clock.first = 5.0
    model, engine, run = fit(values(), stop_rows=0, seconds=60.0, clock=clock, engine=Piloted)
    assert engine.changes["rest"]["learning_rate"] == pytest.approx(3.0 / (0.95 * 54 - 5))
    assert run.censored == [model.rounds / 60]


def test_a_trial_tells_that_there_is_too_little_time(clock):
    clock.first = 5.0
    with pytest.raises(TooLittleTimeError):
        fit(values(), stop_rows=0, seconds=13.0, clock=clock, engine=Piloted)
