"""The end of a fit: ensemble, leaderboard, artifact, verdicts and report, from the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.artifact import write_artifact
from automl.ensemble import ensemble
from automl.errors import BudgetError
from automl.hooks.manager import get_host
from automl.leaderboard import best_trials, of_choice, scored_on, write_leaderboard
from automl.report import write_report
from automl.runs.record import RunReader
from automl.scaling import read_scaling, write_scaling
from automl.workflow.diagnose import ask_importance, write_diagnostics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.types import Status
    from automl.workflow.state import Fit, Prepared


def conclude(
    fit: Fit,
    prepared: Prepared,
    outcomes: Mapping[str, tuple[Status, str]],
    *,
    interrupted: bool,
) -> None:
    """Write what the run amounts to.

    Args:
        fit: The run.
        prepared: The table, the learners and the metrics.
        outcomes: Learner -> its status, and the reason where it is not ranked.
        interrupted: Whether the user broke off.

    Raises:
        BudgetError: No learner produced a model.
    """
    fit.write(learners=fit.info.learners_after(outcomes))
    if not RunReader(fit.run).ranked:
        if interrupted:
            return
        reasons = "; ".join(f"{n}: {reason}" for n, (_, reason) in outcomes.items() if reason)
        msg = f"no learner produced a model ({reasons}); raise --time-limit or see {fit.run}"
        raise BudgetError(msg)
    asked = ask_importance(fit, prepared, interrupted=interrupted)
    fit.show("ensemble")
    task = prepared.data.schema.task
    ensemblers = [e for e in get_host().ensemblers().values() if task in e.tasks]
    ensemble(fit.run, ensemblers, prepared.choice, fit.options.seed)
    fit.done("ensemble")
    fit.show("save")
    board = write_leaderboard(fit.run, prepared.metric)
    record = RunReader(fit.run)
    best = best_trials(fit.run, prepared.metric)
    locked = not prepared.supervision.supervised or scored_on(fit.run) == "test"
    whole = [e.name for e in ensemblers if e.families is None]
    default = of_choice(board, prepared.choice, whole, locked=locked)
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
    scaling = read_scaling(fit.run, prepared.metric)
    write_scaling(fit.run, scaling.document)
    fit.done("save")
    write_diagnostics(fit, prepared, board, scaling.advice, asked)
    fit.done("diagnose")
    fit.write(
        status="interrupted" if interrupted else "done",
        scored_rows=record.scored_rows,
        n_scored=int(record.answers.known.sum() if record.y_test is None else len(record.y_test)),
        best=default,
    )
    write_report(fit.run)
    fit.show("done")
