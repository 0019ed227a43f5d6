"""Rows without a target: where they go, and where not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from automl import Learner
from automl.data.schema import infer_schema, to_dataset
from automl.rows.fold_design import FoldDesign
from automl.rows.folds import carve_test, make_split, take
from automl.schedule.base import Job
from automl.types import Cell, Trial
from automl.workers.evaluate import FitRequest, run_rung
from automl.workers.store import RowStore

SEEN: list[tuple[int | None, int | None]] = []


class Spy:
    """A model that notes which rows it was handed."""

    def fit(self, train, stop, run):
        rows = None if train.unlabelled is None else len(train.unlabelled)
        SEEN.append((rows, None if stop is None else stop.unlabelled))

    def predict(self, view):
        return np.full((len(view), view.n_classes), 1 / view.n_classes, np.float32)

    def save(self, folder):
        """Nothing to keep."""

    def load(self, folder):
        """Nothing was kept."""


def learner(name, *, uses, view="matrix"):
    return Learner(
        name=name,
        family="classical",
        tasks=frozenset({"binary"}),
        view=view,
        factory=lambda *_: Spy(),
        patience=5,
        uses_unlabelled=uses,
    )


def table(n=2000, blank=0.5):
    """Rows that come in order, the first half of the blank ones with a category of their own."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"x": rng.normal(size=n), "word": rng.choice(["a", "b"], n)})
    rows["t"] = np.where(rows["x"] + rng.normal(size=n) > 0, "yes", "no")
    rows["shop"] = np.arange(n) // 20
    rows["day"] = np.arange(n)
    rows.loc[rng.random(n) < blank, "t"] = None
    return rows


def dataset(rows, **options):
    drop = [c for c in ("shop", "day") if c not in options.values()]
    return to_dataset(infer_schema(rows, target="t", drop=drop, **options), rows)


def test_they_stand_apart_with_their_row_numbers():
    rows = table()
    data = dataset(rows)
    blank = rows["t"].isna().to_numpy()
    assert data.unlabelled.index.tolist() == np.flatnonzero(blank).tolist()
    assert list(data.unlabelled.columns) == list(data.X.columns)
    assert len(data.X) == len(data.y) == (~blank).sum() == data.schema.rows
    assert dataset(rows[~blank]).unlabelled is None


def test_they_stay_with_the_training_rows_when_test_rows_are_locked():
    data = dataset(table())
    train_rows, _ = carve_test(data, 0.25)
    assert take(data, train_rows).unlabelled is data.unlabelled


def test_those_of_groups_that_are_scored_are_left_out():
    rows = table()
    rows.loc[rows["shop"] < 10, "t"] = None
    data = dataset(rows, group="shop")
    used = set(rows["shop"].iloc[data.unlabelled.index])
    assert used == set(range(10))
    assert not used & set(rows.loc[rows["t"].notna(), "shop"])


def test_with_times_all_are_left_out():
    assert dataset(table(), time="day").unlabelled is None


@pytest.fixture
def store(tmp_path):
    made = []

    def make(learners, data, **more):
        split = make_split(data)
        made.append(
            RowStore(
                FoldDesign(data, data.y, split),
                lambda rows: rows,
                learners,
                folder=tmp_path,
                capacity=10**9,
                **more,
            )
        )
        return made[-1], split

    yield make
    for each in made:
        each.close()


def rows_of(store, name, rung):
    trial = Trial(name, 0, {})
    job = Job(trial, Cell(rung, 0), 1.0, 1.0, 1.0)
    return store.get(job, wait=60)


def test_only_views_that_want_them_carry_them_and_lower_steps_fewer(store):
    data = dataset(table())
    learners = [learner("user", uses=True), learner("other", uses=False, view="frame")]
    made, split = store(learners, data)
    low, top = (rows_of(made, "user", rung) for rung in (split.rungs[0], 3))
    assert len(top.unlabelled_X) == len(data.unlabelled)
    share = len(low.train_X) / len(top.train_X)
    assert len(low.unlabelled_X) == pytest.approx(share * len(data.unlabelled), abs=1)
    assert top.unlabelled_X.shape[1] == top.train_X.shape[1]
    assert rows_of(made, "other", 3).unlabelled_X is None


def test_the_encoding_is_fitted_without_them(store):
    data = dataset(table())
    odd = replace(data, unlabelled=data.unlabelled.assign(x=1e6))
    found = [rows_of(store([learner("user", uses=True)], d)[0], "user", 3) for d in (data, odd)]
    np.testing.assert_array_equal(found[0].train_X, found[1].train_X)
    assert not np.array_equal(found[0].unlabelled_X, found[1].unlabelled_X)


@pytest.mark.parametrize("uses", [True, False])
def test_a_worker_hands_them_to_learners_that_use_them_and_to_training_only(
    store, uses, monkeypatch
):
    from automl.hooks.manager import Host

    host = Host()

    class Plugin:
        @staticmethod
        def automl_learners():
            return [learner("spy", uses=uses), learner("user", uses=True)]

    from automl import hookimpl

    Plugin.automl_learners = staticmethod(hookimpl(Plugin.automl_learners))
    host.register(Plugin, "spies")
    monkeypatch.setattr("automl.workers.evaluate.get_host", lambda: host)
    data = dataset(table(400))
    made, _ = store([learner("spy", uses=uses), learner("user", uses=True)], data)
    SEEN.clear()
    order = FitRequest("spy", {}, 0, "binary", 2, "roc_auc")
    outcome = run_rung(order, rows_of(made, "spy", 3), lambda _: None)
    assert outcome.status == "ok", outcome.reason
    handed, stop = SEEN[0]
    assert handed == (len(data.unlabelled) if uses else None)
    assert stop is None
