"""A function run once on a worker of its own, beside the search and after it."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.text import first_line
from automl.workers.paths import current_folder_last
from automl.workers.watchdog import DIED, exit_reason, watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.workers.shares import Workers

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
CHECK_SECONDS = 0.1
"""Between two looks at whether the task is cancelled."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task has no result."""

    reason: str


class Task:
    """One function on a worker of Ray that does nothing else.

    The worker may be started ahead, since importing a deep-learning library takes seconds.
    Arguments and result travel through the object store, so that the worker may be on any
    machine of the cluster; the function must be one that it can import.
    """

    def __init__(self) -> None:
        self.result: Future[Any] = Future()
        """The value that the function returned, or a `Failure`; there once `settle` has run."""
        self._worker: Any = None
        self._asked: Any = None
        self._end = 0.0
        self._cancelled = threading.Event()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._exit_note = Path()
        """Where the worker says why it ended, if it is on this machine."""

    @property
    def started(self) -> bool:
        """True once it has a worker."""
        return self._worker is not None

    def warm_up(self, workers: Workers, function: Callable[..., Any], *args: Any) -> None:
        """Start the worker, unless it runs, with a function that imports what will be needed.

        Args:
            workers: The CPUs and the memory that the worker may use are those of one of these.
            function: Called in the worker; what it raises is dropped.
            args: Its arguments.
        """
        if not self.started:
            self._start(workers)
            self._worker.warm_up.remote(function, args)

    def submit(
        self, workers: Workers, function: Callable[..., Any], *args: Any, seconds: float
    ) -> None:
        """Call the function in the worker, started now unless it runs; `settle` gets the result.

        Args:
            workers: As for `warm_up`.
            function: What to call.
            args: Its arguments.
            seconds: How long it may take from now on.
        """
        if not self.started:
            self._start(workers)
        self._end = time.monotonic() + seconds
        self._asked = self._worker.run.remote(function, args, seconds)

    def cancel(self) -> None:
        """Let `settle` wait no longer."""
        self._cancelled.set()

    def settle(self) -> None:
        """Wait for the result within its time, hand it over and end the worker.

        No reference into Ray is left after it, so that Ray may be shut down.
        """
        try:
            found = self._outcome()
        except Exception as error:  # noqa: BLE001 - whoever waits for the result must hear of it
            found = Failure(first_line(error))
        self.result.set_result(found)
        self._end_worker()

    def _start(self, workers: Workers) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # It asks for no CPU: Tune's actors hold all of them until the search is over, and what
        # waited for one would begin to import only then. An environment of its own keeps it from
        # taking one of the processes that Ray started for those actors.
        # It goes to the driver's machine, or else to one that answered the handshake.
        node = workers.nodes[0].id if workers.nodes else ""
        there: Any = NodeAffinitySchedulingStrategy(node, soft=True) if node else "DEFAULT"
        actor: Any = ray.remote(
            num_cpus=0,
            runtime_env={"env_vars": dict.fromkeys(THREADS, str(workers.threads))},
        )(_Worker)
        self._folder = tempfile.TemporaryDirectory(prefix="automl-", ignore_cleanup_errors=True)
        self._exit_note = Path(self._folder.name) / "task.exit"
        self._worker = actor.options(scheduling_strategy=there).remote(
            self._exit_note, workers.memory
        )

    def _outcome(self) -> Any:
        if self._asked is None:
            return Failure("it was not asked for")
        import ray

        began = time.monotonic()
        while not self._cancelled.is_set():
            left = self._end - time.monotonic()
            done, _ = ray.wait([self._asked], timeout=max(0.0, min(left, CHECK_SECONDS)))
            if done:
                return self._answer()
            if left <= 0:
                waited = time.monotonic() - began
                return Failure(f"there was no time for it (not ready after {waited:.1f} s)")
        return Failure("it was cancelled")

    def _answer(self) -> Any:
        import ray

        try:
            return ray.get(self._asked)
        except ray.exceptions.RayActorError:
            return Failure(exit_reason(self._exit_note) or DIED)
        except ray.exceptions.RayError as error:
            return Failure(str(error).strip().splitlines()[-1])

    def _end_worker(self) -> None:
        if self._worker is not None:
            import ray

            ray.kill(self._worker)
        self._worker = self._asked = None
        if self._folder is not None:
            self._folder.cleanup()


class _Worker:
    """The worker's side of a task."""

    def __init__(self, exit_note: Path, memory: int) -> None:
        current_folder_last()  # Ray may have put it first
        self._exit_note = exit_note
        self._memory = memory

    def warm_up(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        # what cannot be imported is told when the function itself fails by it
        with watched(self._exit_note, self._memory), contextlib.suppress(Exception):
            function(*args)

    def run(self, function: Callable[..., Any], args: tuple[Any, ...], seconds: float) -> Any:
        with watched(self._exit_note, self._memory) as end_after:
            end_after(seconds)
            try:
                return function(*args)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a learner may raise anything
                return Failure(f"{type(error).__name__}: {first_line(error)}")
