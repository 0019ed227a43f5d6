"""What the steps of one fit share."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl.types import Progress
from automl.workflow.helper import Helper

if TYPE_CHECKING:
    from pathlib import Path

    from automl.data.split import Split
    from automl.search.cluster import Cluster, Workers
    from automl.search.ladder import Ladder
    from automl.types import Array, Dataset, Family, Learner, Metric, Observer, Rung
    from automl.workflow.options import FitOptions


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything decided before the first fit."""

    data: Dataset
    locked: Dataset | None
    """Test rows, where asked for."""
    metric: Metric
    """What honest scores are."""
    choice: Metric
    """What configurations are chosen by: `metric`, but for anomalies."""
    split: Split
    ladder: Ladder
    learners: tuple[Learner, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    """Learners that do not apply, with the reason."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Learners that the time limit does not pay for, with the reason."""

    @property
    def truth(self) -> Array:
        """(n,) what predictions are chosen by: the target, or the suspects of anomalies."""
        return self.data.y if self.data.suspects is None else self.data.suspects


@dataclass(slots=True)
class Fit:
    """A fit under way: its clock, its directory and who is told."""

    options: FitOptions
    observer: Observer
    source: str
    run: Path
    cluster: Cluster
    began: float
    phases: dict[str, float] = field(default_factory=dict)
    """Phase -> seconds since the command began when it ended."""
    content: dict[str, Any] = field(default_factory=dict)
    """`run.json` so far."""
    rungs: list[Rung] = field(default_factory=list)
    best: dict[Family, tuple[int, str, float]] = field(default_factory=dict)
    """Family -> (rung, learner, score) of its best on the highest rung it reached."""
    shown: float = 0.0
    helper: Helper = field(default_factory=Helper)
    """Works out the importance of columns at the end."""

    @property
    def workers(self) -> Workers:
        """Who does the fits."""
        return self.cluster.workers

    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self.began

    def left(self) -> float:
        """Seconds of the budget that are left; `inf` without a limit."""
        limit = self.options.seconds
        return math.inf if limit is None else limit - self.elapsed()

    def done(self, phase: str) -> None:
        """Note that a phase ended now."""
        self.phases[phase] = round(self.elapsed(), 3)

    def count(self, rung: Rung, family: Family, metric: Metric) -> None:
        """Note a finished rung for whoever watches."""
        self.rungs.append(rung)
        if rung.score is None or rung.fold != 0:
            return
        sign = 1.0 if metric.greater_is_better else -1.0
        top, _, score = self.best.get(family, (-1, "", 0.0))
        if (rung.rung, sign * rung.score) > (top, sign * score):
            self.best[family] = (rung.rung, rung.learner, rung.score)

    def show(self, phase: str, running: tuple[str, ...] = (), *, every: float = 0.0) -> None:
        """Tell the observer where the fit stands, at most once in `every` seconds."""
        now = time.monotonic()
        if now - self.shown < every:
            return
        self.shown = now
        failed = sum(r.status == "failed" for r in self.rungs)
        self.observer.show(
            Progress(
                phase=phase,
                elapsed=self.elapsed(),
                limit=self.options.seconds,
                running=running,
                best={family: (name, score) for family, (_, name, score) in self.best.items()},
                finished=len(self.rungs) - failed,
                failed=failed,
            )
        )
