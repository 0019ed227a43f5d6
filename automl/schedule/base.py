"""The protocol of a scheduler, and the job that it hands out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automl.types import Cell, Rung, Status, Trial


TIME_LIMITED = 0.8
"""Part of its soft_limit above which a fit counts as limited by time: learners that keep to a
limit stop a step ahead of it."""


@dataclass(frozen=True, slots=True)
class Job:
    """One fit to run now."""

    trial: Trial
    cell: Cell
    soft_limit: float = math.inf
    """Seconds the fit is asked to keep to."""
    hard_limit: float = math.inf
    """Seconds after which a fit counts as hung and its worker ends it."""
    time_left: float = math.inf
    """Seconds until the search is over; no worker goes on beyond."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Budget of a search and the policy of spending it."""

    allocate: Literal["equal", "greedy"] = "greedy"
    seconds: float | None = None
    """Seconds of the search; None makes it depend on nothing but the seed."""
    trials: int | None = None
    slots: int = 2
    seed: int = 0
    greater_is_better: bool = True
    tuning_share: float = 0.8
    """Part of the search seconds after which bagging comes first."""
    bagged: int = 4
    """Configurations repeated on the other folds."""


class Scheduler(Protocol):
    """Says which fit comes next: a state machine without Ray and without a clock of its own."""

    overdue: Status
    """Status of a fit that was ended for taking too long: whether the learner is to blame."""

    def next_job(self, now: float) -> Job | None:
        """The next job, `now` seconds after the search began; None when nothing can start."""
        ...

    def take(self, rung: Rung) -> None:
        """Take what became of a job."""
        ...

    def drop(self, job: Job) -> None:
        """Forget a job that the end of the search cut off; it may be handed out again."""
        ...

    def replay(self, rungs: Iterable[Rung]) -> None:
        """Take the rungs of an earlier session; what it left running starts anew."""
        ...

    @property
    def running(self) -> list[tuple[str, Cell]]:
        """(trial, cell) of the jobs under way."""
        ...
