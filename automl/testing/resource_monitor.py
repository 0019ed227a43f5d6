"""Resource use of a block of code: threads running at once, and peak memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

TICK = 0.01
"""Seconds between two samples."""
PROC = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class ResourceUsage:
    """Threads and memory that a block of code used."""

    samples: int
    """Number of samples; 0 where the system has no /proc."""
    running: float
    """Threads that ran or waited for a CPU, averaged over the samples."""
    peak_bytes: int | None
    """Peak resident memory above that at the start; None where the system does not report it."""


class ResourceMonitor:
    """Samples this process while a block runs, from a thread of its own that is not counted.

    A thread that waits for a CPU counts as running, so that a busy machine does not hide it.
    """

    def __init__(self) -> None:
        self.usage = ResourceUsage(0, 0.0, None)
        self._over = threading.Event()
        self._seen: list[int] = []

    def __enter__(self) -> Self:
        self._base = _reset_peak()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        peak = _status("VmHWM")
        above = None if peak is None or self._base is None else max(0, peak - self._base)
        samples = len(self._seen)
        self.usage = ResourceUsage(samples, sum(self._seen) / max(samples, 1), above)

    def _sample(self) -> None:
        own = threading.get_native_id()
        while not self._over.wait(TICK):
            states = _thread_states()
            if states is None:
                return
            states.pop(own, None)
            self._seen.append(sum(state == "R" for state in states.values()))


def _thread_states() -> dict[int, str] | None:
    """Map each thread to its state letter; None where there is no /proc."""
    if not (PROC / "task").is_dir():
        return None
    found = {}
    for folder in (PROC / "task").iterdir():
        try:
            stat = (folder / "stat").read_text()
        except OSError:  # the thread has ended
            continue
        found[int(folder.name)] = stat.rpartition(")")[2].split()[0]
    return found


def _reset_peak() -> int | None:
    """Reset the peak of resident memory; return the resident bytes now."""
    try:
        (PROC / "clear_refs").write_text("5")
    except OSError:
        return None
    return _status("VmRSS")


def _status(name: str) -> int | None:
    try:
        lines = (PROC / "status").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None
