"""Flaws of an `artifact.json` that can be read: names that leave the folder, contradictions."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, get_args

from automl.types import ColumnKind, Task

if TYPE_CHECKING:
    from automl.artifact.document import Artifact

TRIAL = re.compile(r"[A-Za-z][A-Za-z0-9_]*-[0-9]+")
"""Name of a trial: its learner and a number, so that no trial names a folder elsewhere."""


def flaw_of(artifact: Artifact) -> str | None:
    """Tell the first thing that cannot be, or None; as read, no field need have its type."""
    return next(_flaws(artifact), None)


def _flaws(artifact: Any) -> Iterator[str]:
    yield from _flaws_of_schema(artifact.schema)
    for trial, member in artifact.members.items():
        if not TRIAL.fullmatch(trial) or not _is_member(member):
            yield f"{trial!r} is no trial with models"
    for name, trials in _uses(artifact):
        if unknown := next((trial for trial in trials if trial not in artifact.members), None):
            yield f"{name!r} needs {unknown!r}, which is no member"
    for name, weights in {**artifact.ensembles, "thresholds": artifact.thresholds}.items():
        if not all(_is_finite(value) for value in weights.values()):
            yield f"{name!r} has weights or thresholds that are no numbers"
    if artifact.contamination is not None:
        known = {*artifact.ensembles, *artifact.best}
        yield from (f"{name!r} has no threshold" for name in known - {*artifact.thresholds})
    if artifact.default is not None and not isinstance(artifact.default, str):
        yield f"{artifact.default!r} is no name"
    if not all(isinstance(version, str) for version in artifact.versions.values()):
        yield "its versions are no text"


def _flaws_of_schema(schema: Any) -> Iterator[str]:
    """The flaws in how rows are read."""
    if schema.task not in get_args(Task):
        yield f"there is no task {schema.task!r}"
    if len(schema.classes) < 2 and schema.task in {"binary", "multiclass"}:
        yield "a task with classes has fewer than two"
    if any(label is None or isinstance(label, Mapping | list | tuple) for label in schema.classes):
        yield "its classes are no labels"
    for column in schema.columns:
        texts = (column.name, column.parse, *column.missing_words)
        if column.kind not in get_args(ColumnKind) or not _are_texts(texts):
            yield f"{column.name!r} is no column"
    if not _are_texts(t for t in (schema.target, schema.target_dtype) if t is not None):
        yield f"{schema.target!r} is no target"


def _uses(artifact: Any) -> Iterator[tuple[str, Iterable[str]]]:
    """Ensembles and learners, with the trials that they need."""
    for learner, trial in artifact.best.items():
        yield learner, (trial,)
    for name, weights in artifact.ensembles.items():
        yield name, weights or ("",)
    for name, combined in artifact.combiners.items():
        yield name, (isinstance(combined.state, Mapping) and combined.trials) or ("",)


def _is_member(member: Any) -> bool:
    """True for a member that has models."""
    named = isinstance(member.learner, str) and isinstance(member.config, Mapping)
    return named and bool(member.folds) and all(_is_count(fold) for fold in member.folds)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _are_texts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)
