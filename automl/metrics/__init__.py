"""Metrics that the host computes itself, each with per-row terms for its standard error.

Conventions: binary predictions are (n, 2) and the positive class is code 1; multiclass ones are
(n, k); regression (n,); anomaly scores (n,), where `consensus` alone needs no labels: its `y`
are pseudo-labels of reference detectors. `roc_auc` and `average_precision` of several classes are
the plain mean of the one-vs-rest values over the classes that the scored rows hold (scikit-learn:
`multi_class="ovr", average="macro"`); `f1` of several classes is macro-averaged.
A score that the rows cannot define (the AUC of one class, no rows) is NaN, never an error.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np

from automl.errors import PluginError, UsageError
from automl.metrics import ranking, terms, weighted
from automl.metrics.scoring import influence, interval, loss, loss_sign, score, standard_error
from automl.types import Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from automl.types import Array, Task

__all__ = [
    "BUILTIN",
    "CONSENSUS",
    "default_metric",
    "get_metric",
    "influence",
    "interval",
    "loss",
    "loss_sign",
    "score",
    "standard_error",
]

_CLASSES: frozenset[Task] = frozenset({"binary", "multiclass"})
_RANKED: frozenset[Task] = _CLASSES | {"anomaly"}
_NUMBERS: frozenset[Task] = frozenset({"regression"})


def _mean(each: Callable[[Array, Array], Array]) -> Callable[[Array, Array], float]:
    return lambda y, prediction: float(each(y, prediction).mean())


def _weighted_mean(
    each: Callable[[Array, Array], Array],
) -> Callable[[Array, Array, Array], float]:
    return lambda y, prediction, weights: float(np.average(each(y, prediction), weights=weights))


def _averaged(
    name: str, each: Callable[[Array, Array], Array], tasks: frozenset[Task], **more: object
) -> Metric:
    """A metric whose score is the mean of its terms."""
    usual = {"greater_is_better": False, "bounded": False, "weighted": _weighted_mean(each)}
    settings = usual | more
    return Metric(name=name, tasks=tasks, score=_mean(each), influence=each, **settings)  # type: ignore[arg-type]


CONSENSUS = Metric(
    name="consensus",
    tasks=frozenset({"anomaly"}),
    greater_is_better=True,
    score=ranking.ranking(ranking.auc),
    influence=ranking.ranking_terms(ranking.auc_terms),
    bounded=True,
)
"""ROC AUC against the pseudo-labels of reference detectors, in place of labels."""

_LABELS = {"greater_is_better": True, "bounded": True, "stopping": "log_loss"}

BUILTIN: tuple[Metric, ...] = (
    Metric(
        name="roc_auc",
        tasks=_RANKED,
        greater_is_better=True,
        score=ranking.ranking(ranking.auc),
        influence=ranking.ranking_terms(ranking.auc_terms),
        weighted=weighted.roc_auc,
        bounded=True,
    ),
    _averaged("log_loss", terms.log_losses, _CLASSES),
    _averaged("accuracy", terms.hits, _CLASSES, **_LABELS),
    _averaged(
        "balanced_accuracy",
        terms.balanced_terms,
        _CLASSES,
        weighted=weighted.balanced_accuracy,
        **_LABELS,
    ),
    _averaged("f1", terms.f1_terms, _CLASSES, weighted=weighted.f1, **_LABELS),
    Metric(
        name="average_precision",
        tasks=_RANKED,
        greater_is_better=True,
        score=ranking.ranking(ranking.average_precision),
        influence=ranking.ranking_terms(ranking.average_precision_terms),
        weighted=weighted.average_precision,
        bounded=True,
    ),
    _averaged("brier", terms.brier_losses, _CLASSES, bounded=True),
    Metric(
        name="rmse",
        tasks=_NUMBERS,
        greater_is_better=False,
        score=terms.rmse,
        influence=terms.rmse_terms,
        weighted=weighted.rmse,
    ),
    _averaged("mae", lambda y, p: np.abs(y - p.astype(np.float64)), _NUMBERS),
    _averaged("r2", terms.r2_terms, _NUMBERS, greater_is_better=True, weighted=weighted.r2),
    _averaged("mape", terms.relative_errors, _NUMBERS),
    Metric(
        name="rmsle",
        tasks=_NUMBERS,
        greater_is_better=False,
        score=lambda y, p: terms.rmse(*terms.log1p(y, p)),
        influence=lambda y, p: terms.rmse_terms(*terms.log1p(y, p)),
        weighted=lambda y, p, weights: weighted.rmse(*terms.log1p(y, p), weights),
    ),
    CONSENSUS,
)


def default_metric(task: Task) -> str:
    """Name of the default metric of a task."""
    names = {"multiclass": "log_loss", "regression": "rmse"}
    return names.get(task, "roc_auc")


def get_metric(name: str, task: Task, extra_metrics: Iterable[Metric] = ()) -> Metric:
    """Find a metric by name, built in or of a plugin.

    Raises:
        UsageError: no such metric, or not one for this task; close names are suggested.
        PluginError: a plugin's metric has the name of a built-in one.
    """
    known = {metric.name: metric for metric in BUILTIN}
    for metric in extra_metrics:
        if known.setdefault(metric.name, metric) is not metric:
            msg = f"two metrics are named {metric.name!r}; disable the plugin that brings one"
            raise PluginError(msg)
    fitting = sorted(n for n, metric in known.items() if task in metric.tasks)
    wanted = name.strip().lower().replace("-", "_")
    found = known.get(name) or known.get(wanted)
    if found is not None and task in found.tasks:
        return found
    close = get_close_matches(wanted, fitting) or fitting
    problem = f"there is no metric {name!r}" if found is None else f"{name!r} is not a metric"
    msg = f"{problem} for {task}; try {', '.join(close)}"
    raise UsageError(msg)
