"""Which learners apply to a table, and why the others do not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from automl.errors import PluginError, UsageError
from automl.hooks.calls import sentence
from automl.types import Learner, Schema, Task

if TYPE_CHECKING:
    from automl.hooks.manager import Host, LearnerEntry


def applicable(
    host: Host,
    schema: Schema,
    task: Task,
    n_rows: int,
    n_columns: int,
    only: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    *,
    unlabelled: int = 0,
) -> tuple[list[Learner], dict[str, str]]:
    """The learners to train, and the reason of each that is not.

    A plugin that failed before it declared a learner stands among the reasons by its own name.

    Args:
        host: where learners are declared.
        schema: of the table; its classes are counted.
        task: what is predicted.
        n_rows: rows to learn from.
        n_columns: feature columns.
        only: names given with `--learner`; None or empty for all. Baselines stay in, since
            every leaderboard shows one; learners not named get no reason.
        exclude: names given with `--exclude`.
        unlabelled: rows without a target that learners may use.

    Raises:
        UsageError: a name is unknown, both wanted and excluded, or nothing is left.
        PluginError: no plugin declares a learner, or two declare one name.
    """
    check_names(host, only or (), exclude)
    entries, broken = host.learners, host.broken
    chosen: list[Learner] = []
    reasons: dict[str, str] = {}
    for name, entry in entries.items():
        if only and name not in only and entry.learner.family != "baseline":
            continue
        reason = "left out by --exclude" if name in exclude else ""
        reason = reason or _obstacle(entry, schema, task, n_rows, n_columns)
        if not only:
            reason = reason or _pointless(entry.learner, unlabelled)
        if reason:
            reasons[name] = reason
        else:
            chosen.append(entry.learner)
    for name, plugin in broken.items():
        if name not in exclude and (not only or name in only):
            reasons[name] = plugin.reason
    if not any(learner.name in only for learner in chosen) if only else not chosen:
        told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        msg = f"no learner can be trained ({told})"
        raise UsageError(msg)
    return chosen, reasons


def _obstacle(entry: LearnerEntry, schema: Schema, task: Task, n_rows: int, n_columns: int) -> str:
    """What keeps a learner from this table; empty if nothing does."""
    learner = entry.learner
    if task not in learner.tasks:
        return f"task: made for {', '.join(sorted(learner.tasks))}, here {task}"
    if not entry.available:
        return entry.reason
    limits = learner.limits
    for most, here, what in (
        (limits.rows, n_rows, "rows"),
        (limits.columns, n_columns, "columns"),
        (limits.classes, schema.n_classes, "classes"),
    ):
        if most is not None and here > most:
            return f"limit: at most {most:,} {what}, here {here:,}"
    return _unknown_cost(learner, schema)


def _pointless(learner: Learner, unlabelled: int) -> str:
    """Why a learner would be no more than another one; empty if it is."""
    least = learner.limits.unlabelled
    if least is None or unlabelled >= least:
        return ""
    return f"limit: at least {least:,} rows without a target, here {unlabelled:,}"


def _unknown_cost(learner: Learner, schema: Schema) -> str:
    """What is wrong with what a learner says it takes; empty if nothing is."""
    try:
        cost = learner.resources(schema).cost
    except Exception as err:  # noqa: BLE001 - a plugin may raise anything
        return f"its resources cannot be had: {sentence(err)}"
    return "" if 0 < cost < math.inf else f"its cost is {cost}; give a number above 0"


def check_names(host: Host, only: Sequence[str], exclude: Sequence[str]) -> None:
    """Refuse names that no learner has.

    Raises:
        UsageError: a name is unknown, or both wanted and excluded.
        PluginError: no plugin declares a learner, or two declare one name.
    """
    names = sorted({*host.learners, *host.broken})
    if not host.learners:
        msg = "no learner is installed; see `automl plugins list`"
        raise PluginError(msg)
    for name in (*only, *exclude):
        if name not in names:
            close = get_close_matches(name.lower().replace("-", "_"), names, n=3)
            hint = (
                f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(names)}"
            )
            msg = f"there is no learner {name!r}; {hint}"
            raise UsageError(msg)
    if both := sorted(set(only) & set(exclude)):
        msg = f"--learner and --exclude both name {', '.join(both)}; name it once"
        raise UsageError(msg)
