"""A run that goes on: with the choices that it was begun with."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from automl.errors import UsageError
from automl.search import rundir

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from automl.workflow.options import FitOptions

FIXED = (
    "task",
    "metric",
    "test",
    "test_size",
    "folds",
    "group",
    "time",
    "drop",
    "positive",
    "contamination",
    "seed",
)
"""What scores would not be comparable without."""
FREE = ("seconds", "trials", "preset", "allocate", "learner", "exclude")
"""What may change, and is as it was begun where it is left out."""
CHOSEN = {"learner", "exclude"}
"""Asked for anew as one: what one is may contradict what the other was."""


def begun_with(
    options: FitOptions, run: Path, target: str | None, *, study: bool = False
) -> FitOptions:
    """The options of a run that goes on: those that it was begun with, where they are left out.

    Args:
        options: What is asked for now.
        run: The run directory.
        target: The target that is asked for now, None if it is left out.
        study: Whether a study is to go on, or a fit.

    Raises:
        ArtifactError: There is no readable run.
        UsageError: Something else is asked for than the run was begun with.
    """
    content = rundir.read(run)
    if ("study" in content) != study:
        is_one, other, command = ("fit", "study", "fit") if study else ("study", "fit", "scale")
        msg = f"{run} holds a {is_one}, not a {other}; go on with it by 'automl {command} --resume'"
        raise UsageError(msg)
    if target is not None and target != content["target"]:
        _refuse(run, "target", content["target"])
    begun: Mapping[str, Any] = content["arguments"]
    found = {"task": content["task"], "metric": content["metric"]["name"]}
    usual = {field.name: field.default for field in fields(options)}
    asked = {name: getattr(options, name) for name in FIXED + FREE}
    if not isinstance(asked["test"], str | None):
        del asked["test"]  # a table: its rows are compared
    left_out = options.left_out
    if left_out is None:
        left_out = frozenset(name for name, now in asked.items() if now == usual[name])
    if not left_out >= CHOSEN:
        left_out -= CHOSEN
    kept: dict[str, Any] = {}
    for name, now in asked.items():
        then = begun.get(name, usual[name])
        then = tuple(then) if isinstance(then, list) else then
        if name in left_out:
            kept[name] = then
        elif name in FIXED and now not in {then, found.get(name, then)}:
            _refuse(run, name, then)
    return replace(options, **kept)


def _refuse(run: Path, name: str, then: Any) -> None:
    flag = f"--{name.replace('_', '-')}"
    shown = " ".join(map(str, then)) if isinstance(then, tuple) else then
    how = f"without {flag}" if then in {None, ()} else f"with {flag} {shown}"
    msg = f"{run} was begun {how}; resume it with the same"
    raise UsageError(msg)
