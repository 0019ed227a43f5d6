"""Ensembles: greedy selection (all, deep only, classical only) and stacking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from automl import Ensembler, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    Task: TypeAlias = Literal["binary", "multiclass", "regression", "anomaly"]

_FACTORY = "automl_ensemble.greedy:build"
_TASKS: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})
_ALL: frozenset[Task] = _TASKS | {"anomaly"}


@hookimpl
def automl_ensemblers() -> Iterable[Ensembler]:
    """The ensemble rows of every leaderboard."""
    yield Ensembler(
        name="ensemble",
        tasks=_ALL,
        factory=_FACTORY,
        summary="greedy selection over the best configurations of all learners",
    )
    yield Ensembler(
        name="ensemble_deep",
        tasks=_ALL,
        factory=_FACTORY,
        families=frozenset({"deep"}),
        summary="the same over deep learners only",
    )
    yield Ensembler(
        name="ensemble_classical",
        tasks=_ALL,
        factory=_FACTORY,
        families=frozenset({"classical"}),
        summary="the same over classical learners only",
    )
    yield Ensembler(
        name="stacking",
        tasks=_TASKS,
        factory="automl_ensemble.stacking:build",
        summary="a linear model over the predictions of the best configurations of all learners",
    )
