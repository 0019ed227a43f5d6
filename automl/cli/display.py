"""Progress of a fit: live on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from automl.progress import PHASES, PlainLines, Quiet, clock, counts_text, leaders
from automl.text import visible
from automl.units import number_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions, RenderResult

    from automl.types import Observer, Progress

BAR_WIDTH = 40
"""Longest progress bar in characters; the default of rich."""


@contextmanager
def watching(*, quiet: bool) -> Iterator[Observer]:
    """Choose the observer for stderr: a terminal, or a log.

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
        with Live(screen, console=console, transient=True):
            yield screen
    else:
        yield PlainLines()


class LiveView:
    """A few lines at the bottom of a terminal that are redrawn regularly."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._seen = time.monotonic()

    def say(self, text: str) -> None:
        """Print the line above the moving part."""
        self._console.print(visible(text), markup=False, emoji=False, highlight=False)

    def show(self, progress: Progress) -> None:
        """Keep the progress for the next redraw."""
        self._progress, self._seen = progress, time.monotonic()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the live part; its clock advances between two calls of `show`."""
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
        left = f"{clock(progress.limit - elapsed)} left of {clock(progress.limit)}"
        text = f"{left}, {counts_text(progress)}"
        room = width - len(phase) - len(text) - 2  # a space between two cells
        done = min(elapsed, progress.limit)
        bar = ProgressBar(progress.limit, done, width=max(10, min(BAR_WIDTH, room)))
        head.add_row(Text(phase, "bold"), bar, text)
    yield head
    body = Table.grid(padding=(0, 1))
    body.add_column(style="dim")
    body.add_column(overflow="ellipsis", no_wrap=True)
    if progress.running:
        body.add_row("running", ", ".join(progress.running))
    for family, learner, score in leaders(progress.best):
        body.add_row(f"best {family}", f"{learner} {number_text(score)}")
    yield body
