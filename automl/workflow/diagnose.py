"""`diagnostics.json`: what the best model uses and where it errs, computed once by a fit."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.errors import ArtifactError
from automl.hooks.manager import get_host
from automl.leaderboard import best_trials
from automl.search.ladder import TOP
from automl.search.record import Record
from automl.workflow.importance import ROWS
from automl.workflow.outcomes import calibration, confusion, residuals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from automl.scaling.advice import Advice
    from automl.types import Array, Rung
    from automl.workflow.state import Fit, Prepared

NAME = "diagnostics.json"
SHARE, MOST = 0.02, 10.0
"""Part of the time limit, and seconds at most, that importance may add to the end of a fit."""
UNHURRIED = 5.0
"""Seconds to plan for without a time limit."""
PATIENCE = 60.0
"""Seconds after which the helper is given up without a time limit."""
LEAD = 8.0
"""Seconds ahead of the end of the search when the helper begins to import; without a limit it does
so with the search."""
LEAST = 1.0
"""Seconds below which it is not tried."""
REPORTING = 1.0, 0.01, 2.0
"""Kept for the report and the end of the process: seconds, part of the limit, seconds at most."""
HANDED_OVER = "diagnostics.part"
"""Folder of the rows that the helper reads, gone at the end."""
CLASSES = 20
"""Classes that the confusion matrix tells apart."""


def importance_seconds(limit: float) -> float:
    """Seconds at the end of a fit that are kept for the importance of columns."""
    return min(SHARE * limit, MOST)


def _seconds_left(fit: Fit, unhurried: float) -> float:
    """Until the report must be begun; so many seconds where there is no limit."""
    limit = fit.options.seconds
    if limit is None:
        return unhurried
    fixed, share, most = REPORTING
    return fit.left() - min(fixed + share * limit, most)


# ----------------------------------------------------------------------------- columns


def warm_up(fit: Fit, prepared: Prepared) -> None:
    """Start the helper with the learner that leads now, if one does, unless it runs already."""
    if fit.helper.started:
        return
    best = _best(fit, prepared)
    schema, host = prepared.data.schema, get_host()
    by_hand = {e.package for e in host.learners.values() if e.distribution is None}
    order = {
        "learner": None if best is None else best.learner,
        "plugins": sorted(by_hand),
        "task": schema.task,
        "classes": len(schema.classes),
    }
    fit.helper.start(order, fit.workers.threads)


def ask_importance(fit: Fit, prepared: Prepared) -> str:
    """Set the helper to work while the driver goes on.

    The best learner on the validation rows of fold 0, by its model of that fold; locked test
    rows where there are any, else those validation rows.

    Returns:
        Why it cannot be had, or nothing.
    """
    best = _best(fit, prepared)
    if best is None:
        return "no learner left a saved model"
    seconds = _seconds_left(fit, UNHURRIED)
    if seconds < LEAST:
        return f"the time limit left {max(seconds, 0.0):.1f} s for it"
    warm_up(fit, prepared)
    folder = fit.run / HANDED_OVER
    folder.mkdir(exist_ok=True)
    rows, truth = folder / "rows.feather", folder / "truth.npy"
    X, y = _held_out(prepared, fit.options.seed)
    X.to_feather(rows)
    np.save(truth, y)
    schema = prepared.data.schema
    fit.helper.ask(
        {
            "run": str(fit.run),
            "trial": best.trial,
            "fold": best.fold,
            "learner": best.learner,
            "config": dict(best.config),
            "task": schema.task,
            "classes": len(schema.classes),
            "metric": prepared.metric.name,
            "rows": str(rows),
            "truth": str(truth),
            "seed": fit.options.seed,
            "seconds": seconds,
        }
    )
    return ""


def _best(fit: Fit, prepared: Prepared) -> Rung | None:
    """The fit on all rows of fold 0 that validated best, among those whose model is saved."""
    sign = 1.0 if prepared.metric.greater_is_better else -1.0
    saved = [
        rung
        for rung in fit.rungs
        if rung.rung >= TOP and rung.fold == 0 and rung.status == "ok" and rung.size_bytes
    ]
    known = [rung for rung in saved if rung.score is not None and math.isfinite(rung.score)]
    return max(known, key=lambda rung: sign * (rung.score or 0.0), default=None)


def _held_out(prepared: Prepared, seed: int) -> tuple[pd.DataFrame, Array]:
    """Rows that the model of fold 0 was not trained on, as many as the helper may use."""
    if prepared.locked is not None:
        X, y = prepared.locked.X, prepared.locked.y
        rows = np.arange(len(y))
    else:
        X, y = prepared.data.X, prepared.data.y
        rows = np.asarray(prepared.split.validation(0))
        if prepared.data.schema.task == "anomaly":
            y = y if prepared.data.schema.target else prepared.truth
            rows = rows[y[rows] >= 0]
    if len(rows) > ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, ROWS, replace=False))
    return X.iloc[rows].reset_index(drop=True), y[rows]


# ------------------------------------------------------------------------ diagnostics


def write_diagnostics(
    fit: Fit,
    prepared: Prepared,
    board: pd.DataFrame,
    advice: Sequence[Advice],
    why_no_importance: str,
) -> None:
    """Write `diagnostics.json`; what could not be had stands there with the reason.

    Args:
        fit: Its clock decides how long the helper is waited for.
        prepared: The rows.
        board: The leaderboard; its first row is the one whose errors are told.
        advice: What would help, from the scaling verdicts.
        why_no_importance: What `ask_importance` said.
    """
    outcomes = _outcomes(fit, prepared, str(board.iloc[0]["learner"]))
    importance = _importance(fit, prepared, why_no_importance)
    write_advice(fit.run, advice, outcomes | {"importance": importance})


def write_advice(
    run: Path, advice: Sequence[Advice], others: Mapping[str, Any] | None = None
) -> None:
    """Write `diagnostics.json` with what would help, all there is to say without a model.

    Args:
        run: The run directory.
        advice: From the scaling verdicts.
        others: Further parts by name.
    """
    content = {"advice": [asdict(entry) for entry in advice], **(others or {})}
    draft = run / f"{NAME}.part"
    draft.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")
    draft.replace(run / NAME)


def _importance(fit: Fit, prepared: Prepared, why_not: str) -> dict[str, Any]:
    if why_not:
        return {"status": "skipped", "reason": why_not}
    found = fit.helper.answer(_seconds_left(fit, PATIENCE))
    shutil.rmtree(fit.run / HANDED_OVER, ignore_errors=True)
    if isinstance(found, str):
        return {"status": "skipped", "reason": found}
    on = "fold0" if prepared.locked is None else "test"
    best = _best(fit, prepared)
    return {"status": "ok", "learner": "" if best is None else best.learner, "on": on} | found


def _outcomes(fit: Fit, prepared: Prepared, learner: str) -> dict[str, Any]:
    """Calibration and confusion, or residuals, of the winner on rows it was not trained on."""
    schema = prepared.data.schema
    names = ("residuals",) if schema.task == "regression" else ("calibration", "confusion")
    try:
        y, prediction, on = _predicted(fit, prepared, learner)
    except ArtifactError as error:
        return {name: {"status": "skipped", "reason": str(error)} for name in names}
    head = {"status": "ok", "of": learner, "on": on, "rows": len(y)}
    if schema.task == "anomaly":
        why = "anomaly scores are no probabilities"
        return {name: {"status": "skipped", "reason": why} for name in names}
    if schema.task == "regression":
        return {"residuals": head | residuals(y, prediction)}
    return {
        "calibration": head | calibration(y, prediction, schema.classes),
        "confusion": head | confusion(y, prediction, schema.classes, CLASSES),
    }


def _predicted(fit: Fit, prepared: Prepared, learner: str) -> tuple[Array, Array, str]:
    """Truth and the winner's predictions of rows it was not trained on, and which rows."""
    record = Record(fit.run)
    test = record.y_test
    trials = best_trials(fit.run, prepared.metric)
    if learner in trials:
        if test is not None:
            return test, record.test_prediction(trials[learner]), "test"
        return record.y, record.prediction(trials[learner]), "crossfit"
    suffix, y, on = ("crossfit", record.y, "crossfit")
    if test is not None:
        suffix, y, on = "test", test, "test"
    path = fit.run / "predictions" / f"{learner}-{suffix}.npy"
    try:
        prediction = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        msg = f"{path.name} is missing or damaged ({error})"
        raise ArtifactError(msg) from error
    return y, np.asarray(prediction), on
