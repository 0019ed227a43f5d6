"""Attempts at a job, which a fault of the system may end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from automl.workers.evaluate import FitResult

if TYPE_CHECKING:
    from automl.schedule.base import Job
    from automl.workers.faults import SystemFault


@dataclass(frozen=True, slots=True)
class Attempt:
    """A job handed out, perhaps anew after a fault of the system."""

    number: int
    """Place in the order of the jobs."""
    job: Job
    since: float
    """`time.monotonic()` when the scheduler handed it out."""
    began: float = 0.0
    """`time.monotonic()` when it went to a worker this time."""
    alone: bool = False
    """True if it has the machine and the memory of all workers to itself."""
    allowed: int = 0
    """Bytes that its worker may fill."""
    faults: int = 0
    """Faults of the system that ended it so far."""

    @property
    def limited(self) -> Job:
        """The job with what is left of its time."""
        left = self.job.time_left - (self.began - self.since)
        return replace(self.job, time_left=left, hard_limit=min(self.job.hard_limit, left))

    def after(self, fault: SystemFault) -> Attempt | None:
        """The next attempt: once anywhere, unless memory was short, and once alone."""
        if self.alone:
            return None
        return replace(self, faults=self.faults + 1, alone=fault.starved or self.faults > 0)


def lost(why: Exception | str) -> FitResult:
    """The result of a job that the machine did not make."""
    return FitResult("not_reached", str(why), lost=True)
