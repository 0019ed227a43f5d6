"""Attempts at a job, which a fault of the system may end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from automl.workers.evaluate import FitResult

if TYPE_CHECKING:
    from collections.abc import Collection

    from automl.schedule.base import Job
    from automl.workers.faults import SystemFault
    from automl.workers.shares import Slot


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
    slot: Slot | None = None
    """The slot that it has, or had the last time."""
    faults: tuple[str, ...] = ()
    """The machines of the faults of the system that ended it so far."""

    @property
    def limited(self) -> Job:
        """The job with what is left of its time."""
        left = self.job.time_left - (self.began - self.since)
        return replace(self.job, time_left=left, hard_limit=min(self.job.hard_limit, left))

    def after(
        self, fault: SystemFault, gone: Collection[str] = (), *, several: bool = False
    ) -> Attempt | None:
        """The next attempt: once anywhere, unless memory was short, and once alone.

        A machine that is gone took its jobs with it, whatever they were; where there are several,
        one may be, so that it is tried elsewhere first.

        Args:
            fault: The fault that ended this one.
            gone: Machines that are gone; what they took with them does not count.
            several: Whether there are several machines.
        """
        if self.alone:
            return None
        before = sum(node not in gone for node in self.faults)
        here = "" if self.slot is None else self.slot.node
        alone = before > 0 or (fault.starved and not several)
        return replace(self, faults=(*self.faults, here), alone=alone)


def lost(why: Exception | str) -> FitResult:
    """The result of a job that the machine did not make."""
    return FitResult("not_reached", str(why), lost=True)
