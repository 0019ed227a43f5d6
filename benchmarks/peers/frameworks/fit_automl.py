"""This project, as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driver import Fitted, Task, drive

from automl import AutoML

if TYPE_CHECKING:
    import pandas as pd


def fit(train: pd.DataFrame, task: Task) -> Fitted:
    """Fit with the options that a user who names task and budget has."""
    auto = AutoML(
        time_limit=f"{task.seconds:g}s",
        task=task.task,
        cpus=task.cpus,
        seed=task.seed,
        preset=task.variant,
    )
    auto.fit(train, task.target)
    told = str(auto.leaderboard_["learner"].iloc[0])
    if task.task == "regression":
        return Fitted(auto.predict, [], told)
    return Fitted(auto.predict_proba, list(auto.classes_), told)


if __name__ == "__main__":
    drive(fit)
