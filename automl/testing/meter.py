"""What a piece of work takes of the machine: threads at once, and memory at its peak."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

TICK = 0.01
"""Seconds between two looks."""
PROC = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was seen."""

    looks: int
    """0 where the system does not tell."""
    running: float
    """Threads that ran or waited for a CPU, on the average look."""
    peak_bytes: int | None
    """Most resident memory above that at the start; None where the system does not tell."""


class Meter:
    """Looks at this process while a block runs, from a thread that it does not count.

    A thread that waits for a CPU counts as running, so a busy machine does not hide it.
    """

    def __init__(self) -> None:
        self.reading = Reading(0, 0.0, None)
        self._over = threading.Event()
        self._seen: list[int] = []

    def __enter__(self) -> Self:
        self._base = _reset_peak()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        peak = _status("VmHWM")
        above = None if peak is None or self._base is None else max(0, peak - self._base)
        looks = len(self._seen)
        self.reading = Reading(looks, sum(self._seen) / max(looks, 1), above)

    def _look(self) -> None:
        own = threading.get_native_id()
        while not self._over.wait(TICK):
            states = _thread_states()
            if states is None:
                return
            states.pop(own, None)
            self._seen.append(sum(state == "R" for state in states.values()))


def _thread_states() -> dict[int, str] | None:
    """Thread -> its state letter; None where there is no /proc."""
    if not (PROC / "task").is_dir():
        return None
    found = {}
    for folder in (PROC / "task").iterdir():
        try:
            stat = (folder / "stat").read_text()
        except OSError:  # it has ended
            continue
        found[int(folder.name)] = stat.rpartition(")")[2].split()[0]
    return found


def _reset_peak() -> int | None:
    """Resident bytes now; the peak is counted from here on."""
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
