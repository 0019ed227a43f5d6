from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.errors import DataError
from automl.rows.folds import LEFT_OUT, carve_test, make_split, take
from automl.types import Column, Dataset, Schema


def table(y, task="binary", groups=None, times=None):
    y = np.asarray(y)
    classes = () if task == "regression" else tuple(range(int(y.max()) + 1))
    schema = Schema((Column("a", "number", ""),), "y", task, "", "", classes)
    X = pd.DataFrame({"a": np.arange(len(y), dtype=float)})
    return Dataset(X, y, schema, groups, times)


@st.composite
def tables(draw):
    n = draw(st.integers(2, 700))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    kind = draw(st.sampled_from(["classes", "rare", "sorted", "regression"]))
    y = {
        "classes": rng.integers(0, 4, n),
        "rare": np.minimum(rng.geometric(0.6, n) - 1, 9),
        "sorted": np.sort(rng.integers(0, 3, n)),
        "regression": rng.normal(size=n).round(1),
    }[kind]
    grouped = draw(st.booleans())
    groups = rng.integers(0, draw(st.integers(2, 60)), n) if grouped else None
    if groups is not None:
        groups[:2] = [0, 1]
    times = rng.integers(0, 20, n) if draw(st.booleans()) and not grouped else None
    task = "regression" if kind == "regression" else "multiclass"
    return table(y if task == "regression" else y.astype(np.int64), task, groups, times)


@settings(max_examples=150, deadline=None)
@given(tables(), st.integers(0, 3), st.sampled_from([None, 2, 3]))
def test_training_and_validation_never_meet_and_prefixes_are_nested(data, seed, folds):
    split = make_split(data, folds, seed)
    for fold in range(split.n_folds):
        validation = split.validation(fold)
        assert len(validation)
        assert np.all(np.diff(validation) > 0)
        prefixes = [split.subset(fold, rung) for rung in range(4)]
        for shorter, longer in itertools.pairwise(prefixes):
            assert len(shorter) >= 1
            assert np.array_equal(longer[: len(shorter)], shorter)
        full = prefixes[3]
        assert len(np.unique(full)) == len(full)
        assert not np.intersect1d(full, validation).size
        if data.times is None:
            assert len(full) + len(validation) == len(data.y)
        else:
            assert data.times[full].max() <= data.times[validation].min()
        if data.groups is not None:
            assert not np.intersect1d(data.groups[full], data.groups[validation]).size
            for prefix in prefixes:
                rest = np.setdiff1d(full, prefix)
                assert not np.intersect1d(data.groups[prefix], data.groups[rest]).size


@settings(max_examples=80, deadline=None)
@given(tables(), st.integers(0, 3))
def test_every_row_validates_once_and_the_same_seed_deals_the_same(data, seed):
    split, again = make_split(data, seed=seed), make_split(data, seed=seed)
    assert split.fingerprint == again.fingerprint
    assert np.array_equal(split.subset(0, 3), again.subset(0, 3))
    if data.times is None:
        validated = np.concatenate([split.validation(f) for f in range(split.n_folds)])
        assert np.array_equal(np.sort(validated), np.arange(len(data.y)))


@settings(max_examples=80, deadline=None)
@given(tables(), st.integers(0, 3))
def test_classes_with_two_rows_are_always_trained_on(data, seed):
    if data.schema.task == "regression" or data.groups is not None or data.times is not None:
        data = table(np.repeat([0, 1, 2], [50, 2, 3]), "multiclass")
    split = make_split(data, seed=seed)
    counts = np.bincount(data.y)
    for fold in range(split.n_folds):
        seen = np.bincount(data.y[split.subset(fold, 3)], minlength=len(counts))
        assert np.all(seen[counts >= 2] >= 1)


@settings(max_examples=60, deadline=None)
@given(tables(), st.floats(0.05, 0.6), st.integers(0, 3))
def test_locked_rows_are_apart_from_training_rows(data, size, seed):
    try:
        train, test = carve_test(data, size, seed)
    except DataError:
        assert data.groups is not None or len(data.y) < 4
        return
    assert len(train)
    assert len(test)
    assert np.array_equal(np.sort(np.r_[train, test]), np.arange(len(data.y)))
    if data.groups is not None:
        assert not np.intersect1d(data.groups[train], data.groups[test]).size
    elif data.times is not None:
        assert data.times[train].max() <= data.times[test].min()
    elif data.schema.task != "regression":
        assert set(data.y[test]) <= set(data.y[train])


def test_seed_changes_the_deal():
    data = table(np.arange(400) % 2)
    assert make_split(data, seed=0).fingerprint != make_split(data, seed=1).fingerprint


def test_sorted_files_are_shuffled_and_stratified():
    data = table(np.repeat([0, 1, 2], [6000, 3000, 1000]), "multiclass")
    split = make_split(data)
    for rows in (split.subset(0, 0), split.validation(0), split.subset(2, 2)):
        shares = np.bincount(data.y[rows]) / len(rows)
        assert np.allclose(shares, [0.6, 0.3, 0.1], atol=0.01)
    assert np.abs(np.diff(split.subset(0, 3))).mean() > 1000


def test_regression_folds_have_like_targets():
    data = table(np.sort(np.random.default_rng(0).lognormal(size=3000)), "regression")
    split = make_split(data)
    medians = [np.median(data.y[split.validation(f)]) for f in range(5)]
    assert np.ptp(medians) < 0.15


def test_halves_are_stratified_within_a_fold_and_over_all_rows():
    data = table(np.repeat([0, 1], [900, 100]))
    split = make_split(data)
    for rows in (np.arange(1000), split.validation(0)):
        first = data.y[rows][split.half[rows] == 0]
        second = data.y[rows][split.half[rows] == 1]
        assert abs(len(first) - len(second)) <= 2
        assert abs(first.sum() - second.sum()) <= 1


def test_halves_keep_groups_whole():
    groups = np.random.default_rng(0).integers(0, 50, 1000)
    split = make_split(table(np.arange(1000) % 2, groups=groups))
    for group in range(50):
        assert len(np.unique(split.half[groups == group])) == 1
    assert 400 < split.half.sum() < 600


@pytest.mark.parametrize(
    ("n", "classes", "rungs", "all_folds", "n_folds"),
    [
        (10, 2, (3,), True, 5),
        (300, 2, (3,), True, 5),
        (1200, 2, (1, 2, 3), True, 5),
        (4999, 2, (0, 1, 2, 3), True, 5),
        (5000, 2, (0, 1, 2, 3, 4), False, 5),
        (5000, 90, (1, 2, 3, 4), False, 5),
        (10_000, 2, (0, 1, 2, 3, 4), False, 8),
        (100_000, 2, (0, 1, 2, 3, 4), False, 10),
    ],
)
def test_rungs_and_folds_follow_the_size_of_the_table(n, classes, rungs, all_folds, n_folds):
    split = make_split(table(np.arange(n) % classes, "multiclass"))
    assert (split.rungs, split.all_folds_at_3, split.n_folds) == (rungs, all_folds, n_folds)


def test_rung_sizes_are_an_eighth_a_quarter_a_half_and_all():
    split = make_split(table(np.arange(5_000) % 2))
    assert [len(split.subset(0, r)) for r in split.rungs] == [500, 1000, 2000, 4000, 4000]


def test_time_validates_on_the_last_fifth_and_refits_on_all():
    times = np.random.default_rng(0).permutation(6000)
    data = table(np.arange(6000) % 2, times=times)
    split = make_split(data)
    assert split.n_folds == 1
    assert split.refit
    assert times[split.validation(0)].min() == 4800
    past = times[split.subset(0, 0)]
    assert past.max() < 4800
    assert np.ptp(past) > 4500
    assert split.rungs[-1] == 4
    assert np.array_equal(np.sort(split.subset(1, 4)), np.arange(6000))


def test_the_fold_after_the_last_trains_on_every_row_and_validates_none():
    split = make_split(table(np.arange(6000) % 2))
    assert np.array_equal(np.sort(split.subset(split.n_folds, 4)), np.arange(6000))
    assert len(split.validation(split.n_folds)) == 0


def test_rows_of_one_time_stay_on_one_side():
    times = np.repeat(np.arange(10), 30)
    split = make_split(table(np.arange(300) % 2, times=times))
    assert set(times[split.validation(0)]) == {8, 9}


def test_groups_with_times_leave_out_the_past_of_groups_that_validate():
    times = np.arange(100)
    groups = np.where(times < 70, times % 7, 7 + times % 3)
    split = make_split(table(np.arange(100) % 2, groups=groups, times=times))
    assert (split.fold_of == LEFT_OUT).sum() == 10
    assert not np.intersect1d(groups[split.subset(0, 3)], groups[split.validation(0)]).size


def test_groups_that_all_validate_leave_no_past():
    data = table(np.arange(100) % 2, groups=np.arange(100) % 3, times=np.arange(100))
    with pytest.raises(DataError, match="--group or --time"):
        make_split(data)


@pytest.mark.parametrize("length", [0, 4, 5, 10, 1000, 400_000])
def test_stop_rows_are_a_tenth_at_most_2000_and_nested(length):
    split = make_split(table(np.arange(10) % 2))
    mask = split.stop_mask(length)
    assert mask.shape == (length,)
    assert mask.sum() <= min(2000, length / 10 + 1)
    assert mask.any() == (length >= 5)
    half = split.stop_mask(length // 2)
    assert np.array_equal(mask[: length // 2], half)


def test_stop_rows_keep_groups_whole():
    groups = np.random.default_rng(1).integers(0, 200, 4000)
    split = make_split(table(np.arange(4000) % 2, groups=groups))
    rows, mask = split.subset(0, 3), split.stop_rows(0, 3)
    assert 0.05 < mask.mean() < 0.15
    assert not np.intersect1d(groups[rows[mask]], groups[rows[~mask]]).size


def test_one_group_that_holds_most_rows_is_no_stop_group():
    groups = np.r_[np.zeros(900, dtype=int), np.arange(100) // 10 + 1]
    split = make_split(table(np.arange(1000) % 2, groups=groups))
    assert split.stop_rows(1, 3).mean() < 0.21


@pytest.mark.parametrize(
    ("data", "folds", "message"),
    [
        (table([0]), None, "at least 2"),
        (table([0, 1] * 9), 1, "at least 2"),
        (table([0, 1] * 9, groups=np.zeros(18, dtype=int)), None, "one value"),
    ],
)
def test_what_cannot_be_split_is_said_in_one_sentence(data, folds, message):
    with pytest.raises(DataError, match=message):
        make_split(data, folds)


@pytest.mark.parametrize("size", [0.0, 1.0, -1.0, 5.0])
def test_test_size_must_be_a_share(size):
    with pytest.raises(DataError, match=r"such as 0\.2"):
        carve_test(table([0, 1] * 9), size)


def test_take_keeps_the_original_row_numbers():
    data = replace(table(np.arange(10) % 2), groups=np.arange(10), times=np.arange(10) * 2)
    part = take(data, np.array([7, 2]))
    assert part.X.index.tolist() == [7, 2]
    assert part.y.tolist() == [1, 0]
    assert part.groups.tolist() == [7, 2]
    assert part.times.tolist() == [14, 4]


def test_the_global_random_state_is_left_alone():
    np.random.seed(3)  # noqa: NPY002 - the state under test
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make_split(table(np.arange(100) % 2))
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@given(
    classes=st.integers(2, 12),
    each=st.sampled_from([100, 120, 200]),
    folds=st.integers(2, 8),
    seed=st.integers(0, 30),
)
def test_stop_rows_are_of_every_class_also_where_all_have_as_many(classes, each, folds, seed):
    data = table(np.repeat(np.arange(classes), each), "multiclass")
    split = make_split(data, folds, seed)
    stop = data.y[split.subset(0, 3)[split.stop_rows(0, 3)]]
    share = np.bincount(stop, minlength=classes) / len(stop)
    assert share.max() < 1 / classes + 5 * np.sqrt(1 / classes / len(stop))


def test_stop_rows_are_of_all_tenths_of_a_number():
    y = np.random.default_rng(0).normal(size=5000)
    data = table(y, "regression")
    split = make_split(data, 5, 0)
    stop = data.y[split.subset(0, 3)[split.stop_rows(0, 3)]]
    assert np.quantile(stop, 0.1) == pytest.approx(np.quantile(y, 0.1), abs=0.3)
    assert np.quantile(stop, 0.9) == pytest.approx(np.quantile(y, 0.9), abs=0.3)


def grouped(sizes, seed=0):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    y = np.random.default_rng(seed).integers(0, 2, len(groups))
    return table(y, groups=groups)


@pytest.mark.parametrize("seed", range(6))
def test_a_large_group_is_not_locked_away_for_a_small_share(seed):
    train, test = carve_test(grouped([9000, 500, 500]), 0.2, seed)
    assert (len(train), len(test)) == (9000, 1000)


def test_large_groups_that_stop_are_whole():
    data = grouped([3000] * 60)
    split = make_split(data, 5, 0)
    rows, mask = split.subset(0, 3), split.stop_rows(0, 3)
    assert mask.any()
    assert not set(data.groups[rows[mask]]) & set(data.groups[rows[~mask]])


@pytest.mark.parametrize("count", [2, 3, 5])
def test_folds_of_one_group_have_two_halves(count):
    split = make_split(grouped([100] * count), None, 0)
    for fold in range(split.n_folds):
        assert np.bincount(split.half[split.validation(fold)], minlength=2).min() >= 20


@given(tables(), st.integers(0, 4))
def test_another_fold_may_be_the_first(data, fold):
    split = make_split(data)
    fold = fold % split.n_folds
    swapped = split.with_first(fold)
    assert np.array_equal(swapped.validation(0), split.validation(fold))
    assert np.array_equal(swapped.validation(fold), split.validation(0))
    for other in set(range(split.n_folds)) - {0, fold}:
        assert np.array_equal(swapped.validation(other), split.validation(other))
    assert np.array_equal(swapped.fold_of < 0, split.fold_of < 0)
