from __future__ import annotations

import signal
import threading

import numpy as np
import pytest

from automl.workers.engine import _remembered
from automl.workers.evaluate import FitResult


@pytest.fixture(autouse=True)
def _as_on_a_terminal():
    """Jobs in the background of a shell ignore interrupts from the start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Swallows:
    """Python prints what a destructor raises, and goes on."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


def search(went_on, act):
    with _remembered() as pressed:
        act()
        went_on.append(bool(pressed))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_a_destructor_swallowed_is_raised_at_the_end():
    went_on = []
    with pytest.raises(KeyboardInterrupt):
        search(went_on, Swallows)
    assert went_on == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_is_raised_at_once():
    went_on = []
    with pytest.raises(KeyboardInterrupt):
        search(went_on, lambda: signal.raise_signal(signal.SIGINT))
    assert went_on == []


def test_who_ignores_interrupts_goes_on_ignoring_them():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with _remembered() as pressed:
            signal.raise_signal(signal.SIGINT)
        assert not pressed
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_leaves_signals_alone():
    found = []

    def run():
        with _remembered() as pressed:
            found.append(bool(pressed))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [False]


def test_an_outcome_is_short_in_print_however_large_its_model_is():
    large = FitResult("ok", predictions={"": np.zeros((500, 9))}, model={"weights": bytes(10**6)})
    assert len(repr(large)) < 500  # Tune formats every result for its debug log
