"""A thread that makes one thing after the other, and holds up nobody who leaves."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLOSING = 10.0
"""Seconds that closing waits for what may not be left half done, such as a copy of gigabytes."""


class Background:
    """Calls functions one after the other on a thread of its own."""

    def __init__(self, name: str) -> None:
        self._queue: SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]]
        self._queue = SimpleQueue()
        self._closed = threading.Event()
        self._busy = threading.Lock()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Call a function after those before it; give what will be its result."""
        future: Future[Any] = Future()
        self._queue.put((future, function, args))
        return future

    @contextmanager
    def while_open(self) -> Iterator[None]:
        """Let the block run as a whole before `close` returns, or not at all after it.

        Raises:
            CancelledError: It is closed.
        """
        with self._busy:
            if self._closed.is_set():
                raise CancelledError
            yield

    def close(self) -> None:
        """Call nothing further; what runs now is left alone."""
        self._closed.set()
        self.submit(int)  # wakes the thread, which finds that it is over
        if self._busy.acquire(timeout=CLOSING):
            self._busy.release()

    def _work(self) -> None:
        while True:
            future, function, args = self._queue.get()
            if self._closed.is_set():
                future.cancel()
                return
            try:
                future.set_result(function(*args))
            except BaseException as error:  # noqa: BLE001 - raised again by whoever asks
                future.set_exception(error)
