"""Checks and their outcomes."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from automl.hooks.calls import sentence
from automl.types import Task

Result: TypeAlias = Literal["passed", "failed", "skipped"]

TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression", "anomaly")
CLASSES: frozenset[Task] = frozenset({"binary", "multiclass"})
"""Tasks whose predictions are (n, k) probabilities; all others give (n,) values."""


class FaultError(Exception):
    """A subject fails a check; the message says what was observed."""


class SkippedError(Exception):
    """A check does not apply; the message says why."""


def fault_if(condition: object, message: str) -> None:
    """Fail the check if the condition is true.

    Raises:
        FaultError: The condition is true.
    """
    if condition:
        raise FaultError(message)


def skip_if(condition: object, message: str) -> None:
    """Skip the check if the condition is true.

    Raises:
        SkippedError: The condition is true.
    """
    if condition:
        raise SkippedError(message)


@dataclass(frozen=True, slots=True)
class Check:
    """One requirement on learners, metrics, ensemblers or readers."""

    name: str
    why: str
    """Reason for the requirement, in a sentence."""
    hint: str
    """Advice for an author whose plugin fails the check."""
    run: Callable[[Any], Any]
    """Raises FaultError or SkippedError; any other exception counts as a failure."""
    tasks: frozenset[Task] = frozenset(TASKS)
    once: bool = False
    """True to run the check on the first task only."""
    needs: tuple[str, ...] = ()
    """Checks that have to pass before this one is meaningful."""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one check."""

    check: str
    subject: str
    """Name of the learner, metric, ensembler or plugin."""
    task: Task | None
    """None for checks that concern no particular task."""
    status: Result
    reason: str = ""
    """Observation behind a failure, or the reason of a skip; empty for a pass."""
    hint: str = ""
    """Advice after a failure."""


def check(
    hint: str,
    *,
    tasks: Iterable[Task] = TASKS,
    once: bool = False,
    needs: tuple[str, ...] = ("fits", "shapes"),
) -> Callable[[Callable[[Any], Any]], Check]:
    """Turn a function into a `Check` with its name; its docstring is the check's reason."""

    def made(function: Callable[[Any], Any]) -> Check:
        why = " ".join((inspect.getdoc(function) or "").split())
        name = function.__name__
        return Check(name, why, hint, function, frozenset(tasks), once, needs)

    return made


def describe_error(error: BaseException) -> str:
    """An exception in one line, with the place where it was raised."""
    if isinstance(error, FaultError | SkippedError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{sentence(error)[:400]}{place}"


def judge(check: Check, argument: Any, subject: str, task: Task | None) -> tuple[Outcome, Any]:
    """Run a check on its argument and turn any exception into an outcome.

    Returns:
        The outcome, and the return value of the check.
    """
    try:
        returned = check.run(argument)
    except SkippedError as skipped:
        return Outcome(check.name, subject, task, "skipped", str(skipped)), None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
        return failed(check, subject, task, describe_error(error)), None
    return Outcome(check.name, subject, task, "passed"), returned


def failed(check: Check, subject: str, task: Task | None, reason: str) -> Outcome:
    """The outcome of a failed check."""
    return Outcome(check.name, subject, task, "failed", reason, check.hint)
