"""SIGTERM ends what goes on, once, and then only shortens the conclusion."""

from __future__ import annotations

import errno
import math
import signal
import threading

import pytest

from automl.workflow import ending
from automl.workflow.ending import Ending, terminable


@pytest.fixture(autouse=True)
def _own_event(monkeypatch):
    """Nothing that comes after these tests is to end at once."""
    monkeypatch.setattr(ending, "TERMINATED", threading.Event())


def test_sigterm_interrupts_once():
    before = signal.getsignal(signal.SIGTERM)
    with terminable() as grace:
        assert grace.left == math.inf
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert 0 < grace.left <= grace.seconds
    assert signal.getsignal(signal.SIGTERM) is before


def test_sigterm_does_not_interrupt_the_conclusion():
    with terminable() as grace:
        grace.concluding = True
        signal.raise_signal(signal.SIGTERM)
        assert grace.left <= grace.seconds


def test_another_thread_leaves_sigterm_alone():
    found = []

    def run():
        with terminable() as grace:
            found.append((signal.getsignal(signal.SIGTERM), grace.left))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [(before, math.inf)]


def test_an_ending_says_what_stopped_it():
    full = OSError(errno.ENOSPC, "No space left on device", "/run/journal.jsonl")
    assert Ending.by(full).reason == "No space left on device: /run/journal.jsonl"
    assert Ending.by(ValueError("odd")).reason == "ValueError: odd"
    assert Ending.by(full).early
    assert not Ending().early
