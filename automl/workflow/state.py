"""State that the steps of one fit share."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from automl.hooks.bounded import patience
from automl.hooks.manager import get_host
from automl.metrics import loss_sign
from automl.runs import directory
from automl.runs.info import RunInfo
from automl.types import Progress
from automl.workflow.ending import Grace

if TYPE_CHECKING:
    from pathlib import Path

    from automl.anomaly.supervision import Answers, Supervision
    from automl.options import Options
    from automl.rows.folds import Split
    from automl.rows.ladder import Ladder
    from automl.types import Array, Dataset, Family, Learner, Metric, Observer, Rung
    from automl.workers.cluster import Cluster
    from automl.workers.shares import Workers


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything decided before the first fit."""

    data: Dataset
    locked: Dataset | None
    """Test rows, where asked for."""
    supervision: Supervision
    answers: Answers
    """The answers of `data`."""
    metric: Metric
    """The metric of honest scores."""
    choice: Metric
    """The metric that configurations are chosen by."""
    split: Split
    ladder: Ladder
    learners: tuple[Learner, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    """Learners that do not apply, with the reason."""

    @property
    def truth(self) -> Array:
        """(n,) answers that configurations are chosen by."""
        return self.answers.truth


@dataclass(slots=True)
class Fit:
    """A fit under way: its clock, its directory and who is told."""

    options: Options
    observer: Observer
    source: str
    run: Path
    cluster: Cluster
    began: float
    phases: dict[str, float] = field(default_factory=dict)
    """Phase -> seconds since the command began when it ended."""
    info: RunInfo = field(default_factory=RunInfo)
    """`run.json` so far."""
    rungs: list[Rung] = field(default_factory=list)
    best: dict[Family, tuple[tuple[int, int], str, float]] = field(default_factory=dict)
    """Family -> ((rung, level), learner, score) of its best on the most rows it reached."""
    shown: float = 0.0
    grace: Grace = field(default_factory=Grace)
    """The time that SIGTERM leaves."""

    @property
    def patience(self) -> float:
        """Seconds that the driver waits for one call of a plugin."""
        usual = patience(self.options.seconds)
        return usual if self.grace.since is None else min(usual, self.grace.seconds / 10)

    def ensemble_seconds(self) -> float:
        """Seconds that an ensembler may take; after SIGTERM a part of what is left."""
        if self.options.seconds is None or self.grace.since is not None:
            return self.patience
        return max(self.patience, self.left())

    @property
    def workers(self) -> Workers:
        """The workers of the cluster."""
        return self.cluster.workers

    @property
    def plugins(self) -> tuple[str, ...]:
        """Modules registered by hand, which a worker must register as well."""
        return tuple(name for name in get_host().registered if name in sys.modules)

    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self.began

    def left(self) -> float:
        """Seconds of the budget that are left, or after SIGTERM; `inf` without a limit."""
        limit = self.options.seconds
        return min(math.inf if limit is None else limit - self.elapsed(), self.grace.left)

    def done(self, phase: str) -> None:
        """Note that a phase ended now."""
        self.phases[phase] = round(self.elapsed(), 3)

    def write(self, **changes: Any) -> None:
        """Replace `run.json`, with these fields changed and the phases as they are now."""
        self.info = replace(self.info, **changes, phases=dict(self.phases))
        directory.write(self.run, self.info)

    def count(self, rung: Rung, family: Family, metric: Metric) -> None:
        """Note a finished rung for whoever watches."""
        self.rungs.append(rung)
        if rung.score is None or rung.fold or rung.repeat:
            return
        sign = -loss_sign(greater_is_better=metric.greater_is_better)
        height = (rung.rung, rung.level)
        top, _, score = self.best.get(family, ((-1, 0), "", 0.0))
        if (height, sign * rung.score) > (top, sign * score):
            self.best[family] = (height, rung.learner, rung.score)

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
