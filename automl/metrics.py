"""Metrics that the host computes itself, each with per-row terms for its standard error.

Conventions: binary predictions are (n, 2) and the positive class is code 1; multiclass ones are
(n, k); regression (n,); anomaly scores (n,). `roc_auc` and `average_precision` of several
classes are the plain mean of the one-vs-rest values over the classes that the scored rows hold
(scikit-learn: `multi_class="ovr", average="macro"`); `f1` of several classes is macro-averaged.
A score that the rows cannot define (the AUC of one class, no rows) is NaN, never an error.
"""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING

import numpy as np

from automl.errors import DataError, PluginError, UsageError
from automl.types import Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from automl.types import Array, Task

Z95 = 1.959963984540054
TINY = float(np.finfo(np.float32).eps)
"""Probabilities are clipped to [TINY, 1 - TINY] in the log loss: predictions are float32."""
JACKKNIFE_GROUPS = 50


# ------------------------------------------------------------- ranking: AUC, precision


def _groups(values: Array) -> tuple[Array, Array, Array]:
    """Ascending order, the start of each group of equal values in it, and each one's group."""
    order = np.argsort(values)
    ordered = values[order]
    new = np.ones(len(values), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return order, np.flatnonzero(new), np.cumsum(new) - 1


def _fast_auc(positive: Array, values: Array) -> float:
    """AUC of non-negative float32 scores by one plain sort.

    The bits of such numbers sort like the numbers and leave room for the label, and sorting
    is several times faster than finding the order.
    """
    keys = ((values + np.float32(0)).view(np.uint32) << np.uint32(1)) | positive
    keys.sort()
    label = (keys & np.uint32(1)).astype(np.float64)
    bits = keys >> np.uint32(1)
    starts = np.concatenate(([0], np.flatnonzero(bits[1:] != bits[:-1]) + 1))
    hits = np.add.reduceat(label, starts)
    misses = np.diff(starts, append=len(keys)) - hits
    below = np.cumsum(misses) - misses
    return float(hits @ (below + misses / 2) / (hits.sum() * misses.sum()))


def _auc(positive: Array, values: Array) -> float:
    if values.dtype == np.float32 and values.min() >= 0:
        return _fast_auc(positive, values)
    return float(_auc_terms(positive, values).mean())


def _auc_terms(positive: Array, values: Array) -> Array:
    """DeLong's components (1988) from one sort, after Sun and Xu (2014)."""
    order, starts, group = _groups(values)
    label = positive[order]
    n, p = len(label), int(label.sum())
    q = n - p
    hits = np.add.reduceat(label.astype(np.float64), starts)
    misses = np.diff(starts, append=n) - hits
    won = (np.cumsum(misses) - misses / 2) / q
    lost = (p - np.cumsum(hits) + hits / 2) / p
    auc = float(hits @ won) / p
    up = (won - auc) * (n / p) * _unbiased(p)
    down = (lost - auc) * (n / q) * _unbiased(q)
    terms = np.empty(n)
    terms[order] = auc + np.where(label, up[group], down[group])
    return terms


def _average_precision(positive: Array, values: Array) -> float:
    order, starts, _ = _groups(values)
    hits = np.add.reduceat(positive[order].astype(np.float64), starts)
    above = len(values) - starts
    return float(hits @ (np.cumsum(hits[::-1])[::-1] / above) / hits.sum())


def _average_precision_terms(positive: Array, values: Array) -> Array:
    """Influence function of AP = mean over positives of the precision at their own score.

    A row moves AP by its own precision if it is positive, and by the precision of every
    positive scored at or below it.
    """
    order, starts, group = _groups(values)
    label = positive[order].astype(np.float64)
    hits = np.add.reduceat(label, starts)
    n, p = len(label), label.sum()
    above = n - starts
    precision = np.cumsum(hits[::-1])[::-1] / above
    value = float(hits @ precision) / p
    gain = np.cumsum(hits / above)
    pull = np.cumsum(hits * precision / above)
    terms = np.empty(n)
    own = label * (precision[group] - value + gain[group])
    terms[order] = value + (own - pull[group]) * (n / p)
    return terms


def _unbiased(count: Array | int) -> Array:
    """What turns a mean square into an unbiased variance, for groups of `count` rows."""
    count = np.asarray(count, dtype=np.float64)
    return np.sqrt(count / np.maximum(count - 1, 1))


def _splits(y: Array, prediction: Array) -> list[tuple[Array, Array]]:
    """(is positive, score) of each one-vs-rest question that the rows can answer."""
    if prediction.ndim == 1:
        questions = [(y > 0, prediction)]
    elif prediction.shape[1] == 2:
        questions = [(y == 1, np.ascontiguousarray(prediction[:, 1]))]
    else:
        held = np.unique(y)
        columns = np.ascontiguousarray(prediction[:, held].T)
        questions = [(y == c, column) for c, column in zip(held, columns, strict=True)]
    return [(hit, values) for hit, values in questions if 0 < np.count_nonzero(hit) < len(y)]


def _ranking(one: Callable[[Array, Array], float]) -> Callable[[Array, Array], float]:
    def score(y: Array, prediction: Array) -> float:
        values = [one(hit, column) for hit, column in _splits(y, prediction)]
        return float(np.mean(values)) if values else math.nan

    return score


def _ranking_terms(one: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    def terms(y: Array, prediction: Array) -> Array:
        questions = _splits(y, prediction)
        if not questions:
            return np.full(len(y), math.nan)
        total = np.zeros(len(y))
        for hit, column in questions:
            total += one(hit, column)
        return total / len(questions)

    return terms


# ------------------------------------------------------------------ probabilities, labels


def _log_losses(y: Array, prediction: Array) -> Array:
    given = prediction[np.arange(len(y)), y].astype(np.float64)
    given /= np.maximum(prediction.sum(axis=1, dtype=np.float64), TINY)
    return -np.log(np.clip(given, TINY, 1 - TINY))


def _brier_losses(y: Array, prediction: Array) -> Array:
    """Half the squared distance to the one-hot truth: in [0, 1] for any number of classes."""
    given = prediction[np.arange(len(y)), y].astype(np.float64)
    squares = np.einsum("ij,ij->i", prediction, prediction, dtype=np.float64)
    return np.maximum(squares - 2 * given + 1, 0.0) / 2


def _hits(y: Array, prediction: Array) -> Array:
    return (_labels(prediction) == y).astype(np.float64)


def _labels(prediction: Array) -> Array:
    if prediction.shape[1] == 2:
        return (prediction[:, 1] > prediction[:, 0]).astype(np.int64)
    return prediction.argmax(axis=1)


def _balanced_terms(y: Array, prediction: Array) -> Array:
    hit = _hits(y, prediction)
    rows = np.bincount(y, minlength=prediction.shape[1])
    held = np.count_nonzero(rows)
    recall = np.bincount(y, hit, len(rows)) / np.maximum(rows, 1)
    weight = len(y) * _unbiased(rows) / (np.maximum(rows, 1) * held)
    return recall.sum() / held + (hit - recall[y]) * weight[y]


def _f1_terms(y: Array, prediction: Array) -> Array:
    """Delta method on 2 TP / (true + predicted), a ratio of two means, per class."""
    label, k = _labels(prediction), prediction.shape[1]
    hit = label == y
    marked = np.bincount(y, minlength=k) + np.bincount(label, minlength=k)
    f1 = 2 * np.bincount(y, hit, k) / np.maximum(marked, 1)
    counted = marked > 0
    if k == 2:
        counted = np.array([False, True])
    weight = np.where(counted, len(y) / np.maximum(marked, 1), 0.0) / np.count_nonzero(counted)
    moved = 2 * hit * weight[y] - (f1 * weight)[y] - (f1 * weight)[label]
    return f1[counted].mean() + moved


def _mean(terms: Callable[[Array, Array], Array]) -> Callable[[Array, Array], float]:
    return lambda y, prediction: float(terms(y, prediction).mean())


# --------------------------------------------------------------------------- regression


def _squares(y: Array, prediction: Array) -> Array:
    return (y - prediction.astype(np.float64)) ** 2


def _rmse(y: Array, prediction: Array) -> float:
    return math.sqrt(_squares(y, prediction).mean())


def _rmse_terms(y: Array, prediction: Array) -> Array:
    squares = _squares(y, prediction)
    mean = squares.mean()
    root = math.sqrt(mean)
    return root + (squares - mean) / (2 * root) if root > 0 else np.zeros(len(y))


def _r2_terms(y: Array, prediction: Array) -> Array:
    """Delta method on the ratio of the squared errors to the squares about the mean."""
    spread = (y - y.mean()) ** 2
    variance = spread.mean()
    if variance == 0:
        return np.full(len(y), math.nan)
    squares = _squares(y, prediction)
    share = squares.mean() / variance
    return 1 - share - (squares - share * spread) / variance


def _relative_errors(y: Array, prediction: Array) -> Array:
    return np.abs(y - prediction) / np.maximum(np.abs(y), np.finfo(np.float64).eps)


def _log1p(y: Array, prediction: Array) -> tuple[Array, Array]:
    if y.min() < 0:
        msg = "rmsle needs targets of at least 0; choose rmse or mae for this target"
        raise DataError(msg)
    return np.log1p(y), np.log1p(np.maximum(prediction.astype(np.float64), 0.0))


# ----------------------------------------------------------------------------- catalogue

_CLASSES: frozenset[Task] = frozenset({"binary", "multiclass"})
_RANKED: frozenset[Task] = _CLASSES | {"anomaly"}
_NUMBERS: frozenset[Task] = frozenset({"regression"})


def _averaged(
    name: str, terms: Callable[[Array, Array], Array], tasks: frozenset[Task], **more: object
) -> Metric:
    """A metric whose score is the mean of its terms."""
    settings = {"greater_is_better": False, "bounded": False, **more}
    return Metric(name=name, tasks=tasks, score=_mean(terms), influence=terms, **settings)  # type: ignore[arg-type]


_LABELS = {"greater_is_better": True, "bounded": True, "stopping": "log_loss"}

BUILTIN: tuple[Metric, ...] = (
    Metric(
        name="roc_auc",
        tasks=_RANKED,
        greater_is_better=True,
        score=_ranking(_auc),
        influence=_ranking_terms(_auc_terms),
        bounded=True,
    ),
    _averaged("log_loss", _log_losses, _CLASSES),
    _averaged("accuracy", _hits, _CLASSES, **_LABELS),
    _averaged("balanced_accuracy", _balanced_terms, _CLASSES, **_LABELS),
    _averaged("f1", _f1_terms, _CLASSES, **_LABELS),
    Metric(
        name="average_precision",
        tasks=_RANKED,
        greater_is_better=True,
        score=_ranking(_average_precision),
        influence=_ranking_terms(_average_precision_terms),
        bounded=True,
    ),
    _averaged("brier", _brier_losses, _CLASSES, bounded=True),
    Metric(
        name="rmse",
        tasks=_NUMBERS,
        greater_is_better=False,
        score=_rmse,
        influence=_rmse_terms,
    ),
    _averaged("mae", lambda y, p: np.abs(y - p.astype(np.float64)), _NUMBERS),
    _averaged("r2", _r2_terms, _NUMBERS, greater_is_better=True),
    _averaged("mape", _relative_errors, _NUMBERS),
    Metric(
        name="rmsle",
        tasks=_NUMBERS,
        greater_is_better=False,
        score=lambda y, p: _rmse(*_log1p(y, p)),
        influence=lambda y, p: _rmse_terms(*_log1p(y, p)),
    ),
)


def default_metric(task: Task) -> str:
    """The metric used when none is named."""
    names = {"multiclass": "log_loss", "regression": "rmse"}
    return names.get(task, "roc_auc")


def get_metric(name: str, task: Task, extra_metrics: Iterable[Metric] = ()) -> Metric:
    """The metric of that name, built in or brought by a plugin.

    Raises:
        UsageError: no such metric, or not one for this task; the close ones are named.
        PluginError: a plugin's metric bears the name of a built-in one.
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
    close = difflib.get_close_matches(wanted, fitting, n=3, cutoff=0.5) or fitting
    problem = f"there is no metric {name!r}" if found is None else f"{name!r} is not a metric"
    msg = f"{problem} for {task}; try {', '.join(close)}"
    raise UsageError(msg)


# ------------------------------------------------------------------------------- scoring


def _check(metric: Metric, y: Array, prediction: Array) -> None:
    """Raise PluginError for what is no prediction of `y`."""
    classes = bool(metric.tasks & _CLASSES)
    fits = prediction.ndim == (2 if classes else 1) or (
        prediction.ndim == 1 and "anomaly" in metric.tasks
    )
    problem = ""
    if not fits or len(prediction) != len(y):
        wanted = f"({len(y)}, classes)" if classes else f"({len(y)},)"
        problem = f"the prediction has shape {prediction.shape}, wanted {wanted}"
    elif not np.isfinite(prediction).all():
        rows = np.count_nonzero(~np.isfinite(prediction).reshape(len(y), -1).all(axis=1))
        problem = f"the prediction is not finite in {rows} of {len(y)} rows"
    elif prediction.ndim == 2 and len(y):
        if y.max() >= prediction.shape[1]:
            problem = f"the prediction has no column for class {y.max()}"
        elif prediction.min() < 0:
            problem = "the prediction holds negative probabilities"
    if problem:
        raise PluginError(problem)


def score(metric: Metric, y: Array, prediction: Array) -> float:
    """The metric of a prediction, never sign-flipped; NaN where the rows do not define it.

    Args:
        metric: What to compute.
        y: (n,) int64 class codes or float64 values.
        prediction: (n, k) probabilities, (n,) values or anomaly scores.

    Raises:
        PluginError: the prediction has the wrong shape or holds NaN, infinite or negative
            probabilities.
    """
    _check(metric, y, prediction)
    return float(metric.score(y, prediction)) if len(y) else math.nan


def influence(metric: Metric, y: Array, prediction: Array) -> Array:
    """(n,) float64 terms whose mean is the score and whose spread gives its standard error.

    All NaN where the score is not defined. Metrics without their own terms get pseudo-values
    of a grouped jackknife.

    Raises:
        PluginError: as `score` does.
    """
    _check(metric, y, prediction)
    if len(y) == 0:
        return np.empty(0)
    if metric.influence is None:
        return _jackknife(metric, y, prediction)
    return np.asarray(metric.influence(y, prediction), dtype=np.float64)


def _jackknife(metric: Metric, y: Array, prediction: Array) -> Array:
    """Pseudo-values of leaving out each of 50 random groups, spread so that rows are units."""
    n = len(y)
    groups = min(n, JACKKNIFE_GROUPS)
    group = np.random.default_rng(0).permutation(n) % groups
    whole = float(metric.score(y, prediction))
    without = np.array(
        [metric.score(y[group != g], prediction[group != g]) for g in range(groups)]
    )
    moved = (groups - 1) * (np.nanmean(without) - without)[group] * math.sqrt(n / groups)
    return whole + moved - moved.mean()


def standard_error(terms: Array) -> float:
    """Standard error of the mean of `influence` terms; NaN below two rows."""
    return float(terms.std(ddof=1) / math.sqrt(len(terms))) if len(terms) > 1 else math.nan


def interval(metric: Metric, terms: Array) -> tuple[float, float]:
    """95% interval of a score from its `influence` terms.

    Metrics in [0, 1] get Wilson's interval (1927) with the sample size that their standard
    error amounts to, so that it stays inside and a perfect score is not taken for certain.
    """
    value, error = float(terms.mean()), standard_error(terms)
    if not metric.bounded or not math.isfinite(error):
        return value - Z95 * error, value + Z95 * error
    value = min(max(value, 0.0), 1.0)
    spread = value * (1 - value)
    size = spread / error**2 if error > 0 and spread > 0 else len(terms)
    shrink = 1 + Z95**2 / size
    middle = (value + Z95**2 / (2 * size)) / shrink
    reach = Z95 * math.sqrt(spread / size + (Z95 / (2 * size)) ** 2) / shrink
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def loss(metric: Metric, value: float) -> float:
    """The score as something to make small; a score that is not defined is the worst."""
    if math.isnan(value):
        return math.inf
    return -value if metric.greater_is_better else value
