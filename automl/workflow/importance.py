"""Permutation importance of the columns, in a process of its own.

Two lines of JSON come in on stdin, one goes out on stdout. The first, `{"learner", "plugins",
"task", "classes"}`, says what to import. The second is the job: `{"run", "trial", "fold",
"learner", "config", "task", "classes", "metric", "rows", "truth", "seed", "seconds"}`, where
`rows` is a Feather file of typed rows and `truth` the NumPy file of their targets.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.data.views import load_view
from automl.hooks.manager import get_host, resolve
from automl.metrics import get_metric, loss, score
from automl.search.journal import member_folder
from automl.types import View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from automl.types import Array, Metric, Model

ROWS, FEWEST_ROWS = 2_000, 100
"""Rows that columns are shuffled in, at most and at least (if there are so many)."""
REPEATS = 5
"""Shuffles of each column, at most."""
BATCH = 8_000
"""Rows predicted at once: shuffled copies of several columns, since a call has its price."""
SAFETY = 0.7
"""Part of the time that is planned for."""


def main() -> None:
    """Read a warm-up and a job, answer with what `importance` found or a sentence on why not."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # learners may print; stdout is for the answer
    os.nice(10)
    warm_up = json.loads(sys.stdin.readline() or "null")
    if warm_up:
        # what cannot be imported is told when the job asks for it
        with contextlib.suppress(Exception):
            _warm(warm_up)
    job = json.loads(sys.stdin.readline() or "null")
    if job:
        began = time.monotonic()
        try:
            found: Any = _answer(job, began)
        except Exception as error:  # noqa: BLE001 - a learner may raise anything
            found = f"{type(error).__name__}: {error}"
        answer.write(json.dumps(found))
    answer.close()


def _warm(warm_up: Mapping[str, Any]) -> None:
    for module in warm_up["plugins"]:
        get_host().register(import_module(module))
    import_module("pandas")
    if warm_up["learner"] is None:  # any will do to have the libraries that most share
        import_module("automl.hooks.skops_file")
        return
    learner = get_host().learner(warm_up["learner"])
    resolve(learner.factory)(dict(learner.defaults[0]), warm_up["task"], warm_up["classes"])
    if learner.extra is None:
        import_module("automl.hooks.skops_file")  # what such learners are saved with


def _answer(job: Mapping[str, Any], began: float) -> dict[str, Any] | str:
    import pandas as pd

    learner = get_host().learner(job["learner"])
    model: Model = resolve(learner.factory)(job["config"], job["task"], job["classes"])
    model.load(member_folder(Path(job["run"]), job["trial"], job["fold"]))
    views = Path(job["run"]) / "model" / "views"
    view = load_view(views / f"{learner.view}-f{job['fold']}")

    def predict(X: pd.DataFrame) -> Array:
        rows = View(view.transform(X), None, job["task"], job["classes"])
        return np.asarray(model.predict(rows), dtype=np.float64)

    metric = get_metric(job["metric"], job["task"], tuple(get_host().metrics().values()))
    X, y = pd.read_feather(job["rows"]), np.load(job["truth"], allow_pickle=False)
    left = job["seconds"] - (time.monotonic() - began)
    found = importance(predict, X, y, metric, seed=job["seed"], seconds=left)
    return found if isinstance(found, str) else found | {"trial": job["trial"]}


def importance(
    predict: Callable[[pd.DataFrame], Array],
    X: pd.DataFrame,
    y: Array,
    metric: Metric,
    *,
    seed: int,
    seconds: float,
) -> dict[str, Any] | str:
    """How much greater the loss gets when one column is shuffled (Breiman 2001).

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
    """How many rows and repeats there is time for."""
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
