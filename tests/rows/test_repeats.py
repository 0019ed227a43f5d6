from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.data.schema import infer_schema, to_dataset
from automl.errors import DataError
from automl.metrics import get_metric
from automl.rows.axes.rows import RowsAxis
from automl.rows.folds import MOST_STOP_ROWS
from automl.rows.repeats import MOST_TEST, anchors_of, parts_of, repeats_of
from automl.workflow.study.points import blank_study


def table(n, *, groups=None, time=False):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=n), "label": rng.choice(["x", "y"], n)})
    if groups:
        frame["who"] = [f"g{i}" for i in rng.integers(0, groups, n)]
    if time:
        frame["day"] = pd.date_range("2020-01-01", periods=n, freq="h")[rng.permutation(n)]
    schema = infer_schema(
        frame,
        target="label",
        task="auto",
        drop=(),
        positive=None,
        group="who" if groups else None,
        time="day" if time else None,
    )
    return to_dataset(schema, frame)


@given(n=st.integers(400, 3000), seed=st.integers(0, 50))
def test_nothing_of_a_repeat_sees_its_held_out_fifth(n, seed):
    for repeat in repeats_of(table(n), 5, seed):
        assert not set(repeat.order) & set(repeat.test)
        assert len(repeat.test) == pytest.approx(n / 5, abs=2)
        assert len(repeat.order) == pytest.approx(4 * n / 5, abs=2)


def test_five_repeats_hold_out_every_row_once():
    held = np.concatenate([repeat.test for repeat in repeats_of(table(1000), 5, 0)])
    assert sorted(held) == list(range(1000))


def test_every_held_out_row_is_scored_up_to_a_bound():
    data = table(30_000)
    assert len(repeats_of(data, 1, 0)[0].test) == 6000 < MOST_TEST
    few = repeats_of(data, 1, 0, most=500)[0].test
    assert len(few) == 500
    assert set(few) < set(repeats_of(data, 1, 0)[0].test)


@given(n=st.integers(20, 200), place=st.integers(0, 3))
def test_further_subsets_share_no_row_with_the_nested_one(n, place):
    repeat = repeats_of(table(1000), 1, 0)[0]
    rows = [repeat.subset(n, at) for at in range(place + 1)]
    assert {len(own) for own in rows} == {n}
    assert len({*np.concatenate(rows)}) == n * (place + 1)
    parts = parts_of(repeat, n, place)
    together = np.concatenate([parts.train, parts.stop, parts.validation])
    assert sorted(together) == sorted(rows[place])
    assert (parts.test == repeat.test).all()


def test_anchors_are_nested_prefixes_that_part_alike():
    repeat = repeats_of(table(2000), 1, 0)[0]
    seen = np.empty(0, dtype=int)
    for n in anchors_of(len(repeat.order), 9, 2):
        parts = parts_of(repeat, n)
        rows = np.concatenate([parts.train, parts.stop, parts.validation])
        assert len(rows) == len(set(rows)) == n
        assert set(seen) <= set(rows)
        assert len(parts.stop) == pytest.approx(n / 10, abs=1)
        assert len(parts.validation) == pytest.approx(n / 10, abs=1)
        seen = rows


def test_few_rows_are_set_apart_of_many():
    repeat = repeats_of(table(40_000), 1, 0)[0]
    parts = parts_of(repeat, len(repeat.order))
    assert len(parts.stop) == len(parts.validation) == MOST_STOP_ROWS


def test_anchors_halve_in_two_steps_down_to_the_fewest_rows():
    assert anchors_of(16_000, 9, 2) == (1000, 1415, 2000, 2829, 4000, 5657, 8000, 11314, 16000)
    assert min(anchors_of(1000, 9, 2)) >= 200
    assert len(anchors_of(100, 9, 2)) == 3
    with pytest.raises(DataError, match="too few"):
        anchors_of(20, 9, 2)


def test_groups_stay_whole():
    data = table(3000, groups=200)
    for repeat in repeats_of(data, 5, 0):
        held = set(data.groups[repeat.test])
        assert not held & set(data.groups[repeat.order])
        parts = parts_of(repeat, 1000)
        sets = [set(data.groups[rows]) for rows in (parts.train, parts.stop, parts.validation)]
        assert not sets[0] & sets[1] | sets[0] & sets[2] | sets[1] & sets[2]


def test_the_past_is_trained_on_and_the_future_scored():
    data = table(2000, time=True)
    for repeat in repeats_of(data, 3, 0):
        assert data.times[repeat.order].max() < data.times[repeat.test].min()


def test_fewer_groups_than_fifths_are_held_out_in_turn():
    data = table(900, groups=3)
    dealt = repeats_of(data, 6, 0)
    held = [frozenset(data.groups[repeat.test]) for repeat in dealt]
    assert len(set(held[:3])) == len(set(held[3:])) == 3
    assert {repeat.folds for repeat in dealt} == {3}
    assert any((a.order != b.order).any() for a, b in zip(dealt[:3], dealt[3:], strict=True))


def test_a_study_knows_whether_its_repeats_share_what_they_are_scored_on():
    metric = get_metric("roc_auc", "binary", ())
    by_time = blank_study(metric, "rows", repeats_of(table(500, time=True), 3, 0))
    by_rows = blank_study(metric, "rows", repeats_of(table(500), 3, 0))
    by_groups = blank_study(metric, "rows", repeats_of(table(900, groups=3), 3, 0))
    assert (by_time.same_rows, by_time.test_to_train) == (True, 0.25)
    assert (by_rows.same_rows, by_rows.test_to_train) == (False, 0.25)
    assert (by_groups.same_rows, by_groups.test_to_train) == (False, 0.5)


def test_anchors_of_large_groups_are_those_that_differ_and_say_their_rows():
    data = table(5000, groups=5)
    repeats = repeats_of(data, 5, 0)
    axis = RowsAxis(data, repeats, 9)
    assert 2 <= len(axis.sizes) <= 4
    for level, n in enumerate(axis.sizes):
        rows = [len(axis.subset(repeat, level)) for repeat in range(5)]
        assert n == round(np.mean(rows))
    lengths = [len(axis.subset(0, level)) for level in range(len(axis.sizes))]
    assert lengths == sorted(set(lengths))
    two = table(5000, groups=2)
    with pytest.raises(DataError, match="groups are too large"):
        RowsAxis(two, repeats_of(two, 2, 0), 9)


def test_a_group_that_is_larger_than_what_may_choose_is_not_trained_on_too():
    data = table(75_000, groups=15)
    repeat = repeats_of(data, 1, 0)[0]
    parts = parts_of(repeat, len(repeat.order))
    assert len(parts.stop) == len(parts.validation) == MOST_STOP_ROWS
    apart = {*data.groups[parts.stop], *data.groups[parts.validation]}
    assert not apart & set(data.groups[parts.train])


def test_of_a_long_future_every_repeat_scores_the_same_rows():
    metric = get_metric("roc_auc", "binary", ())
    repeats = repeats_of(table(30_000, time=True), 3, 0)
    assert len(repeats[0].test) == 6000
    assert blank_study(metric, "rows", repeats).same_rows


def test_no_two_studies_draw_alike():
    data = table(500)
    seeds = [repeat.seed for seed in range(4) for repeat in repeats_of(data, 6, seed)]
    assert len(set(seeds)) == len(seeds)
