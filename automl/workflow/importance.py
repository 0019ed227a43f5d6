"""Permutation importance of the columns, on a worker that has loaded a saved model."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.data.views import load_view
from automl.files import write_folder
from automl.hooks.manager import get_host, resolve
from automl.metrics import get_metric, loss, score
from automl.types import View
from automl.workers.evaluate import register

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from automl.types import Array, Config, Metric, Model, Task

ROWS, FEWEST_ROWS = 2_000, 100
"""Rows that columns are shuffled in, at most and at least (if there are so many)."""
REPEATS = 5
"""Shuffles of each column, at most."""
BATCH = 8_000
"""Rows predicted at once: shuffled copies of several columns, since a call has its price."""
SAFETY = 0.7
"""Part of the time that is planned for."""


@dataclass(frozen=True, slots=True)
class ImportanceRequest:
    """A saved model and the rows to shuffle; needs no file of the machine that it comes from."""

    learner: str
    config: Config
    task: Task
    n_classes: int
    metric: str
    model: Mapping[str, bytes]
    """Files of the saved model."""
    view: Mapping[str, bytes]
    """Files of the fitted view that encodes its rows."""
    X: pd.DataFrame
    """(n, d) typed rows that the model was not trained on."""
    y: Array
    """(n,) class codes or values."""
    seed: int
    seconds: float
    """Seconds it may take."""
    plugins: tuple[str, ...] = ()
    """Modules registered by hand on the driver."""


def load_libraries(
    learner: str | None, task: Task, n_classes: int, plugins: tuple[str, ...]
) -> None:
    """Import everything that importance needs if this learner is the best.

    Args:
        learner: Its name; None for what most of them share.
        task: Of the model.
        n_classes: Of the model.
        plugins: Modules registered by hand on the driver.
    """
    register(plugins)
    import_module("pandas")
    if learner is None:
        import_module("automl.adapters.skops_file")
        return
    known = get_host().learner(learner)
    resolve(known.factory)(dict(known.defaults[0]), task, n_classes)
    if known.extra is None:
        import_module("automl.adapters.skops_file")  # what such learners are saved with


def importance_of(request: ImportanceRequest) -> dict[str, Any] | str:
    """Load the model of a request and shuffle its columns; gives what `importance` gives."""
    began = time.monotonic()
    register(request.plugins)
    learner = get_host().learner(request.learner)
    model: Model = resolve(learner.factory)(request.config, request.task, request.n_classes)
    with tempfile.TemporaryDirectory(prefix="automl-") as name:
        folder = Path(name)
        write_folder(folder / "model", request.model)
        write_folder(folder / "view", request.view)
        model.load(folder / "model")
        view = load_view(folder / "view")

        def predict(X: pd.DataFrame) -> Array:
            rows = View(view.transform(X), None, request.task, request.n_classes)
            return np.asarray(model.predict(rows), dtype=np.float64)

        extra = tuple(get_host().metrics().values())
        return importance(
            predict,
            request.X.copy(),  # arguments of a task are read-only
            request.y,
            get_metric(request.metric, request.task, extra),
            seed=request.seed,
            seconds=request.seconds - (time.monotonic() - began),
        )


def importance(
    predict: Callable[[pd.DataFrame], Array],
    X: pd.DataFrame,
    y: Array,
    metric: Metric,
    *,
    seed: int,
    seconds: float,
) -> dict[str, Any] | str:
    """Increase of the loss when one column is shuffled (Breiman 2001).

    Rows and repeats are as many as there is time for, by the pace of a first prediction.

    Args:
        predict: Typed rows to (n, k) probabilities or (n,) values.
        X: (n, d) typed rows that the model was not trained on.
        y: (n,) class codes or values.
        metric: What the loss is of.
        seed: Seeds the rows drawn and the shuffles.
        seconds: How long it may take.

    Returns:
        `{metric, rows, repeats, score, columns: [{name, drop, low, high}]}`, the most important
        column first: `drop` is the mean over the repeats, `low` and `high` their extremes.
        Or a sentence on why there was no time.
    """
    end = time.monotonic() + seconds
    rng = np.random.default_rng(seed)
    plan = _planned(predict, X, seconds)
    if isinstance(plan, str):
        return plan
    drawn = np.sort(rng.choice(len(X), plan.rows, replace=False))
    rows, truth = X.iloc[drawn].reset_index(drop=True), y[drawn]
    base = score(metric, truth, predict(rows))
    if not np.isfinite(base):
        return f"{metric.name} is not defined on these rows"
    passes: list[list[float]] = []
    for _ in range(plan.repeats):
        losses = _pass(predict, rows, truth, metric, rng, end)
        if losses is None:
            break
        passes.append(losses)
    if not passes:
        return f"there was no time to shuffle {X.shape[1]:,} columns ({seconds:.1f} s were left)"
    drops = np.array(passes) - loss(metric, base)
    return {
        "metric": metric.name,
        "rows": plan.rows,
        "repeats": len(passes),
        "score": float(base),
        "columns": _ordered([str(name) for name in X.columns], drops),
    }


@dataclass(frozen=True, slots=True)
class _Plan:
    rows: int
    repeats: int


def _planned(
    predict: Callable[[pd.DataFrame], Array], X: pd.DataFrame, seconds: float
) -> _Plan | str:
    """Rows and repeats that there is time for."""
    few = X.iloc[: min(len(X), 4 * FEWEST_ROWS)]
    predict(few.iloc[:1])  # the first call pays for what is made only once
    began = time.monotonic()
    predict(few)
    pace = max(time.monotonic() - began, 1e-5) / len(few)
    columns = X.shape[1]
    affordable = SAFETY * seconds / pace / columns
    least = min(len(X), FEWEST_ROWS)
    if affordable < least:
        wanted = pace * columns * least
        return (
            f"shuffling {columns:,} columns would take about {wanted:.1f} s, "
            f"{max(seconds, 0.0):.1f} s were left"
        )
    rows = int(min(len(X), ROWS, affordable))
    return _Plan(rows, int(min(REPEATS, max(1, affordable // rows))))


def _pass(
    predict: Callable[[pd.DataFrame], Array],
    X: pd.DataFrame,
    y: Array,
    metric: Metric,
    rng: np.random.Generator,
    end: float,
) -> list[float] | None:
    """The loss with each column shuffled once; None when the time is over."""
    together = max(1, BATCH // len(X))
    losses: list[float] = []
    for start in range(0, X.shape[1], together):
        if time.monotonic() > end:
            return None
        columns = list(X.columns[start : start + together])
        parts = np.split(predict(_shuffled(X, columns, rng)), len(columns))
        losses += [loss(metric, score(metric, y, part)) for part in parts]
    return losses


def _shuffled(X: pd.DataFrame, columns: Sequence[Any], rng: np.random.Generator) -> pd.DataFrame:
    """A copy of the rows for each of the columns, one below the other, that column shuffled."""
    n = len(X)
    order = np.tile(np.arange(n), len(columns))
    copies = X.take(order).reset_index(drop=True)
    for place, name in enumerate(columns):
        mixed = order.copy()
        mixed[place * n : (place + 1) * n] = rng.permutation(n)
        copies[name] = X[name].take(mixed).reset_index(drop=True)
    return copies


def _ordered(names: Sequence[str], drops: Array) -> list[dict[str, Any]]:
    """(repeats, columns) increases of the loss as rows, the greatest mean first."""
    means, low, high = drops.mean(axis=0), drops.min(axis=0), drops.max(axis=0)
    return [
        {"name": names[i], "drop": float(means[i]), "low": float(low[i]), "high": float(high[i])}
        for i in np.argsort(-means, kind="stable")
    ]
