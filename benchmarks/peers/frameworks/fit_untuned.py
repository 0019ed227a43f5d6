"""scikit-learn's HistGradientBoosting with its defaults, on ordinal codes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[2]))
from driver import Fitted, Task, drive
from heldout import untuned_model

if TYPE_CHECKING:
    import pandas as pd


def fit(train: pd.DataFrame, task: Task) -> Fitted:
    """Fit; the budget is not needed."""
    numeric = task.task == "regression"
    model, codes = untuned_model(train, task.target, numeric=numeric)
    give = model.predict if numeric else model.predict_proba
    classes = [] if numeric else list(model.classes_)
    return Fitted(lambda rows: give(codes(rows)), classes, "hist_gradient_boosting")


if __name__ == "__main__":
    drive(fit)
