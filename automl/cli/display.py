"""A fit as it is watched: live on a terminal, plain lines elsewhere, or not at all."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from automl.cli.output import note, number_text
from automl.units import MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console, ConsoleOptions, RenderResult

    from automl.types import Family, Observer, Progress

STATUS_EVERY = 10.0
"""Seconds between two plain status lines."""
BEST_EVERY = 2.0
"""Seconds that a plain line about a new best waits for others."""
PHASES = {
    "read": "reading the data",
    "search": "training",
    "ensemble": "combining the models",
    "save": "saving",
    "done": "done",
}


@contextmanager
def watching(*, quiet: bool) -> Iterator[Observer]:
    """The observer that suits where stderr goes.

    Args:
        quiet: Show nothing.
    """
    if quiet:
        yield Quiet()
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        screen = LiveView(console)
        # transient: the last frame would stand between the notes and the leaderboard
        with Live(screen, console=console, refresh_per_second=4, transient=True):
            yield screen
    else:
        yield PlainLines()


def clock(seconds: float) -> str:
    """Elapsed time as `m:ss`, with hours where there are any."""
    whole = max(0, int(seconds))
    hours, minutes = divmod(whole // MINUTE, MINUTE)
    head = f"{hours}:{minutes:02d}" if hours else str(minutes)
    return f"{head}:{whole % MINUTE:02d}"


def best_text(best: Mapping[Family, tuple[str, float]]) -> str:
    """Best so far per family, on one line."""
    return ", ".join(
        f"{family} {learner} {number_text(score)}" for family, learner, score in _leaders(best)
    )


def _leaders(best: Mapping[Family, tuple[str, float]]) -> list[tuple[Family, str, float]]:
    """Families by name, the baseline only while it is alone."""
    return [
        (family, *best[family]) for family in sorted(best) if family != "baseline" or len(best) == 1
    ]


def counts_text(progress: Progress) -> str:
    """How many fits ended well, and how many did not."""
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


class LiveView:
    """A few lines at the bottom of a terminal, redrawn as time goes by."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._seen = time.monotonic()

    def say(self, text: str) -> None:
        """Print the line above the moving part."""
        self._console.print(text, markup=False, emoji=False, highlight=False)

    def show(self, progress: Progress) -> None:
        """Keep for the next redraw."""
        self._progress, self._seen = progress, time.monotonic()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The moving part; time goes on between two calls of `show`."""
        if self._progress is None:
            return
        elapsed = self._progress.elapsed + time.monotonic() - self._seen
        yield from _frame(self._progress, elapsed, options.max_width)


def _frame(progress: Progress, elapsed: float, width: int) -> RenderResult:
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    phase = PHASES.get(progress.phase, progress.phase)
    head = Table.grid(padding=(0, 1))
    if progress.limit is None:
        head.add_row(Text(phase, "bold"), f"{clock(elapsed)}  {counts_text(progress)}")
    else:
        done = min(elapsed, progress.limit)
        bar = ProgressBar(progress.limit, done, width=max(10, min(40, width - 60)))
        left = f"{clock(progress.limit - elapsed)} left of {clock(progress.limit)}"
        head.add_row(Text(phase, "bold"), bar, f"{left}, {counts_text(progress)}")
    yield head
    body = Table.grid(padding=(0, 1))
    body.add_column(style="dim")
    body.add_column(overflow="ellipsis", no_wrap=True)
    if progress.running:
        body.add_row("running", ", ".join(progress.running))
    for family, learner, score in _leaders(progress.best):
        body.add_row(f"best {family}", f"{learner} {number_text(score)}")
    yield body
