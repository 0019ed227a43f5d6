"""Plugins on the driver: they may raise, hang or answer, and the run goes on."""

from __future__ import annotations

import math
import threading
import time

import numpy as np
import pytest

from automl import Metric
from automl.errors import OverdueError, PluginError
from automl.hooks.bounded import bounded, guarded, patience


def spin():
    while True:
        time.sleep(0.001)


def raises():
    msg = "no luck"
    raise KeyError(msg)


@pytest.mark.parametrize("seconds", [60.0, math.inf])
def test_an_answer_or_an_error_comes_through(seconds):
    assert bounded("it", seconds, divmod, 7, 2) == (3, 1)
    with pytest.raises(KeyError, match="no luck"):
        bounded("it", seconds, raises)


def test_what_hangs_is_left_and_ends():
    began = time.monotonic()
    with pytest.raises(OverdueError, match="the thing did not answer within 0 s"):
        bounded("the thing", 0.1, spin)
    assert time.monotonic() - began < 5
    end = time.monotonic() + 10
    while any(thread.name == "plugin" for thread in threading.enumerate()):
        assert time.monotonic() < end, "the thread goes on"
        time.sleep(0.01)


def test_settings_of_numpy_hold_there_too():
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        bounded("it", 60.0, np.divide, np.ones(2), np.zeros(2))


def metric(score, influence=None):
    return Metric(
        name="odd",
        tasks=frozenset({"binary"}),
        greater_is_better=True,
        score=score,
        influence=influence,
    )


def test_a_guarded_metric_scores_and_names_itself_where_it_fails():
    y, p = np.zeros(2), np.ones(2)
    assert guarded(metric(lambda y, p: 3), 60.0).score(y, p) == 3.0
    assert guarded(metric(lambda y, p: 3), 60.0).influence is None
    assert guarded(metric(None, lambda y, p: p), 60.0).influence(y, p) is p
    with pytest.raises(PluginError, match="the metric odd raised KeyError: 'no luck'"):
        guarded(metric(lambda y, p: raises()), 60.0).score(y, p)
    with pytest.raises(PluginError, match="the metric odd raised TypeError"):
        guarded(metric(lambda y, p: None), 60.0).score(y, p)


def test_an_overdue_metric_is_not_asked_again():
    calls = []

    def hangs(y, p):
        calls.append(1)
        spin()

    guard = guarded(metric(hangs), 0.05)
    for _ in range(3):
        with pytest.raises(OverdueError):
            guard.score(np.zeros(2), np.ones(2))
    assert len(calls) == 1


def test_patience_goes_with_the_limit():
    limits = [10.0, 60.0, 3600.0, None]
    assert [patience(limit) for limit in limits] == [2.0, 6.0, 100.0, 100.0]
