"""What a search may spend, and one fit of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from automl.search.ladder import Step
    from automl.types import Trial


HURRIED = 0.8
"""Part of its allowance above which a fit counts as cut short."""


@dataclass(frozen=True, slots=True)
class Job:
    """One fit to run now."""

    trial: Trial
    step: Step
    allowance: float = math.inf
    """Seconds the fit is asked to keep to."""
    kill_after: float = math.inf
    """Seconds after which a fit counts as hung and its worker ends it."""
    left: float = math.inf
    """Seconds until the search is over; no worker goes on beyond."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a search may spend and how it is allotted."""

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


class Deals(Protocol):
    """Says what to fit next."""

    def deal(self, now: float) -> Job | None:
        """The next job, `now` seconds after the search began; None when nothing can start."""
        ...

    @property
    def idle(self) -> bool:
        """Whether no job is under way."""
        ...


class Holds(Protocol):
    """Has the rows of every job."""

    def get(self, job: Job, wait: float) -> Any | None:
        """A reference to the job's rows, or None if they are not ready within `wait` seconds."""
        ...
