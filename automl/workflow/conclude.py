"""The end of a fit: ensemble, leaderboard, artifact, verdicts and report, from the disk."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from automl.artifact import write_artifact
from automl.ensemble import ensemble
from automl.errors import BudgetError, PluginError, StoppedError
from automl.hooks.calls import sentence
from automl.hooks.manager import get_host
from automl.leaderboard import best_trials, of_choice, scored_on, write_leaderboard
from automl.metrics import default_metric, get_metric
from automl.report import write_report
from automl.runs import reserve
from automl.runs.info import MetricInfo
from automl.runs.record import RunReader
from automl.scaling import read_scaling, write_scaling
from automl.text import listed
from automl.units import format_latency, number_text
from automl.workflow.diagnose import ask_importance, write_diagnostics
from automl.workflow.ending import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future
    from typing import Any

    import pandas as pd

    from automl.types import Status
    from automl.workflow.state import Fit, Prepared

SHOWN = 2
"""Learners that a sentence names of those with one reason."""


def conclude(
    fit: Fit, prepared: Prepared, outcomes: Mapping[str, tuple[Status, str]], ending: Ending
) -> Ending:
    """Write what the run amounts to.

    Leaderboard and model come first. Of the rest each part that cannot be made costs itself alone.

    Args:
        fit: The run.
        prepared: The table, the learners and the metrics.
        outcomes: Learner -> its status, and the reason where it is not ranked.
        ending: The way in which the training ended.

    Returns:
        The way in which the run ended: its metric may fail only now.

    Raises:
        BudgetError: No learner produced a model.
    """
    reserve.release(fit.run)
    fit.write(learners=fit.info.learners_after(outcomes))
    if not RunReader(fit.run).ranked:
        if ending.early:
            fit.write(status=ending.status, reason=ending.reason)
            return ending
        why = why_none(outcomes)
        msg = f"no learner produced a model ({why}); raise --time-limit, or see {fit.run}/run.json"
        raise BudgetError(msg)
    asked = ask_importance(fit, prepared, early=ending.early)
    try:
        board = _model(fit, prepared)
    except PluginError as error:
        ending = ending if ending.early else Ending.by(error)
        judged = _by_usual_metric(fit, prepared, ending)
        board = _model(fit, judged)
    fit.write(status=ending.status, reason=ending.reason)
    _explain(fit, prepared, board, asked)
    fit.show("done")
    return ending


def why_none(outcomes: Mapping[str, tuple[Status, str]]) -> str:
    """The reason that most learners share, failures first, with their names."""
    named: dict[tuple[bool, str], list[str]] = {}
    for name, (status, reason) in outcomes.items():
        if reason:
            named.setdefault((status == "failed", reason), []).append(name)
    if not named:
        return "the budget ended before any was fitted"
    failed, reason = max(named, key=lambda key: (key[0], len(named[key])))
    names = named[failed, reason]
    others = len(names) - SHOWN
    shown = [*names[:SHOWN], f"{others} others"] if others > 1 else names
    return f"{listed(shown)}: {reason}"


def _by_usual_metric(fit: Fit, prepared: Prepared, ending: Ending) -> Prepared:
    """Let the usual metric of the task judge what that of the run could not."""
    usual = get_metric(default_metric(prepared.data.schema.task), prepared.data.schema.task)
    fit.observer.say(f"{ending.reason}: the leaderboard is by {usual.name} instead")
    named = MetricInfo(usual.name, usual.greater_is_better)
    fit.write(metric=named, choice=named)
    return replace(prepared, metric=usual, choice=usual)


def _model(fit: Fit, prepared: Prepared) -> pd.DataFrame:
    """Write ensembles, leaderboard and artifact; give the leaderboard.

    Raises:
        PluginError: The metric gives no scores.
    """
    fit.show("ensemble")
    task = prepared.data.schema.task
    ensemblers = [e for e in get_host().ensemblers().values() if task in e.tasks]
    most = fit.options.infer_limit
    entries = ensemble(
        fit.run,
        ensemblers,
        prepared.choice,
        fit.options.seed,
        fit.ensemble_seconds,
        row_seconds=most,
    )
    fit.done("ensemble")
    fit.show("save")
    board = write_leaderboard(fit.run, prepared.metric)
    record = RunReader(fit.run)
    best = best_trials(fit.run, prepared.metric)
    locked = not prepared.supervision.supervised or scored_on(fit.run) == "test"
    whole = [e.name for e in ensemblers if e.families is None]
    default = of_choice(board, prepared.choice, whole, locked=locked, row_seconds=most)
    if most is not None:
        fit.observer.say(_speed_told(board, entries, default, most, prepared.choice.name))
    write_artifact(
        fit.run,
        prepared.data.schema,
        record.rungs,
        best,
        prepared.metric.name,
        default=default,
        refit=prepared.split.refit,
        contamination=prepared.supervision.contamination,
    )
    fit.done("save")
    fit.write(
        scored_rows=record.scored_rows,
        n_scored=int(record.answers.known.sum() if record.y_test is None else len(record.y_test)),
        best=default,
    )
    return board


def _speed_told(
    board: pd.DataFrame, entries: Sequence[dict[str, Any]], default: str, most: float, metric: str
) -> str:
    """The time that the default model takes for a row, and the score that the limit costs."""
    speed = board.set_index("learner")["predict_rows_per_second"].fillna(math.inf)[default]
    takes = format_latency(1 / speed)
    if speed < 1 / most:
        limit = format_latency(most)
        return f"no model predicts a row in {limit}; the fastest, {default}, takes {takes}"
    told = f"{default} predicts a row in {takes}, --infer-limit is {format_latency(most)}"
    entry = next((e for e in entries if e["name"] == default), None)
    if entry is None or not (before := entry["pruned"]):
        return told
    after, score = number_text(before["score_left"]), number_text(before["score"])
    members = f"{len(entry['members'])} of {before['members']} members"
    return f"{told}: it keeps {members}, {metric} {after} instead of {score} in validation"


def _explain(fit: Fit, prepared: Prepared, board: pd.DataFrame, asked: Future[Any]) -> None:
    """Write verdicts, diagnostics and report."""

    def judge() -> None:
        scaling = read_scaling(fit.run, fit.info.judged_by([prepared.metric]))
        write_scaling(fit.run, scaling.document)
        write_diagnostics(fit, prepared, board, scaling.advice, asked)

    attempt(fit, "verdicts and diagnostics", judge)
    fit.done("diagnose")
    attempt(fit, "run.json", fit.write)
    attempt(fit, "the report", lambda: write_report(fit.run))


def attempt(fit: Fit, what: str, make: Callable[[], object]) -> None:
    """Make a part of the conclusion; say why where it cannot be made, and go on without it.

    Args:
        fit: The run; with seconds left, else the part is left out.
        what: The part in words.
        make: Makes it.
    """
    if fit.grace.left <= 0:
        fit.observer.say(f"{what} left out: the command is to end")
        return
    try:
        make()
    except Exception as error:  # noqa: BLE001 - leaderboard and model are there
        fit.observer.say(f"{what} could not be made: {sentence(error)}")


def leave(ending: Ending, *, model: bool) -> None:
    """Raise what tells the caller that a run did not end by itself.

    Args:
        ending: The end that the run came to.
        model: Whether it has a model.

    Raises:
        KeyboardInterrupt: The user stopped it.
        StoppedError: A trouble of its own did.
    """
    if ending.status == "interrupted":
        raise KeyboardInterrupt
    if ending.status == "stopped":
        so_far = "" if model else " before the first model"
        msg = f"stopped{so_far}: {ending.reason}"
        raise StoppedError(msg) from ending.error
