"""mljar-supervised: `variant` is the mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driver import Fitted, Task, drive
from supervised import AutoML

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

METRICS = {"roc_auc": "auc", "log_loss": "logloss"}
TASKS = {"binary": "binary_classification", "multiclass": "multiclass_classification"}


def fit(train: pd.DataFrame, task: Task) -> Fitted:
    """Fit in the mode for the budget."""
    model = AutoML(
        results_path=str(task.folder),
        mode=task.variant,
        ml_task=TASKS.get(task.task, task.task),
        eval_metric=METRICS.get(task.metric, task.metric),
        total_time_limit=int(task.seconds),
        n_jobs=task.cpus,
        random_state=task.seed,
        verbose=0,
    )
    model.fit(train.drop(columns=task.target), train[task.target])
    if task.task == "regression":
        return Fitted(model.predict, [])
    classes = sorted(train[task.target].unique(), key=str)
    columns = [f"prediction_{label}" for label in classes]

    def predict(rows: pd.DataFrame) -> np.ndarray:
        return model.predict_all(rows)[columns].to_numpy()

    return Fitted(predict, classes)


if __name__ == "__main__":
    drive(fit)
