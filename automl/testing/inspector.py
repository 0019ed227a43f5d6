"""Runs the checks of a learner, each where it can do no harm."""

from __future__ import annotations

import atexit
import contextlib
import threading
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Self

from automl.errors import PluginError, UsageError
from automl.testing.checks import LEARNER_CHECKS
from automl.testing.outcome import TASKS, Check, Outcome, failed
from automl.testing.process import LostError, Server
from automl.testing.subject import Subject, pack

if TYPE_CHECKING:
    from automl.testing.parcel import Parcel
    from automl.testing.parts import Question
    from automl.types import Learner, Task

START_LIMIT = 120.0
"""Seconds that Ray may take to start."""
LIMIT = 60.0
"""Seconds a check may take before its learner counts as hung."""
_BY_NAME = {check.name: check for check in LEARNER_CHECKS}


class Lab:
    """The processes that checks run in; they start when they are needed and can be shared.

    Args:
        limit: Seconds that one check may take.
    """

    def __init__(self, limit: float = LIMIT) -> None:
        self.limit = limit
        self.bench = Server()
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
        for server in (self.bench, *self._others.values()):
            server.close()

    def prepare(self) -> None:
        """Start what takes long to start, while the first checks are running."""
        for name in ("reader", "worker"):
            threading.Thread(target=self._warm, args=(name,), daemon=True).start()

    def _warm(self, name: str) -> None:
        with contextlib.suppress(LostError, PluginError):  # the check that needs it will tell
            self._others[name].call(f"automl.testing.remote:warm_{name}", limit=START_LIMIT)

    def deliver(self, subject: Subject, parcel: Parcel) -> str:
        """Send a model to the process it is for; what went wrong there, if anything."""
        server = self._others[parcel.to]
        try:
            if parcel.to == "worker":
                function, extra = "automl.testing.remote:visit_worker", (self.limit,)
                most = self.limit + START_LIMIT
                return str(server.call(function, subject, parcel, *extra, limit=most))
            function = "automl.testing.remote:open_parcel"
            return str(server.call(function, subject, parcel, limit=self.limit))
        except (LostError, PluginError) as lost:
            return str(lost)

    def judge(self, question: Question) -> Outcome:
        """What comes of a check of a metric, ensembler or reader."""
        check, subject, task = question.check, question.subject, question.task
        function = "automl.testing.remote:answer"
        try:
            sent = pack((check.name, question.on, subject, task))
            outcome: Outcome = self.bench.call(function, sent, limit=self.limit)
        except (LostError, PluginError) as lost:
            return failed(check, subject, task, str(lost))
        return outcome


@cache
def shared_lab() -> Lab:
    """The lab of this process, closed when it ends."""
    lab = Lab()
    atexit.register(lab.close)
    return lab


class Inspector:
    """The checks of one learner; each is run once, and those it needs before it.

    Args:
        learner: The name of an installed learner, or a declaration.
        lab: Where to run.
    """

    def __init__(self, learner: str | Learner, lab: Lab) -> None:
        self._subject = Subject.of(learner)
        self._lab = lab
        declared = self._subject.learner() if isinstance(learner, str) else learner
        self.tasks: tuple[Task, ...] = tuple(t for t in TASKS if t in declared.tasks)
        self._outcomes: dict[tuple[str, Task], Outcome] = {}

    def plan(
        self, tasks: Iterable[Task] | None = None, checks: Iterable[str] | None = None
    ) -> list[tuple[Check, Task]]:
        """Which checks apply to which task, in the order in which they are best run.

        Raises:
            UsageError: A check or task is unknown, or not one of the learner.
        """
        wanted = self.tasks if tasks is None else tuple(tasks)
        if foreign := sorted(set(wanted) - set(self.tasks)):
            own = ", ".join(self.tasks)
            msg = f"{self._subject.name} does not do {', '.join(foreign)}; its tasks are {own}"
            raise UsageError(msg)
        chosen = LEARNER_CHECKS if checks is None else tuple(named(checks))
        return [
            (check, task)
            for task in wanted
            for check in chosen
            if task in check.tasks and not (check.once and task != wanted[0])
        ]

    def outcome(self, check: Check, task: Task) -> Outcome:
        """What comes of one check."""
        key = (check.name, task)
        if key not in self._outcomes:
            self._outcomes[key] = self._obstacle(check, task) or self._run(check, task)
        return self._outcomes[key]

    def _obstacle(self, check: Check, task: Task) -> Outcome | None:
        """The outcome of a check that cannot say anything because another did not pass."""
        for name in check.needs:
            before = self.outcome(_BY_NAME[name], task)
            if before.status != "passed":
                reason = f"says nothing while {name} is not passed"
                return Outcome(check.name, self._subject.name, task, "skipped", reason)
        return None

    def _run(self, check: Check, task: Task) -> Outcome:
        function = "automl.testing.remote:run_check"
        name = self._subject.name
        limit = self._lab.limit
        try:
            outcome: Outcome
            outcome, parcel = self._lab.bench.call(
                function, self._subject, check.name, task, limit=limit
            )
        except (LostError, PluginError) as lost:
            return failed(check, name, task, str(lost))
        if parcel is not None and (wrong := self._lab.deliver(self._subject, parcel)):
            return failed(check, name, task, wrong)
        return outcome


def named(names: Iterable[str]) -> Sequence[Check]:
    """The checks of these names.

    Raises:
        UsageError: There is no such check.
    """
    wanted = list(names)
    if unknown := sorted(set(wanted) - set(_BY_NAME)):
        msg = f"there is no check {', '.join(unknown)}; there are {', '.join(_BY_NAME)}"
        raise UsageError(msg)
    return [check for check in LEARNER_CHECKS if check.name in wanted]
