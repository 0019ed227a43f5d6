"""Runs the checks of a learner, in processes whose failure harms nothing else."""

from __future__ import annotations

import atexit
import contextlib
import threading
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Self

from automl.errors import PluginError, UsageError
from automl.testing.checks import BY_NAME, LEARNER_CHECKS
from automl.testing.contract import TASKS, Check, Outcome, failed
from automl.testing.learner_reference import LearnerReference, pack
from automl.testing.process import LostError, Server

if TYPE_CHECKING:
    from automl.testing.parts import CheckRequest
    from automl.testing.round_trip import RoundTrip
    from automl.types import Learner, Task

START_LIMIT = 120.0
"""Seconds allowed for the start of Ray."""
LIMIT = 60.0
"""Seconds after which a check counts as hung."""


class WorkerPool:
    """The processes that checks run in, started on demand and shared by checks.

    Args:
        limit: Seconds allowed for one check.
    """

    def __init__(self, limit: float = LIMIT) -> None:
        self.limit = limit
        self.fitting = Server()
        self._others = {
            "reader": Server(),
            "cpu": Server({"CUDA_VISIBLE_DEVICES": ""}),
            "worker": Server(),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes."""
        for server in (self.fitting, *self._others.values()):
            server.close()

    def prepare(self) -> None:
        """Start slow processes in the background while the first checks run."""
        for name in ("reader", "worker"):
            threading.Thread(target=self._warm, args=(name,), daemon=True).start()

    def _warm(self, name: str) -> None:
        with contextlib.suppress(
            LostError, PluginError
        ):  # the check that needs the process reports it
            self._others[name].call(f"automl.testing.remote:warm_{name}", limit=START_LIMIT)

    def complete(self, reference: LearnerReference, trip: RoundTrip) -> str:
        """Let another process load the model of a round trip; empty if all is well."""
        server = self._others[trip.to]
        try:
            if trip.to == "worker":
                function, extra = "automl.testing.remote:load_in_worker", (self.limit,)
                most = self.limit + START_LIMIT
                return str(server.call(function, reference, trip, *extra, limit=most))
            function = "automl.testing.remote:load_here"
            return str(server.call(function, reference, trip, limit=self.limit))
        except (LostError, PluginError) as lost:
            return str(lost)

    def judge(self, request: CheckRequest) -> Outcome:
        """Run a check of a metric, ensembler or reader."""
        check, subject, task = request.check, request.subject, request.task
        function = "automl.testing.remote:run_part_check"
        try:
            sent = pack((check.name, request.on, subject, task))
            outcome: Outcome = self.fitting.call(function, sent, limit=self.limit)
        except (LostError, PluginError) as lost:
            return failed(check, subject, task, str(lost))
        return outcome


@cache
def shared_pool() -> WorkerPool:
    """The pool of this process, closed when the process ends."""
    pool = WorkerPool()
    atexit.register(pool.close)
    return pool


class Inspector:
    """The checks of one learner; each runs once, after the checks that it needs.

    Args:
        learner: The name of an installed learner, or a declaration.
        pool: Processes to run in.
    """

    def __init__(self, learner: str | Learner, pool: WorkerPool) -> None:
        self._reference = LearnerReference.of(learner)
        self._pool = pool
        declared = self._reference.learner() if isinstance(learner, str) else learner
        self.tasks: tuple[Task, ...] = tuple(t for t in TASKS if t in declared.tasks)
        self._outcomes: dict[tuple[str, Task], Outcome] = {}

    def plan(
        self, tasks: Iterable[Task] | None = None, checks: Iterable[str] | None = None
    ) -> list[tuple[Check, Task]]:
        """Pairs of check and task that apply, in the order to run them.

        Raises:
            UsageError: A check or task is unknown, or not one of the learner.
        """
        wanted = self.tasks if tasks is None else tuple(tasks)
        if foreign := sorted(set(wanted) - set(self.tasks)):
            own = ", ".join(self.tasks)
            msg = f"{self._reference.name} does not do {', '.join(foreign)}; its tasks are {own}"
            raise UsageError(msg)
        chosen = LEARNER_CHECKS if checks is None else tuple(named(checks))
        return [
            (check, task)
            for task in wanted
            for check in chosen
            if task in check.tasks and not (check.once and task != wanted[0])
        ]

    def outcome(self, check: Check, task: Task) -> Outcome:
        """Run one check, or return its earlier outcome."""
        key = (check.name, task)
        if key not in self._outcomes:
            self._outcomes[key] = self._obstacle(check, task) or self._run(check, task)
        return self._outcomes[key]

    def _obstacle(self, check: Check, task: Task) -> Outcome | None:
        """The outcome "skipped" if a check that this one needs did not pass; else None."""
        for name in check.needs:
            before = self.outcome(BY_NAME[name], task)
            if before.status != "passed":
                reason = f"says nothing while {name} is not passed"
                return Outcome(check.name, self._reference.name, task, "skipped", reason)
        return None

    def _run(self, check: Check, task: Task) -> Outcome:
        function = "automl.testing.remote:run_check"
        name = self._reference.name
        limit = self._pool.limit
        try:
            outcome: Outcome
            outcome, trip = self._pool.fitting.call(
                function, self._reference, check.name, task, limit=limit
            )
        except (LostError, PluginError) as lost:
            return failed(check, name, task, str(lost))
        if trip is not None and (reason := self._pool.complete(self._reference, trip)):
            return failed(check, name, task, reason)
        return outcome


def named(names: Iterable[str]) -> Sequence[Check]:
    """Find checks by name.

    Raises:
        UsageError: There is no such check.
    """
    wanted = list(names)
    if unknown := sorted(set(wanted) - set(BY_NAME)):
        msg = f"there is no check {', '.join(unknown)}; there are {', '.join(BY_NAME)}"
        raise UsageError(msg)
    return [check for check in LEARNER_CHECKS if check.name in wanted]
