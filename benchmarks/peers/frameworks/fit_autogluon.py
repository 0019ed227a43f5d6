"""AutoGluon: `variant` is the preset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ray
from autogluon.tabular import TabularPredictor
from driver import Fitted, Task, drive

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

METRICS = {"rmse": "root_mean_squared_error"}


def start_ray() -> None:
    """Start Ray on loopback: AutoGluon's own may wait for an outward address for ever."""
    ray.init(address="local", _node_ip_address="127.0.0.1", include_dashboard=False, num_cpus=2)


def fit(train: pd.DataFrame, task: Task) -> Fitted:
    """Fit with the preset, and keep the model in memory."""
    predictor = TabularPredictor(
        label=task.target,
        problem_type=task.task,
        eval_metric=METRICS.get(task.metric, task.metric),
        path=str(task.folder),
        verbosity=0,
    )
    predictor.fit(
        train,
        presets=task.variant,
        time_limit=task.seconds,
        num_cpus=task.cpus,
        num_gpus=0,
    )
    predictor.persist()

    def predict(rows: pd.DataFrame) -> np.ndarray:
        if task.task == "regression":
            return predictor.predict(rows).to_numpy()
        return predictor.predict_proba(rows).to_numpy()

    classes = [] if task.task == "regression" else list(predictor.class_labels)
    return Fitted(predict, classes, predictor.model_best)


if __name__ == "__main__":
    drive(fit, start_ray)
