from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.schedule.time_model import ImportTimes, carried, declared_cost, declared_row_seconds
from automl.types import Resources

known = st.dictionaries(st.integers(100, 100_000), st.floats(0.01, 100), min_size=1, max_size=4)


@given(known, st.integers(100, 200_000))
def test_more_rows_take_no_less_time_than_the_nearest_fit_on_fewer(timed, rows):
    seconds = carried(timed, rows)
    below = [n for n in timed if n <= rows]
    assert seconds > 0
    if below:
        assert seconds >= timed[max(below)] * (1 - 1e-9)


def test_time_grows_as_it_was_seen_to():
    assert carried({1_000: 1.0}, 8_000) == pytest.approx(8.0)
    assert carried({1_000: 1.0, 2_000: 4.0}, 4_000) == pytest.approx(16.0)


def test_a_gpu_makes_those_cheaper_that_can_use_it():
    net, forest = Resources(gpus=1.0, cost=20.0), Resources(cost=10.0)
    assert declared_cost(net, gpu=True) < declared_cost(net, gpu=False) == 20.0
    assert declared_cost(forest, gpu=True) == declared_cost(forest, gpu=False) == 10.0
    assert declared_row_seconds(100) > declared_row_seconds(1) > 0


def test_libraries_imported_together_share_the_time():
    times = ImportTimes()
    usual = times.seconds(["torch"])
    times.take(["torch", "sklearn"], 6.0)
    assert usual > 0
    assert times.seconds(["torch"]) == 3.0
    assert times.seconds(["torch", "sklearn"]) == 6.0
    assert times.seconds([]) == 0
