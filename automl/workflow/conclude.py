"""The end of a fit: ensemble, leaderboard, artifact, verdicts and report, from the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.artifact import write_artifact
from automl.ensemble import ensemble
from automl.errors import BudgetError
from automl.hooks.manager import get_host
from automl.leaderboard import best_trials, of_choice, scored_on, write_leaderboard
from automl.report import write_report
from automl.scaling import read_scaling, write_scaling
from automl.search import rundir
from automl.search.record import Record
from automl.workflow.diagnose import ask_importance, write_diagnostics
from automl.workflow.options import CONTAMINATION

if TYPE_CHECKING:
    from automl.search.dealer import Dealer
    from automl.workflow.state import Fit, Prepared


def _contamination(fit: Fit, prepared: Prepared) -> float | None:
    """The share of rows that predictions flag; None where they do not."""
    if prepared.data.schema.task != "anomaly":
        return None
    return fit.options.contamination or CONTAMINATION


def conclude(fit: Fit, prepared: Prepared, dealer: Dealer, *, interrupted: bool) -> None:
    """Write what the run amounts to.

    Raises:
        BudgetError: No learner produced a model.
    """
    outcomes = {name: dealer.outcome(name) for name in dealer.lanes.names}
    for row in fit.content["learners"]:
        if row["name"] in outcomes:
            row["status"], row["reason"] = outcomes[row["name"]]
    rundir.write(fit.run, fit.content)
    if not Record(fit.run).ranked:
        if interrupted:
            return
        reasons = "; ".join(f"{n}: {reason}" for n, (_, reason) in outcomes.items() if reason)
        msg = f"no learner produced a model ({reasons}); raise --time-limit or see {fit.run}"
        raise BudgetError(msg)
    why_not = "the run was interrupted" if interrupted else ask_importance(fit, prepared)
    fit.show("ensemble")
    task = prepared.data.schema.task
    ensemblers = [e for e in get_host().ensemblers().values() if task in e.tasks]
    ensemble(fit.run, ensemblers, prepared.choice, fit.options.seed)
    fit.done("ensemble")
    fit.show("save")
    board = write_leaderboard(fit.run, prepared.metric)
    record = Record(fit.run)
    best = best_trials(fit.run, prepared.metric)
    locked = task == "anomaly" or scored_on(fit.run) == "test"
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
        contamination=_contamination(fit, prepared),
    )
    scaling = read_scaling(fit.run, prepared.metric)
    write_scaling(fit.run, scaling.document)
    fit.done("save")
    write_diagnostics(fit, prepared, board, scaling.advice, why_not)
    fit.done("diagnose")
    fit.content |= {
        "status": "interrupted" if interrupted else "done",
        "scored_rows": record.scored_rows,
        "n_scored": int(record.answered.sum() if record.y_test is None else len(record.y_test)),
        "best": default,
    }
    rundir.write(fit.run, fit.content)
    write_report(fit.run)
    fit.show("done")
