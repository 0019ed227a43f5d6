"""Progress of a fit as lines on stderr: notes, phases, new bests and counts."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from automl.text import visible
from automl.units import MINUTE, number_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.types import Family, Progress

STATUS_EVERY = 10.0
"""Seconds between two plain status lines."""
BEST_EVERY = 2.0
"""Seconds between two plain lines about new bests."""
PHASES = {
    "read": "reading the data",
    "search": "training",
    "ensemble": "combining the models",
    "save": "saving",
    "done": "done",
}


def note(text: str) -> None:
    """Write a line for the person at the keyboard to stderr; nothing depends on its being read."""
    with suppress(OSError):
        sys.stderr.write(f"{visible(text)}\n")
        sys.stderr.flush()


def clock(seconds: float) -> str:
    """Elapsed time as `m:ss`, with hours where there are any."""
    whole = max(0, int(seconds))
    hours, minutes = divmod(whole // MINUTE, MINUTE)
    head = f"{hours}:{minutes:02d}" if hours else str(minutes)
    return f"{head}:{whole % MINUTE:02d}"


def best_text(best: Mapping[Family, tuple[str, float]]) -> str:
    """Best so far per family, on one line."""
    return ", ".join(
        f"{family} {learner} {number_text(score)}" for family, learner, score in leaders(best)
    )


def leaders(best: Mapping[Family, tuple[str, float]]) -> list[tuple[Family, str, float]]:
    """Families by name; the baseline only while it is alone."""
    return [
        (family, *best[family]) for family in sorted(best) if family != "baseline" or len(best) == 1
    ]


def counts_text(progress: Progress) -> str:
    """Count the fits that succeeded and failed."""
    failed = f", {progress.failed} failed" if progress.failed else ""
    return f"{progress.finished} {'fit' if progress.finished == 1 else 'fits'}{failed}"


class Quiet:
    """Shows nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def show(self, progress: Progress) -> None:
        """Nothing."""


class PlainLines:
    """Lines on stderr for logs: phases, new bests, and a status line every ten seconds."""

    def __init__(self) -> None:
        self._phase = ""
        self._best: dict[Family, tuple[str, float]] = {}
        self._last = 0.0

    def say(self, text: str) -> None:
        """Write the line as it is."""
        note(text)

    def show(self, progress: Progress) -> None:
        """Write a line if there is something new to say."""
        now = progress.elapsed
        if progress.phase != self._phase:
            self._phase, self._last = progress.phase, now
            if progress.phase != "done":
                self._line(progress, PHASES.get(progress.phase, progress.phase))
            return
        new_best = dict(progress.best) != self._best
        if progress.phase == "search" and (
            now - self._last >= STATUS_EVERY or (new_best and now - self._last >= BEST_EVERY)
        ):
            self._best, self._last = dict(progress.best), now
            self._line(progress, _status(progress, new_best=new_best))

    def _line(self, progress: Progress, text: str) -> None:
        limit = f"/{clock(progress.limit)}" if progress.limit is not None else ""
        note(f"[{clock(progress.elapsed)}{limit}] {text}")


def _status(progress: Progress, *, new_best: bool) -> str:
    parts = [counts_text(progress)]
    if progress.best:
        parts.append(f"{'new best' if new_best else 'best'}: {best_text(progress.best)}")
    if progress.running:
        parts.append(f"running: {', '.join(progress.running)}")
    return "; ".join(parts)
