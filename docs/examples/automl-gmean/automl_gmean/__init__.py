"""The geometric mean of the classes' recalls as a metric."""

import numpy as np

import automl

api_version = 2


@automl.hookimpl
def automl_metrics():
    yield automl.Metric(
        name="gmean",
        tasks=frozenset({"binary", "multiclass"}),
        greater_is_better=True,
        score=gmean,
        stopping="log_loss",
        bounded=True,
    )


def gmean(y, prediction):
    """Geometric mean of the recalls of the classes that the rows hold."""
    hit = prediction.argmax(axis=1) == y
    recalls = [hit[y == code].mean() for code in np.unique(y)]
    return float(np.prod(recalls) ** (1 / len(recalls))) if recalls else float("nan")
