"""The public functions of the kit: they return outcomes, or test cases for pytest."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from automl.errors import PluginError
from automl.hooks.manager import get_host
from automl.testing.contract import Check, Outcome
from automl.testing.inspector import Inspector, WorkerPool, shared_pool
from automl.testing.parts import CheckRequest, part_checks
from automl.types import Ensembler, Learner, Metric

if TYPE_CHECKING:
    from automl.types import Task

T = TypeVar("T", Metric, Ensembler)


@dataclass(frozen=True, slots=True)
class Case:
    """A check as a test case; `str` of it names subject, check and task."""

    name: str
    why: str
    run: Callable[[], Outcome]

    def __str__(self) -> str:
        return self.name

    def __call__(self) -> None:
        """Run the check.

        Raises:
            AssertionError: The check failed; the message gives reason, purpose and hint.
            unittest.SkipTest: The check does not apply; pytest shows it as skipped.
        """
        outcome = self.run()
        if outcome.status == "skipped":
            raise unittest.SkipTest(outcome.reason)
        if outcome.status == "failed":
            msg = f"{outcome.reason}\n  why: {self.why}\n  hint: {outcome.hint}"
            raise AssertionError(msg)


def check_learner(
    learner: str | Learner,
    *,
    tasks: Iterable[Task] | None = None,
    checks: Iterable[str] | None = None,
    pool: WorkerPool | None = None,
) -> list[Outcome]:
    """Check a learner; a hang or a crash of its process is a failed check.

    Args:
        learner: The name of an installed learner, or a declaration.
        tasks: Subset of its tasks; default all.
        checks: Names of checks to run; default all. Checks that these depend on run as well.
        pool: Worker processes shared with other calls; default a pool of its own.

    Returns:
        One outcome for each check and task, in the order in which they ran.

    Raises:
        PluginError: No plugin declares the learner, or it cannot run here.
        UsageError: A task or check is unknown.
    """
    if pool is None:
        with WorkerPool() as own:
            Inspector(learner, own).plan(
                tasks, checks
            )  # wrong arguments raise before processes start
            own.prepare()
            return check_learner(learner, tasks=tasks, checks=checks, pool=own)
    inspector = Inspector(learner, pool)
    return [inspector.outcome(check, task) for check, task in inspector.plan(tasks, checks)]


def learner_checks(
    learner: str | Learner,
    *,
    tasks: Iterable[Task] | None = None,
    checks: Iterable[str] | None = None,
    skip: Iterable[str] = (),
) -> list[Case]:
    """The checks of a learner as test cases.

    For pytest::

        @pytest.mark.parametrize("check", learner_checks("my_forest"), ids=str)
        def test_conformance(check):
            check()

    Args:
        learner: The name of an installed learner, or a declaration.
        tasks: Subset of its tasks; default all.
        checks: Names of checks; default all.
        skip: Names of checks to leave out.

    Raises:
        PluginError: No plugin declares the learner, or it cannot run here.
        UsageError: A task or check is unknown.
    """
    inspector = Inspector(learner, shared_pool())
    name = learner if isinstance(learner, str) else learner.name
    left_out = set(skip)

    def case(check: Check, task: Task) -> Case:
        return Case(f"{name}-{check}-{task}", check.why, lambda: inspector.outcome(check, task))

    plan = inspector.plan(tasks, checks)
    return [case(check, task) for check, task in plan if check.name not in left_out]


def metric_checks(metric: str | Metric) -> list[Case]:
    """The checks of a metric as test cases; used like `learner_checks`.

    Raises:
        PluginError: No plugin declares the metric.
    """
    return _cases(part_checks(_find(metric, get_host().metrics(), "metric")))


def ensembler_checks(ensembler: str | Ensembler) -> list[Case]:
    """The checks of an ensembler as test cases; used like `learner_checks`.

    Raises:
        PluginError: No plugin declares the ensembler.
    """
    return _cases(part_checks(_find(ensembler, get_host().ensemblers(), "ensembler")))


def reader_checks(reader: Callable[..., Any]) -> list[Case]:
    """The checks of an implementation of `automl_read` as test cases.

    Args:
        reader: The function itself.
    """
    return _cases(part_checks(reader))


def _cases(requests: Iterable[CheckRequest]) -> list[Case]:
    return [_case(request) for request in requests]


def _case(request: CheckRequest) -> Case:
    words = (request.subject, request.check, request.task)
    name = "-".join(str(word) for word in words if word)
    return Case(name, request.check.why, lambda: shared_pool().judge(request))


def _find(wanted: str | T, known: dict[str, T], kind: str) -> T:
    if not isinstance(wanted, str):
        return wanted
    if wanted not in known:
        msg = f"no installed plugin declares the {kind} {wanted!r}"
        raise PluginError(msg)
    return known[wanted]
