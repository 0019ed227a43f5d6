"""Fits of one process, one after the other."""

from __future__ import annotations

import threading
import time

from automl.workflow.turn import turn


class _Said(list):
    say = list.append


def test_threads_take_turns_and_the_time_of_waiting_is_told():
    inside, most, waits = [], [], []

    def fit():
        said = _Said()
        with turn(said) as waited:
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.05)
            inside.pop()
        waits.append((waited, list(said)))

    threads = [threading.Thread(target=fit) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1]
    waits.sort()
    assert waits[0][1] == []
    assert waits[-1][0] >= 0.05
    assert "under way" in waits[-1][1][0]


def test_a_fit_may_start_one_itself():
    with turn(_Said()) as outer, turn(_Said()) as inner:
        assert outer < 1 > inner
