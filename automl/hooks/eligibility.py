"""Eligibility: the learners that apply to a table, and the reasons against the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from automl.errors import PluginError, UsageError
from automl.hooks.calls import sentence
from automl.text import hint
from automl.types import Learner, Schema, Task

if TYPE_CHECKING:
    from automl.hooks.manager import Host, LearnerEntry


MADE_FOR = {"image": ("image", "images")}
"""View -> the kind of column that it shows, and the word for it."""


def applicable(
    host: Host,
    schema: Schema,
    task: Task,
    n_rows: int | None,
    n_columns: int,
    only: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    *,
    unlabelled: int = 0,
) -> tuple[list[Learner], dict[str, str]]:
    """Select the learners to train, and give a reason for each of the others.

    A plugin that failed before it declared its learners is among the reasons under its own name.

    Args:
        host: host with the learners.
        schema: schema of the table, for its number of classes.
        task: the prediction task.
        n_rows: number of training rows; None where a learner takes as many as it can.
        n_columns: number of feature columns.
        only: names given with `--learner`; None or empty for all. Baselines are always included,
            since every leaderboard shows one; learners that are not named get no reason.
        exclude: names given with `--exclude`.
        unlabelled: number of rows without a target that learners may use.

    Raises:
        UsageError: a name is unknown or given twice, or no learner is left.
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


def _obstacle(
    entry: LearnerEntry, schema: Schema, task: Task, n_rows: int | None, n_columns: int
) -> str:
    """Reason against a learner on this table; empty if there is none."""
    learner = entry.learner
    if task not in learner.tasks:
        return f"task: made for {', '.join(sorted(learner.tasks))}, here {task}"
    kind, noun = MADE_FOR.get(learner.view, ("", ""))
    if kind and not any(column.kind == kind for column in schema.features):
        return f"data: made for {noun}, and no column holds any"
    if not entry.available:
        return entry.reason
    limits = learner.limits
    for most, here, what in (
        (limits.rows, n_rows, "rows"),
        (limits.columns, n_columns, "columns"),
        (limits.classes, schema.n_classes, "classes"),
    ):
        if most is not None and here is not None and here > most:
            return f"limit: at most {most:,} {what}, here {here:,}"
    return _unknown_cost(learner, schema)


def _pointless(learner: Learner, unlabelled: int) -> str:
    """Reason against a learner that needs more unlabelled rows to differ from another one."""
    least = learner.limits.unlabelled
    if least is None or unlabelled >= least:
        return ""
    return f"limit: at least {least:,} rows without a target, here {unlabelled:,}"


def _unknown_cost(learner: Learner, schema: Schema) -> str:
    """Fault of the declared resources; empty if there is none."""
    try:
        cost = learner.resources(schema).cost
    except Exception as err:  # noqa: BLE001 - a plugin may raise anything
        return f"its resources cannot be computed: {sentence(err)}"
    return "" if 0 < cost < math.inf else f"its cost is {cost}; give a number above 0"


def check_names(host: Host, only: Sequence[str], exclude: Sequence[str]) -> None:
    """Refuse names that no learner has.

    Raises:
        UsageError: a name is unknown, or both included and excluded.
        PluginError: no plugin declares a learner, or two declare one name.
    """
    names = sorted({*host.learners, *host.broken})
    if not host.learners:
        msg = "no learner is installed; see `automl plugins list`"
        raise PluginError(msg)
    for name in (*only, *exclude):
        if name not in names:
            msg = f"there is no learner {name!r}; {hint(name, names)}"
            raise UsageError(msg)
    if both := sorted(set(only) & set(exclude)):
        msg = f"--learner and --exclude both name {', '.join(both)}; name it once"
        raise UsageError(msg)
