"""A run that goes on: with the choices that it was begun with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from automl.artifact import versions
from automl.errors import UsageError
from automl.options import OPTIONS
from automl.policy import Policy
from automl.runs import directory
from automl.text import listed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from automl.options import Option, Options
    from automl.workflow.state import Fit

TOGETHER = frozenset({"learner", "exclude"})
"""Replaced together: a new value of one may conflict with the stored other."""


def begun_with(options: Options, run: Path, target: str | None, *, study: bool = False) -> Options:
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
    info = directory.read(run)
    if (info.study is not None) != study:
        is_one, other, command = ("fit", "study", "fit") if study else ("study", "fit", "scale")
        msg = f"{run} holds a {is_one}, not a {other}; go on with it by 'automl {command} --resume'"
        raise UsageError(msg)
    if target is not None and target.strip() != info.target:
        _refuse(run, "--target", info.target)
    begun = info.choices
    found = {"task": info.task, "metric": info.metric.name}
    lasting = [option for option in OPTIONS if option.on_resume != "anew"]
    if not isinstance(options.test, str | None):
        lasting = [option for option in lasting if option.name != "test"]  # its rows are compared
    left_out = _left_out(options, lasting)
    kept: dict[str, Any] = {}
    for option in lasting:
        name, now = option.name, getattr(options, option.name)
        then = begun.get(name, option.default)
        then = tuple(then) if isinstance(then, list) else then
        if option.on_resume == "at least" and not option.several:
            kept[name] = max(now, then)
        elif name in left_out:
            kept[name] = then
        elif _contradicts(option, now, then) and now != found.get(name):
            _refuse(run, option.flag, then)
    if options.policy is None and (policy := begun.get("policy")):
        kept["policy"] = Policy(**policy)
    return replace(options, **kept)


def warn_of_versions(fit: Fit) -> None:
    """Say loudly where a run goes on with other libraries than it was begun with."""
    then, now = fit.info.versions, versions()
    other = [
        f"{name} {then.get(name, 'none')} (here {now.get(name, 'none')})"
        for name in sorted(then.keys() | now.keys())
        if then.get(name) != now.get(name)
    ]
    if other:
        fit.observer.say(
            f"WARNING: {fit.run} was begun with {listed(other)}; earlier fits and those to come "
            "may differ for that alone"
        )


def _left_out(options: Options, lasting: Sequence[Option]) -> frozenset[str]:
    """Names of the choices that are not made now."""
    left_out = options.left_out
    if left_out is None:
        usual = (option for option in lasting if getattr(options, option.name) == option.default)
        left_out = frozenset(option.name for option in usual)
    return left_out if left_out >= TOGETHER else left_out - TOGETHER


def _contradicts(option: Option, now: Any, then: Any) -> bool:
    if option.on_resume == "at least":
        return not set(now) >= set(then)
    return option.on_resume == "same" and now != then


def _refuse(run: Path, flag: str, then: Any) -> None:
    shown = " ".join(map(str, then)) if isinstance(then, tuple) else then
    how = f"without {flag}" if then in {None, ()} else f"with {flag} {shown}"
    msg = f"{run} was begun {how}; resume it with the same"
    raise UsageError(msg)
