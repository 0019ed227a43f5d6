"""Fits of one process take turns: they share its Ray, and the machine."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automl.types import Observer

_TURN = threading.RLock()


@contextmanager
def turn(observer: Observer) -> Iterator[float]:
    """Wait until no other thread of this process fits, and tell how many seconds it took.

    A budget counts from one's turn: half of the machine for the same seconds would give two
    poorer models, and neither sooner than the first of the two is there now.
    """
    began = time.monotonic()
    if not _TURN.acquire(blocking=False):
        observer.say("Another fit of this process is under way; this one begins when it is over")
        _TURN.acquire()
    try:
        yield time.monotonic() - began
    finally:
        _TURN.release()
