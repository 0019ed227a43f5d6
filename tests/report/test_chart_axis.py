"""Ticks can be told apart, wherever the values are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from automl.report.chart_axis import ChartAxis


@given(st.floats(-1e12, 1e12), st.floats(1e-3, 1e3), st.integers(3, 7))
def test_two_ticks_have_two_texts(low, span, most):
    axis = ChartAxis("price")
    ticks = axis.ticks(low, low + span, most)
    assert len(set(axis.names(ticks))) == len(set(ticks))


def test_ticks_are_short_where_they_differ():
    axis = ChartAxis("price")
    assert axis.names([0.0, 2e4, 2e6]) == ["0", "20k", "2M"]
    assert axis.names([1e13, 1e13 + 2]) == ["10,000,000,000,000", "10,000,000,000,002"]
