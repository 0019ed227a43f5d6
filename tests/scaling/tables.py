"""Plain tables of results whose truth is known."""

from __future__ import annotations

import numpy as np

from automl.scaling import study_from_table


def table(curves, repeats=5, regime="default", n=(1000, 2000, 4000, 8000), noise=0.002, seed=0):
    """Rows of a plain table; `curves` maps (learner, family) to a function of n."""
    rng = np.random.default_rng(seed)
    return [
        {
            "learner": name,
            "family": family,
            "regime": regime,
            "repeat": repeat,
            "n": rows,
            "score": float(curve(rows) + noise * rng.normal()),
            "fit_seconds": rows**1.5 / 3e4,
            "predict_seconds": 0.1,
            "trial": name,
        }
        for (name, family), curve in curves.items()
        for repeat in range(repeats)
        for rows in n
    ]


def study_of(rows, metric="error_rate", greater=False, bounded=True):
    return study_from_table(rows, metric=metric, greater_is_better=greater, bounded=bounded)
