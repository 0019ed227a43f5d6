"""A thread that holds up nobody who leaves."""

from __future__ import annotations

import threading
import time
from concurrent.futures import CancelledError

import pytest

from automl.workers.background import Background


def test_it_calls_one_after_the_other_and_hands_errors_over():
    background, order = Background("test"), []
    made = [background.submit(order.append, number) for number in range(5)]
    failed = background.submit(int, "x")
    assert [one.result(10) for one in made] == [None] * 5
    assert order == list(range(5))
    with pytest.raises(ValueError, match="invalid literal"):
        failed.result(10)
    background.close()


def test_closing_does_not_wait_for_what_runs():
    background, free = Background("test"), threading.Event()
    running, waiting = background.submit(free.wait, 60), background.submit(int)
    time.sleep(0.1)  # it runs
    began = time.monotonic()
    background.close()
    assert time.monotonic() - began < 5
    free.set()
    assert running.result(10)
    time.sleep(0.05)
    assert not waiting.done() or waiting.cancelled()


def test_closing_waits_for_what_may_not_be_left_half_done():
    background, began, done = Background("test"), threading.Event(), []

    def write():
        with background.while_open():
            began.set()
            time.sleep(0.2)
            done.append(1)

    background.submit(write)
    began.wait(10)
    background.close()
    assert done == [1]
    with pytest.raises(CancelledError), background.while_open():
        pass
