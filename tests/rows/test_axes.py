from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.data.images.pictures import ImageArray, ImageStore
from automl.data.schema import infer_schema, to_dataset
from automl.data.views import Views
from automl.errors import DataError
from automl.hooks.manager import get_host
from automl.rows.axes.catalogue import AXES
from automl.rows.repeats import repeats_of
from automl.space import Size
from automl.types import Cell
from automl.workers.evaluate import FitRequest, RungData, run_rung

CHANGED = sorted(set(AXES) - {"rows", "labels", "model-size", "budget", "workers"})


def dataset(task="binary", n=1000):
    rng = np.random.default_rng(0)
    city = rng.choice([f"c{i}" for i in range(12)], n, p=np.arange(12, 0, -1) / 78)
    frame = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "b": rng.normal(size=n),
            "city": city,
            "day": pd.date_range("2020-01-01", periods=n, freq="h")[rng.permutation(n)],
        }
    )
    noise = rng.normal(size=n)
    frame["y"] = noise if task == "regression" else np.where(frame["a"] + noise > 0, "u", "v")
    schema = infer_schema(
        frame, target="y", task=task, drop=(), positive=None, group=None, time=None
    )
    return to_dataset(schema, frame)


@pytest.fixture(scope="module")
def data():
    return dataset()


@pytest.fixture(scope="module")
def repeats(data):
    return repeats_of(data, 2, 0)


@pytest.mark.parametrize("name", CHANGED)
def test_every_level_can_be_encoded_for_every_learner(name, data, repeats):
    axis = AXES[name](data, repeats, 5)
    assert list(axis.levels) == sorted(set(axis.levels))
    assert axis.levels[0] > 0
    for level in {0, len(axis.levels) - 1}:
        cell = axis.rows(Cell(repeat=1, level=level))
        views = Views(cell.X, cell.y, cell.schema, 0)
        for kind in ("frame", "matrix", "tensors"):
            assert len(views.train(kind)) == len(cell.y)
            assert len(views.transform(kind, cell.validation_X)) == len(cell.validation_y)
            assert len(views.transform(kind, cell.test_X)) == len(cell.test_y) == 200


@pytest.mark.parametrize("name", ["missingness", "missing-by-value", "noise-columns"])
def test_images_are_blanked_like_other_values(name):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (1000, 8, 8, 1)).astype(np.uint8)
    photos = ImageArray(ImageStore(pixels, np.zeros(1000, np.uint8)))
    frame = pd.DataFrame({"photo": photos, "a": rng.normal(size=1000), "y": ["u", "v"] * 500})
    data = to_dataset(infer_schema(frame, target="y"), frame)
    axis = AXES[name](data, repeats_of(data, 2, 0), 4)
    cell = axis.rows(Cell(repeat=1, level=len(axis.levels) - 1))
    blanked = cell.X["photo"].isna().mean()
    assert (blanked > 0.2) == (name != "noise-columns")
    assert not data.X["photo"].isna().any()
    views = Views(cell.X, cell.y, cell.schema, 0)
    assert np.isfinite(views.train("matrix")).all()
    assert views.transform("image", cell.test_X).shape == (200, 8, 8, 1)


@pytest.mark.parametrize("name", CHANGED)
def test_a_level_is_the_same_whenever_it_is_made(name, data, repeats):
    axis = AXES[name](data, repeats, 5)
    first, second = axis.rows(Cell(repeat=0, level=2)), axis.rows(Cell(repeat=0, level=2))
    pd.testing.assert_frame_equal(first.test_X, second.test_X)
    assert (first.y == second.y).all()


def test_rows_that_lose_their_label_are_kept_without_it(data, repeats):
    axis, rows = (AXES[name](data, repeats, 5) for name in ("labels", "rows"))
    assert axis.levels[-1] == 100
    whole = rows.rows(Cell(repeat=0, level=len(rows.levels) - 1))
    for level in range(len(axis.levels)):
        cell, same = axis.rows(Cell(repeat=0, level=level)), rows.rows(Cell(repeat=0, level=level))
        pd.testing.assert_frame_equal(cell.X, same.X)
        assert (cell.y == same.y).all()
        seen = len(cell.X) + len(cell.validation_X)
        without = 0 if cell.unlabelled is None else len(cell.unlabelled)
        assert axis.levels[level] == pytest.approx(100 * seen / (seen + without))
        assert seen + without == len(whole.X) + len(whole.validation_X)
        if without:
            assert not set(cell.unlabelled.index) & {*cell.X.index, *cell.validation_X.index}
            assert not set(cell.unlabelled.index) & set(cell.test_X.index)


def test_rows_without_a_label_count_for_who_learns_from_them(data, repeats):
    axis = AXES["labels"](data, repeats, 5)
    learners = {name: get_host().learners[name].learner for name in ("linear", "autoencoder")}
    assert axis.sizes_for(learners["linear"]) == axis.sizes
    assert axis.sizes_for(learners["autoencoder"]) == axis.sizes[-1:] * len(axis.sizes)


def test_gaps_by_value_take_large_numbers_and_rare_levels_first(data, repeats):
    axis = AXES["missing-by-value"](data, repeats, 5)
    whole = AXES["rows"](data, repeats, 2).rows(Cell(repeat=0, level=1))
    before = None
    for level, percent in enumerate(axis.levels):
        gaps = axis.rows(Cell(repeat=0, level=level)).X.isna()
        assert gaps.mean(axis=None) == pytest.approx(percent / 100, abs=0.04)
        assert before is None or gaps[before].to_numpy()[before.to_numpy()].all()
        before = gaps
    large, rare = whole.X["a"] > whole.X["a"].median(), whole.X["city"].isin(["c9", "c10", "c11"])
    assert gaps.loc[large, "a"].mean() > 2 * gaps.loc[~large, "a"].mean()
    assert gaps.loc[rare, "city"].mean() > 1.5 * gaps.loc[~rare, "city"].mean()


def test_numbers_that_are_mostly_alike_get_their_share_of_gaps():
    plain = dataset()
    flag = np.where(np.arange(len(plain.X)) % 10 == 0, 1.0, 0.0)
    data = replace(plain, X=plain.X.assign(b=flag))
    axis = AXES["missing-by-value"](data, repeats_of(data, 1, 0), 5)
    gaps = axis.rows(Cell(repeat=0, level=4)).X["b"].isna()
    assert gaps.mean() == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_label_noise_spoils_training_labels_only_more_and_more(task):
    data = dataset(task)
    repeats = repeats_of(data, 1, 0)
    axis = AXES["label-noise"](data, repeats, 5)
    clean = AXES["rows"](data, repeats, 2).rows(Cell(repeat=0, level=1))
    wrong = np.zeros(len(clean.y), dtype=bool)
    for level, percent in enumerate(axis.levels):
        cell = axis.rows(Cell(repeat=0, level=level))
        now = cell.y != clean.y
        assert now.mean() == pytest.approx(percent / 100, abs=0.06)
        assert (now | ~wrong).all()
        assert (cell.test_y == clean.test_y).all()
        wrong = now


def test_gaps_are_nested_and_in_all_rows(data, repeats):
    axis = AXES["missingness"](data, repeats, 5)
    before = None
    for level, percent in enumerate(axis.levels):
        gaps = axis.rows(Cell(repeat=0, level=level)).test_X.isna().to_numpy()
        assert gaps.mean() == pytest.approx(percent / 100, abs=0.05)
        assert before is None or (gaps | ~before).all()
        before = gaps


def test_columns_are_nested_and_come_to_all(data, repeats):
    axis = AXES["features"](data, repeats, 5)
    before = set()
    for level, count in enumerate(axis.levels):
        names = set(axis.rows(Cell(repeat=0, level=level)).X.columns)
        assert len(names) == count
        assert before <= names
        before = names
    assert before == set(data.X.columns)


def test_noise_columns_are_told_apart_and_added(data, repeats):
    axis = AXES["noise-columns"](data, repeats, 5)
    cell = axis.rows(Cell(repeat=0, level=len(axis.levels) - 1))
    assert cell.X.shape[1] == data.X.shape[1] * 5 == len(cell.schema.features)
    assert list(cell.X.columns) == list(cell.test_X.columns)


def test_rare_levels_become_one(data, repeats):
    axis = AXES["cardinality"](data, repeats, 7)
    for level, count in enumerate(axis.levels):
        cell = axis.rows(Cell(repeat=0, level=level))
        assert cell.X["city"].nunique() == count
        assert set(cell.test_X["city"].dropna()) <= set(cell.X["city"])
    assert axis.levels[-1] == data.X["city"].nunique()


def test_with_all_levels_the_table_is_as_it_is(data, repeats):
    city = data.X["city"].cat.add_categories(["new"])
    city.iloc[repeats[0].test[0]] = "new"  # to no row that trains
    table = replace(data, X=data.X.assign(city=city))
    axis = AXES["cardinality"](table, repeats, 7)
    scored = axis.rows(Cell(repeat=0, level=len(axis.levels) - 1)).test_X
    pd.testing.assert_frame_equal(scored, table.X.loc[scored.index])


def test_trials_count_for_every_budget_that_has_them(data, repeats):
    axis = AXES["budget"](data, repeats, 9)
    assert axis.trials == 16
    assert axis.values(0, 0) == (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
    assert axis.values(0, 8) == (12.0, 16.0)


def test_a_table_without_what_grows_is_refused(data, repeats):
    names = {"a", "b"}
    columns = tuple(c for c in data.schema.columns if c.name in names)
    narrow = replace(data, X=data.X[["a", "b"]], schema=replace(data.schema, columns=columns))
    for name, says in (("cardinality", "no category column"), ("features", "2 feature columns")):
        with pytest.raises(DataError, match=says):
            AXES[name](narrow, repeats, 5)


SIZED = sorted(name for name, entry in get_host().learners.items() if entry.learner.size)
ORDER = FitRequest(
    learner="any", config={"rate": 0.1}, seed=0, task="binary", n_classes=2, metric="log_loss"
)


def test_the_usual_model_is_in_the_middle_of_the_sizes(data, repeats):
    axis = AXES["model-size"](data, repeats, 5)
    assert axis.levels == pytest.approx((0.5, 2**-0.5, 1, 2**0.5, 2))
    learner = get_host().learner("lightgbm")
    usual = {"rate": 0.1}
    sizes = [axis.config(usual, Cell(level=level), learner) for level in range(5)]
    assert [size["num_leaves"] for size in sizes] == [20, 28, 40, 57, 80]
    assert axis.config(usual, Cell(), get_host().learner("baseline")) == usual
    assert not axis.unfit(get_host().learner("baseline"))
    assert axis.unfit(get_host().learner("linear"))


@given(
    usual=st.integers(1, 512),
    factor=st.floats(0.05, 20),
    grows=st.sampled_from(["linear", "root", "log2"]),
    multiple=st.sampled_from([1, 8]),
)
def test_a_size_grows_with_its_factor_and_is_never_zero(usual, factor, grows, multiple):
    size = Size("width", usual, grows, multiple=multiple)

    def width(factor):
        return size.grown({"rate": 1}, factor)["width"]

    assert width(factor) >= multiple
    assert width(factor) % multiple == 0
    assert width(factor) <= width(2 * factor)
    assert size.grown({"width": 64}, 1.0) == {"width": 64}
    assert size.grown({"rate": 1}, factor)["rate"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.25, 4.0])
@pytest.mark.parametrize("name", SIZED)
def test_models_of_other_sizes_can_be_trained(name, factor, data):
    learner = get_host().learner(name)
    if "binary" not in learner.tasks:
        pytest.skip("no learner for classes")
    views = Views(data.X, data.y, data.schema, 0)
    config = learner.size.grown(learner.defaults[0], factor)
    order = replace(ORDER, learner=name, config=config, soft_limit=3.0)
    rung = RungData(
        train_X=views.train(learner.view),
        train_y=data.y,
        n_stop=200,
        validation_X=views.transform(learner.view, data.X),
    )
    outcome = run_rung(order, rung, lambda _: None)
    assert outcome.status == "ok", outcome.reason


@pytest.mark.parametrize(("cpus", "levels"), [(2, (1, 2)), (6, (1, 2, 4, 6)), (8, (1, 2, 4, 8))])
def test_workers_double_up_to_all_cpus(cpus, levels, data, repeats):
    axis = AXES["workers"](data, repeats, cpus)
    assert axis.levels == levels
    assert tuple(axis.threads(Cell(level=level)) for level in range(len(levels))) == levels
