"""`diagnostics.json`: what the best model uses and where it errs, computed once by a fit."""

from __future__ import annotations

import math
from concurrent.futures import Future, wait
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.errors import ArtifactError
from automl.files import read_folder, write_json
from automl.hooks.calls import sentence
from automl.hooks.manager import get_host
from automl.leaderboard import best_trials
from automl.metrics import loss_sign
from automl.runs.journal import member_folder
from automl.runs.record import RunReader
from automl.types import TOP
from automl.workers.tasks import Failure
from automl.workflow.examples import wrong_images
from automl.workflow.importance import (
    ROWS,
    ImportanceRequest,
    importance_of,
    load_libraries,
)
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
"""Seconds after which it is given up without a time limit."""
LEAD = 8.0
"""Seconds ahead of the end of the search when its worker begins to import, if there is a model by
then; without a limit it does so with the first model."""
LEAST = 1.0
"""Seconds below which it is not tried."""
REPORTING = 1.0, 0.01, 2.0
"""Kept for the report and the end of the process: seconds, part of the limit, seconds at most."""
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
    """Let a worker import what the learner that leads now needs, unless one was told to."""
    if fit.cluster.warm:
        return
    best = _best(fit, prepared)
    schema = prepared.data.schema
    fit.cluster.warm_up(
        load_libraries,
        None if best is None else best.learner,
        schema.task,
        schema.n_classes,
        fit.plugins,
    )


def ask_importance(fit: Fit, prepared: Prepared, *, early: bool) -> Future[Any]:
    """Set a worker to work while the driver goes on; it is the last thing asked of the cluster.

    The best learner on the validation rows of fold 0, by its model of that fold; locked test
    rows where there are any, else those validation rows.

    Returns:
        What will be a part of `diagnostics.json`, a sentence or a `Failure`.
    """
    if early:
        return _not_asked(fit, "the run ended before its time")
    try:
        return _asked(fit, prepared)
    except Exception as error:  # noqa: BLE001 - it costs itself alone
        return _not_asked(fit, sentence(error))


def _asked(fit: Fit, prepared: Prepared) -> Future[Any]:
    best = _best(fit, prepared)
    if best is None:
        return _not_asked(fit, "no learner left a saved model")
    seconds = _seconds_left(fit, UNHURRIED)
    if seconds < LEAST:
        return _not_asked(fit, f"the time limit left {max(seconds, 0.0):.1f} s for it")
    request = _request(fit, prepared, best, seconds)
    left = _seconds_left(fit, PATIENCE)
    return fit.cluster.finish_with(importance_of, request, seconds=left)


def _not_asked(fit: Fit, why: str) -> Future[Any]:
    fit.cluster.stop()
    known: Future[Any] = Future()
    known.set_result(Failure(why))
    return known


def _request(fit: Fit, prepared: Prepared, best: Rung, seconds: float) -> ImportanceRequest:
    schema = prepared.data.schema
    view = f"{get_host().learner(best.learner).view}-f{best.fold}"
    X, y = _held_out(prepared, fit.options.seed)
    return ImportanceRequest(
        learner=best.learner,
        config=dict(best.config),
        task=schema.task,
        n_classes=schema.n_classes,
        metric=prepared.metric.name,
        model=read_folder(member_folder(fit.run, best.trial, best.fold)),
        view=read_folder(fit.run / "model" / "views" / view),
        X=X,
        y=y,
        seed=fit.options.seed,
        seconds=seconds,
        plugins=fit.plugins,
    )


def _best(fit: Fit, prepared: Prepared) -> Rung | None:
    """The fit on all rows of fold 0 that validated best, among those whose model is saved."""
    sign = -loss_sign(greater_is_better=prepared.metric.greater_is_better)
    saved = [
        rung
        for rung in fit.rungs
        if rung.rung >= TOP and rung.fold == 0 and rung.status == "ok" and rung.size_bytes
    ]
    known = [rung for rung in saved if rung.score is not None and math.isfinite(rung.score)]
    return max(known, key=lambda rung: sign * (rung.score or 0.0), default=None)


def _held_out(prepared: Prepared, seed: int) -> tuple[pd.DataFrame, Array]:
    """Rows that the model of fold 0 was not trained on, as many as are shuffled at most."""
    if prepared.locked is not None:
        X, y = prepared.locked.X, prepared.locked.y
        rows = np.arange(len(y))
    else:
        X, y = prepared.data.X, prepared.answers.scored
        rows = np.asarray(prepared.split.validation(0))
        rows = rows[prepared.answers.known[rows]]
    if len(rows) > ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, ROWS, replace=False))
    return X.iloc[rows].reset_index(drop=True), y[rows]


# ------------------------------------------------------------------------ diagnostics


def write_diagnostics(
    fit: Fit,
    prepared: Prepared,
    board: pd.DataFrame,
    advice: Sequence[Advice],
    asked: Future[Any],
) -> None:
    """Write `diagnostics.json`; what could not be had stands there with the reason.

    Args:
        fit: Its directory.
        prepared: The rows.
        board: The leaderboard; its first row is the one whose errors are told.
        advice: What would help, from the scaling verdicts.
        asked: From `ask_importance`; waited for.
    """
    outcomes = _outcomes(fit, prepared, str(board.iloc[0]["learner"]))
    while not asked.done() and fit.grace.since is None:
        wait([asked], timeout=LEAST)
    found = asked.result() if asked.done() else Failure("the command was to end")
    columns = _importance(fit, prepared, found)
    write_advice(fit.run, advice, outcomes | {"importance": columns})


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
    write_json(run / NAME, content, default=str)


def _importance(
    fit: Fit, prepared: Prepared, found: dict[str, Any] | str | Failure
) -> dict[str, Any]:
    """The importance of columns as `diagnostics.json` has it."""
    if not isinstance(found, dict):
        return {"status": "skipped", "reason": found if isinstance(found, str) else found.reason}
    best = _best(fit, prepared)
    head = {
        "status": "ok",
        "learner": "" if best is None else best.learner,
        "on": "fold0" if prepared.locked is None else "test",
    }
    return head | found | {"trial": "" if best is None else best.trial}


def _outcomes(fit: Fit, prepared: Prepared, learner: str) -> dict[str, Any]:
    """Calibration and confusion, or residuals, of the winner on rows it was not trained on."""
    schema = prepared.data.schema
    names = ("residuals",) if schema.task == "regression" else ("calibration", "confusion")
    try:
        y, prediction, on = _predicted(fit, prepared, learner)
    except ArtifactError as error:
        return {name: {"status": "skipped", "reason": str(error)} for name in names}
    head = {"status": "ok", "of": learner, "on": on, "rows": len(y)}
    if not prepared.supervision.supervised:
        why = "anomaly scores are no probabilities"
        return {name: {"status": "skipped", "reason": why} for name in names}
    pictured = {}
    if any(column.kind == "image" for column in schema.features):
        X = prepared.data.X if prepared.locked is None else prepared.locked.X
        pictured = {"examples": head | {"images": wrong_images(X, schema, y, prediction)}}
    if schema.task == "regression":
        return {"residuals": head | residuals(y, prediction)} | pictured
    return pictured | {
        "calibration": head | calibration(y, prediction, schema.classes),
        "confusion": head | confusion(y, prediction, schema.classes, CLASSES),
    }


def _predicted(fit: Fit, prepared: Prepared, learner: str) -> tuple[Array, Array, str]:
    """Truth and the winner's predictions of rows it was not trained on, and which rows."""
    record = RunReader(fit.run)
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
