"""What a check is, and what comes of one."""

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
    """What was asked of a subject does not hold; the message says what was seen."""


class SkippedError(Exception):
    """A check that says nothing here; the message says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a learner, metric, ensembler or reader must hold to."""

    name: str
    why: str
    """Why it matters, in a sentence."""
    hint: str
    """What to do when it fails."""
    run: Callable[[Any], Any]
    """Raises FaultError or SkippedError; any other exception is a failure as well."""
    tasks: frozenset[Task] = frozenset(TASKS)
    once: bool = False
    """Whether one task stands for all."""
    needs: tuple[str, ...] = ()
    """Checks without which this one says nothing."""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one check."""

    check: str
    subject: str
    """Name of the learner, metric, ensembler or plugin."""
    task: Task | None
    """None where the check is of no single task."""
    status: Result
    reason: str = ""
    """What was seen, or why the check was skipped; empty when it passed."""
    hint: str = ""
    """What to do about a failure."""


def check(
    hint: str,
    *,
    tasks: Iterable[Task] = TASKS,
    once: bool = False,
    needs: tuple[str, ...] = ("fits", "shapes"),
) -> Callable[[Callable[[Any], Any]], Check]:
    """Make a check of a function: its name is the check's, its docstring says why it matters."""

    def made(function: Callable[[Any], Any]) -> Check:
        why = " ".join((inspect.getdoc(function) or "").split())
        name = function.__name__
        return Check(name, why, hint, function, frozenset(tasks), once, needs)

    return made


def told(error: BaseException) -> str:
    """An exception in one line, with the place where it was raised."""
    if isinstance(error, FaultError | SkippedError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{sentence(error)[:400]}{place}"


def judge(check: Check, argument: Any, subject: str, task: Task | None) -> tuple[Outcome, Any]:
    """Run a check on its argument; what it raises becomes the outcome.

    Returns:
        The outcome, and what the check gave back.
    """
    given = None
    try:
        given = check.run(argument)
    except SkippedError as skipped:
        return Outcome(check.name, subject, task, "skipped", str(skipped)), None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
        return failed(check, subject, task, told(error)), None
    return Outcome(check.name, subject, task, "passed"), given


def failed(check: Check, subject: str, task: Task | None, reason: str) -> Outcome:
    """The outcome of a check that failed for the reason."""
    return Outcome(check.name, subject, task, "failed", reason, check.hint)
