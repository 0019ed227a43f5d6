"""Many rows in a worker and in the store: blocks, parts, and no more than there is room for."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl import Learner, TensorBlock
from automl.data.schema import infer_schema, to_dataset
from automl.hooks.manager import get_host
from automl.rows.fold_design import FoldDesign
from automl.rows.folds import make_split
from automl.schedule.base import Job
from automl.types import Cell, Trial
from automl.workers.evaluate import FitRequest, RungData, run_rung
from automl.workers.store import RowStore

SEEN: list[tuple[str, int]] = []
LEARNER = Learner(
    name="spying",
    family="classical",
    tasks=frozenset({"regression"}),
    view="matrix",
    factory=lambda *_: Spy(),
    patience=5,
)


class Spy:
    """A model that notes how many rows it is handed, and predicts the first number of each."""

    def fit(self, train, stop, run):
        SEEN.append(("train", len(train)))
        SEEN.append(("stop", len(stop)))

    def predict(self, view):
        SEEN.append(("predict", len(view)))
        X = view.X
        numbers = X.numbers if isinstance(X, TensorBlock) else np.asarray(X)
        return numbers.reshape(len(numbers), -1)[:, 0].astype(np.float64)


@pytest.fixture(autouse=True, scope="module")
def _known():
    patch = pytest.MonkeyPatch()
    host = get_host()
    entry = SimpleNamespace(learner=LEARNER, available=True, reason="")
    patch.setattr(host, "_learners", host.learners | {LEARNER.name: entry})
    yield
    patch.undo()


def rows_as(kind, numbers):
    if kind == "frame":
        return pd.DataFrame(numbers)
    if kind == "matrix":
        return numbers
    codes = np.zeros((len(numbers), 1), np.int32)
    return TensorBlock(numbers, np.zeros(numbers.shape, bool), codes, (1,))


def test_blocks_of_images_are_counted_by_their_values(monkeypatch):
    monkeypatch.setattr("automl.workers.evaluate.BLOCK_CELLS", 300 * 8 * 8 * 3)
    images = np.zeros((700, 8, 8, 3), np.uint8)
    SEEN.clear()
    rung = RungData(images[:20], np.arange(20.0), 5, images)
    order = FitRequest(LEARNER.name, {}, 0, "regression", 0, "rmse")
    found = run_rung(order, rung, lambda _: None)
    assert found.status == "ok", found.reason
    assert [size for what, size in SEEN if what == "predict"] == [300, 300, 100]


@settings(max_examples=40)
@given(st.integers(1, 900), st.sampled_from(["frame", "matrix", "tensors"]), st.integers(1, 2000))
def test_predictions_in_blocks_are_those_of_all_rows(count, kind, cells):
    numbers = np.arange(2 * count, dtype=np.float32).reshape(count, 2)
    data = RungData(rows_as(kind, numbers[:30]), numbers[:30, 1], 10, rows_as(kind, numbers))
    SEEN.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("automl.workers.evaluate.BLOCK_CELLS", cells)
        found = run_rung(FitRequest("spying", {}, 0, "regression", 0, "rmse"), data, lambda _: None)
    assert found.status == "ok", found.reason
    np.testing.assert_array_equal(found.predictions[""], numbers[:, 0])
    blocks = [size for what, size in SEEN if what == "predict"]
    assert sum(blocks) == count
    assert max(blocks) <= max(256, cells)


def test_a_learner_takes_as_many_rows_as_it_can_and_stops_by_the_others():
    numbers = np.zeros((300, 2), np.float32)
    data = RungData(numbers, numbers[:, 0], 30, numbers[:5])
    SEEN.clear()
    asked = FitRequest("spying", {}, 0, "regression", 0, "rmse", most_rows=100)
    assert run_rung(asked, data, lambda _: None).status == "ok"
    assert SEEN == [("train", 70), ("stop", 30), ("predict", 5)]


@pytest.fixture
def store():
    made = []

    def make(capacity):
        rng = np.random.default_rng(0)
        table = pd.DataFrame(rng.normal(size=(2_000, 4)), columns=list("abcd"))
        table["t"] = table["a"] + table["b"]
        data = to_dataset(infer_schema(table, target="t"), table)
        design = FoldDesign(data, data.y, make_split(data))
        put = []
        made.append(RowStore(design, put.append, [LEARNER], capacity=capacity))
        return made[-1], put

    yield make
    for each in made:
        each.close()


CELLS = [Cell(rung, 0) for rung in range(4)]


@pytest.mark.parametrize(("capacity", "ahead"), [(10**9, 4), (4 * 4 * 700, 2), (10, 0)])
def test_rows_are_made_ahead_as_far_as_there_is_room(store, capacity, ahead):
    made, put = store(capacity)
    made.prefetch(CELLS, columns=4)
    made.get(Job(Trial("spying", 0, {}), Cell(4, 1)), wait=60)
    sizes = [len(rows.train_X) for rows in put]
    assert sizes[:-1] == [200, 400, 800, 1_600][:ahead]


def test_rows_are_encoded_anew_alike_where_they_were_given_up(store):
    made, put = store(10)
    jobs = [Job(Trial("spying", 0, {}), cell) for cell in (*CELLS, CELLS[0])]
    for job in jobs:
        made.get(job, wait=60)
        made.forget(job)
    np.testing.assert_array_equal(put[0].train_X, put[-1].train_X)
    np.testing.assert_array_equal(put[0].validation_X, put[-1].validation_X)
    assert made.seconds["views"] > 0
