"""FLAML, with its own defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driver import Fitted, Task, drive
from flaml import AutoML

if TYPE_CHECKING:
    import pandas as pd


def fit(train: pd.DataFrame, task: Task) -> Fitted:
    """Fit for the budget."""
    model = AutoML()
    model.fit(
        train.drop(columns=task.target),
        train[task.target],
        task="regression" if task.task == "regression" else "classification",
        metric=task.metric,
        time_budget=task.seconds,
        n_jobs=task.cpus,
        seed=task.seed,
        verbose=0,
    )
    if task.task == "regression":
        return Fitted(model.predict, [], model.best_estimator)
    return Fitted(model.predict_proba, list(model.classes_), model.best_estimator)


if __name__ == "__main__":
    drive(fit)
