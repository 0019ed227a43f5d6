"""The protocol of a scheduler, the job that it hands out, and what it is told of fits' worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from automl.policy import BALANCED, Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
    fit_share: float = 1.0
    """Part of the time left that the fit may use; its predictions need the rest."""
    steps: int | None = None
    """Steps of a fit without early-stopping rows; None: these end it."""


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
    policy: Policy = BALANCED
    everyone: bool = False
    """True if no learner may be left out for want of time: all were named."""
    row_seconds: float = 5e-5
    """Seconds that a fit of declared cost 1 takes a row, until fits have been timed."""

    @property
    def core_seconds(self) -> float:
        """Seconds of all slots together; `inf` without a limit."""
        return math.inf if self.seconds is None else self.slots * self.seconds

    @property
    def first_seconds(self) -> float:
        """Core-seconds for first fits and their imports."""
        return self.policy.first_round * self.core_seconds


class Value(Protocol):
    """Says what models are worth to the ensemble, as things stand."""

    def weights(self) -> Mapping[str, float]:
        """Map the trials that the ensemble would be made of now to their weights."""
        ...

    def standard_error(self) -> float:
        """Standard error of the difference of two learners' losses on one fold; 0 if not known."""
        ...


@dataclass(frozen=True, slots=True)
class Worker:
    """The worker that a job would go to."""

    libraries: frozenset[str] = frozenset()
    """Libraries that it has imported."""
    elsewhere: frozenset[str] = frozenset()
    """Learners whose fits are left to workers that have what this one lacks."""


FRESH = Worker()


class Scheduler(Protocol):
    """Says which fit comes next: a state machine without Ray and without a clock of its own."""

    overdue: Status
    """Status of a fit that was ended for taking too long: whether the learner is to blame."""

    def next_job(self, now: float, worker: Worker = FRESH) -> Job | None:
        """The next job, `now` seconds after the search began; None when nothing can start.

        Args:
            now: Seconds since the search began.
            worker: The worker that it goes to, as far as that is known.
        """
        ...

    def take(self, rung: Rung) -> None:
        """Take what became of a job."""
        ...

    def lose(self, rung: Rung) -> None:
        """Take a fit that the machine did not make, which goes on no further in this session."""
        ...

    def imported(self, libraries: Iterable[str], seconds: float) -> None:
        """Hear that a worker imported libraries, and how long that took."""
        ...

    def drop(self, job: Job) -> None:
        """Forget a job that the end of the search cut off; it may be handed out again."""
        ...

    def declined(self, job: Job, needed_seconds: float) -> bool:
        """Hear that a learner declined a fit for having too little time.

        Args:
            job: The job.
            needed_seconds: Seconds that the fit needs.

        Returns:
            Whether the fit is over, to be recorded as not reached; False if it may be handed out
            again where there is more time.
        """
        ...

    def replay(self, rungs: Iterable[Rung]) -> None:
        """Take the rungs of an earlier session; what it left running starts anew."""
        ...

    @property
    def running(self) -> list[tuple[str, Cell]]:
        """(trial, cell) of the jobs under way."""
        ...
