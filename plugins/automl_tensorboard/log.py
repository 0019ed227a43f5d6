"""Event files: one TensorBoard run a learner, so that learners are curves in one plot."""

from __future__ import annotations

import atexit
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tensorboardX import SummaryWriter

if TYPE_CHECKING:
    from automl import Rung

FLUSH_SECONDS = 5
TOP = 3
"""The rung of all rows; on fold 0 every configuration that came there has a score."""


class Log:
    """Writes what a fit finishes to `<folder>/<time of the fit>/<learner>`.

    `learning_curve/score` is the first configuration's score over the number of rows,
    `search/score` that of every configuration on all rows over its number, `seconds/fit` the
    time of a fit over the number of rows; `configuration` lists the settings.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._fit = Path()
        self._seen: set[tuple[Any, ...]] = set()
        self._writers: dict[str, SummaryWriter] = {}
        atexit.register(self.close)

    def write(self, rung: Rung) -> None:
        """Add a finished step; it is on disk some seconds later, and when the process ends.

        Raises:
            OSError: The folder cannot be written.
        """
        if not self._writers or rung.key in self._seen:  # a step is finished once a fit
            self._begin()
        self._seen.add(rung.key)
        if rung.learner not in self._writers:
            folder = str(self._fit / rung.learner)
            self._writers[rung.learner] = SummaryWriter(folder, flush_secs=FLUSH_SECONDS)
        writer = self._writers[rung.learner]
        number = int(rung.trial.rpartition("-")[2])
        first = rung.fold == rung.repeat == 0
        if first:
            writer.add_scalar("seconds/fit", rung.fit_seconds, rung.n)
        if rung.score is not None and first:
            if number == 0:
                writer.add_scalar("learning_curve/score", rung.score, rung.n)
            if rung.rung == TOP and not rung.axis:
                writer.add_scalar("search/score", rung.score, number)
        if rung.status != "ok" or rung.rung == 0 or (rung.axis and rung.level == 0):
            settings = ", ".join(f"{name}={value}" for name, value in rung.config.items())
            told = f"{rung.status}: {rung.reason}" if rung.reason else rung.status
            writer.add_text("configuration", f"{rung.trial}: {settings} ({told})", number)

    def close(self) -> None:
        """Put everything on disk."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _begin(self) -> None:
        """Start a fit's folder."""
        self.close()
        name = time.strftime("%Y%m%d-%H%M%S")
        taken = len(list(self._folder.glob(f"{name}*")))
        self._fit = self._folder / (f"{name}-{taken}" if taken else name)
        self._seen = set()
