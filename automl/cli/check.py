"""`automl plugins check`: run the conformance kit on everything that a plugin declares."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from automl.cli.output import emit, emit_json, emit_rich, plain_table
from automl.progress import note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from automl.testing import Outcome

COLUMNS = ("subject", "check", "result", "tasks", "reason")


def check(
    name: Annotated[
        str, typer.Argument(help="A plugin, a distribution, or one learner, metric or ensembler.")
    ],
    skip: Annotated[
        list[str] | None,
        typer.Option("--skip", metavar="CHECK", help="Leave out a check of learners; repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list.")] = False,
) -> None:
    """Check everything that a plugin declares; exits 1 if something fails."""
    from automl.testing import check_plugin

    outcomes = check_plugin(name, skip=skip or (), on_outcome=_progress())
    if as_json:
        emit_json([asdict(outcome) for outcome in outcomes])
    else:
        emit_rich(plain_table(COLUMNS, _rows(outcomes)))
        emit("\n".join(_hints(outcomes)))
    if any(outcome.status == "failed" for outcome in outcomes):
        raise typer.Exit(1)


def _progress() -> Callable[[Outcome], None]:
    """Print on a terminal which subject is being checked."""
    seen: set[str] = set()

    def say(outcome: Outcome) -> None:
        if sys.stderr.isatty() and outcome.subject not in seen:
            note(f"checking {outcome.subject} ...")
        seen.add(outcome.subject)

    return say


def _rows(outcomes: Iterable[Outcome]) -> Iterator[list[str]]:
    """One row for each subject, check, result and reason, with all its tasks."""
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for outcome in outcomes:
        key = (outcome.subject, outcome.check, outcome.status, outcome.reason)
        groups.setdefault(key, []).extend([outcome.task] if outcome.task else [])
    for (subject, check_name, status, reason), tasks in groups.items():
        yield [subject, check_name, status, ", ".join(tasks), reason]


def _hints(outcomes: list[Outcome]) -> Iterator[str]:
    """Advice after each failure, and a line with the counts."""
    failed = {(o.subject, o.check): o.hint for o in outcomes if o.status == "failed"}
    for (subject, check_name), hint in failed.items():
        yield f"\n{subject}, {check_name}: {hint}"
    counts = {s: sum(o.status == s for o in outcomes) for s in ("passed", "failed", "skipped")}
    yield "\n" + ", ".join(f"{count} {status}" for status, count in counts.items())
