"""One fit of one framework, in the environment of that framework: no module of ours is imported.

python fit_NAME.py FOLDER

FOLDER holds `train.parquet`, `test.parquet` and `task.json` (`target, task, metric, seconds, cpus,
variant, seed`). Written there: `predictions.npy`, (n,) numbers or (n, k) probabilities, and
`told.json`: seconds, labels of the columns, rows predicted per second, what predicts.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 100_000
"""Rows that a warm model is timed on."""
PATIENCE = 30.0
"""Seconds that this may take; of a slower model fewer rows are timed."""


@dataclass(frozen=True)
class Task:
    """A task: the target, and what may be used."""

    target: str
    task: str
    """`binary`, `multiclass` or `regression`."""
    metric: str
    """`roc_auc`, `log_loss` or `rmse`."""
    seconds: float
    cpus: int
    variant: str
    """Preset or mode of the framework."""
    seed: int
    folder: Path
    """For what the framework writes."""


@dataclass(frozen=True)
class Fitted:
    """A model that predicts."""

    predict: Callable[[pd.DataFrame], np.ndarray]
    """Gives (n,) numbers or (n, k) probabilities of rows without the target."""
    classes: list[Any]
    """Labels of the k columns; empty for numbers."""
    told: str = ""
    """Name of what predicts."""


def drive(
    fit: Callable[[pd.DataFrame, Task], Fitted], begin: Callable[[], object] = lambda: None
) -> None:
    """Fit, predict, and time both.

    Args:
        fit: Trains on the rows it is given, the target among them.
        begin: Called before the clock starts.
    """
    folder = Path(sys.argv[1])
    task = Task(**json.loads((folder / "task.json").read_text("utf-8")), folder=folder / "own")
    train, test = (pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "test"))
    begin()
    began = time.monotonic()
    model = fit(train, task)
    seconds = time.monotonic() - began
    rows = test.drop(columns=task.target)
    began = time.monotonic()
    raw = np.asarray(model.predict(rows), dtype=np.float64)
    first = time.monotonic() - began
    np.save(folder / "predictions.npy", raw)
    told = {
        "fit_seconds": seconds,
        "predict_seconds": first,
        "rows_per_second": warm_speed(model, rows),
        "classes": [one.item() if hasattr(one, "item") else one for one in model.classes],
        "model": model.told,
    }
    (folder / "told.json").write_text(json.dumps(told), "utf-8")


def warm_speed(model: Fitted, rows: pd.DataFrame) -> float:
    """Rows a second of a model that has predicted before, in this process."""
    began = time.monotonic()
    model.predict(rows)
    per_row = (time.monotonic() - began) / len(rows)
    many = int(min(ROWS, max(len(rows), PATIENCE / per_row)))
    wanted = rows.iloc[np.arange(many) % len(rows)].reset_index(drop=True)
    began = time.monotonic()
    model.predict(wanted)
    return many / (time.monotonic() - began)
