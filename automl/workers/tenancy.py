"""One Ray for all fits of a process that run at the same time."""

from __future__ import annotations

import threading


class Tenancy:
    """The clusters that use the Ray of this process; whoever started it stays until all are gone.

    A cluster that comes while another is in use joins it as a guest. One that comes when all
    others are about to leave, or while a Ray is in use that was there before, waits for its turn.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._present = 0
        self._leaving = 0
        self._joinable = False
        self._closing = False
        self._ready = False

    @property
    def busy(self) -> bool:
        """True while Ray is in use here, or ends."""
        return self._present > 0 or self._closing

    @property
    def present(self) -> int:
        """Number of clusters that are here."""
        return self._present

    def try_enter(self, *, joinable: bool) -> bool | None:
        """Come in without waiting.

        Args:
            joinable: Whether others may join, if this is the first.

        Returns:
            True for the first, who starts Ray and says so by `opened`; False for a guest, who
            waits for that by `wait_open`; None where the door is closed.
        """
        with self._changed:
            return self._enter(joinable) if self._may_enter() else None

    def enter(self, *, joinable: bool) -> bool:
        """Come in as soon as the door opens; as `try_enter` otherwise."""
        with self._changed:
            self._changed.wait_for(self._may_enter)
            return self._enter(joinable)

    def _enter(self, joinable: bool) -> bool:
        self._present += 1
        if self._present > 1:
            return False
        self._joinable = joinable
        return True

    def _may_enter(self) -> bool:
        used = self._joinable and self._leaving < self._present
        return not self._closing and (used or not self._present)

    def opened(self) -> None:
        """Let guests in: Ray runs, or could not be started."""
        with self._changed:
            self._ready = True
            self._changed.notify_all()

    def wait_open(self) -> None:
        """Wait for `opened`."""
        with self._changed:
            self._changed.wait_for(lambda: self._ready)

    def will_leave(self) -> None:
        """Say that one of those here has no use for Ray much longer."""
        with self._changed:
            self._leaving += 1
            self._changed.notify_all()

    def leave(self, *, first: bool) -> None:
        """Go; who started Ray waits until all others have, and then closes it by `closed`."""
        with self._changed:
            self._present -= 1
            self._leaving -= 1
            self._closing = first or self._closing
            self._changed.notify_all()
            if first:
                self._changed.wait_for(lambda: not self._present)

    def closed(self) -> None:
        """Let others start Ray anew."""
        with self._changed:
            self._closing = self._ready = False
            self._changed.notify_all()
