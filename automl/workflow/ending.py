"""The end of a run: how it came about, and SIGTERM, which leaves little time for it."""

from __future__ import annotations

import math
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from automl.hooks.calls import sentence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


TERMINATED = threading.Event()
"""Set once SIGTERM came: the process should end without waiting for a Ray that may be gone."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The way in which the training of a run came to its end."""

    status: Literal["done", "interrupted", "stopped"] = "done"
    reason: str = ""
    """The trouble that stopped it; empty otherwise."""
    error: BaseException | None = None

    @classmethod
    def by(cls, error: Exception) -> Ending:
        """The end that an error of the run itself brought."""
        told = sentence(error)
        if isinstance(error, OSError) and error.strerror:
            told = error.strerror + (f": {error.filename}" if error.filename else "")
        return cls("stopped", told, error)

    @property
    def early(self) -> bool:
        """True if the run ended before its time."""
        return self.status != "done"


@dataclass(slots=True)
class Grace:
    """The time between SIGTERM and the end: Slurm and Kubernetes kill half a minute later."""

    seconds: float = 2 * 10.0
    """Seconds for the conclusion; what ends Ray and the process comes after them."""
    since: float | None = None
    """`time.monotonic()` at SIGTERM."""
    concluding: bool = False
    """True once SIGTERM shortens the conclusion and no longer interrupts."""

    @property
    def left(self) -> float:
        """Seconds until the conclusion must be over; `inf` without a SIGTERM."""
        return math.inf if self.since is None else self.since + self.seconds - time.monotonic()

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Note SIGTERM, and end what goes on as Ctrl-C does.

        Raises:
            KeyboardInterrupt: It is the first, and nothing is concluded yet.
        """
        del number, frame
        TERMINATED.set()
        first, self.since = self.since is None, self.since or time.monotonic()
        if first and not self.concluding:
            raise KeyboardInterrupt


@contextmanager
def terminable() -> Iterator[Grace]:
    """Take SIGTERM as Ctrl-C with a short conclusion, in a program's main thread."""
    grace = Grace()
    TERMINATED.clear()
    if threading.current_thread() is not threading.main_thread():
        yield grace
        return
    before = signal.signal(signal.SIGTERM, grace.handle)
    try:
        yield grace
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)
