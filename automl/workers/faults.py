"""Faults of the system and of the learner told apart, by the error and the worker's exit note."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ray import exceptions
from ray.air.execution._internal.actor_manager import RayActorManager
from ray.tune.execution import tune_controller
from ray.tune.utils.object_cache import _ObjectCache

from automl.runs.record import OVERDUE
from automl.text import first_line
from automl.workers.evaluate import FitResult
from automl.workers.replaced import replaced
from automl.workers.watchdog import DIED, KILLED, OUTGREW

if TYPE_CHECKING:
    from collections.abc import Generator
    from contextlib import AbstractContextManager

    from automl.schedule.base import Job

GONE = (
    exceptions.OutOfMemoryError,
    exceptions.WorkerCrashedError,
    exceptions.NodeDiedError,
    exceptions.LocalRayletDiedError,
)
"""Errors of a worker that is gone which are no RayActorError."""


@dataclass(frozen=True, slots=True)
class SystemFault:
    """The reason why the machine did not make a fit, through no fault of its learner."""

    reason: str
    starved: bool = False
    """True if it may have been want of memory."""


def judge(
    job: Job, error: BaseException, elapsed: float, note: str | None, *, whole: bool = True
) -> FitResult | SystemFault:
    """Blame a job without a result on its learner or on the system.

    Args:
        job: The job.
        error: What Ray tells.
        elapsed: Seconds since it was handed out.
        note: The exit note of its worker; None where there is none.
        whole: Whether it had all memory that it may be given.
    """
    if isinstance(error, exceptions.OutOfMemoryError):
        return SystemFault("its worker was ended by Ray's memory monitor", starved=True)
    unavailable = isinstance(error, exceptions.ActorUnavailableError)
    if unavailable or not isinstance(error, exceptions.RayActorError):
        return SystemFault(_told(error), starved=isinstance(error, exceptions.ObjectStoreFullError))
    late = elapsed >= min(job.hard_limit, job.time_left) - 1.0
    if note == KILLED or (note is None and not late):
        return SystemFault(note or DIED, starved=True)
    if note and note.startswith(OUTGREW) and not whole:
        return SystemFault(note, starved=True)
    if note is None or note.startswith(OVERDUE):
        note = f"ended after {elapsed:.0f} s, {note or OVERDUE}"
    return FitResult("failed", note, fit_seconds=elapsed)


def _told(error: BaseException) -> str:
    """The error of the system in one line: its kind, and the last line of what it says."""
    cause = error.cause if isinstance(error, exceptions.RayTaskError) else error
    lines = str(cause).strip().splitlines()
    return f"{type(cause).__name__}: {lines[-1] if lines else first_line(error)}"


_HEARD = threading.local()


def last_error() -> BaseException | None:
    """The error of a worker that this thread heard last, once."""
    error: BaseException | None = getattr(_HEARD, "error", None)
    _HEARD.error = None
    return error


class AttentiveManager(RayActorManager):
    """Tune's manager of actors, which passes on every error, whatever its class.

    The original leaves the search at an error that is neither of an actor's process nor of its
    code, as the memory monitor's and those of lost objects are.
    """

    def _actor_start_failed(self, tracked_actor: Any, exception: Exception) -> None:
        _HEARD.error = exception
        super()._actor_start_failed(tracked_actor, exception)

    def _actor_task_failed(self, tracked_actor_task: Any, exception: Exception) -> None:
        _HEARD.error = exception
        if isinstance(exception, GONE):
            exception = exceptions.RayActorError(error_msg=str(exception))
        if isinstance(exception, exceptions.RayActorError | exceptions.RayTaskError):
            super()._actor_task_failed(tracked_actor_task, exception)
        elif tracked_actor_task._on_error:  # noqa: SLF001 - no public way
            tracked_actor_task._on_error(tracked_actor_task._tracked_actor, exception)  # noqa: SLF001


def _nothing() -> Generator[Any]:
    yield from ()


class IdleWorkers(_ObjectCache):
    """Tune's cache of idle actors, which gives none up before the search is over.

    The original keeps as many as trials wait for, and one besides: with several kinds of slots
    nearly every worker would end with its fit, and import its libraries anew for the next.
    """

    def cache_object(self, key: Any, obj: Any) -> bool:
        self._cached_objects[key].append(obj)
        self._num_cached_objects += 1
        return True

    def flush_cached_objects(self, force_all: bool = False) -> Generator[Any]:
        return super().flush_cached_objects(force_all) if force_all else _nothing()


def every_error_heard() -> AbstractContextManager[None]:
    """Let searches that begin in the block hear every error of a worker as it is."""
    return replaced(tune_controller, RayActorManager=AttentiveManager)


def idle_workers_kept() -> AbstractContextManager[None]:
    """Let searches that begin in the block keep the worker of every slot that is free."""
    return replaced(tune_controller, _ObjectCache=IdleWorkers)
