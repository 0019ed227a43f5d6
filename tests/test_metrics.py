from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from automl.errors import DataError, PluginError, UsageError
from automl.metrics import (
    BUILTIN,
    default_metric,
    get_metric,
    influence,
    interval,
    loss,
    score,
    standard_error,
)
from automl.metrics.ranking import auc
from automl.types import Metric

TASKS = ("binary", "multiclass", "regression")


def sample(task, n=400, seed=0, decimals=2):
    """Truth and a prediction with many equal scores."""
    rng = np.random.default_rng(seed)
    if task == "regression":
        y = rng.gamma(2.0, 3.0, n)
        return y, np.maximum(y + rng.normal(size=n), 0.01).astype(np.float32)
    k = 2 if task == "binary" else 5
    y = rng.integers(0, k, n)
    raw = np.round(rng.dirichlet(np.ones(k), n) + 0.4 * np.eye(k)[y], decimals)
    return y, (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)


def cases():
    return [(metric.name, task) for task in TASKS for metric in BUILTIN if task in metric.tasks]


REFERENCE = {
    ("roc_auc", "binary"): lambda y, p: sk.roc_auc_score(y, p[:, 1]),
    ("roc_auc", "multiclass"): lambda y, p: np.mean(
        [sk.roc_auc_score(y == c, p[:, c]) for c in range(p.shape[1])]
    ),
    ("log_loss", "binary"): sk.log_loss,
    ("log_loss", "multiclass"): sk.log_loss,
    ("accuracy", "binary"): lambda y, p: sk.accuracy_score(y, p.argmax(1)),
    ("accuracy", "multiclass"): lambda y, p: sk.accuracy_score(y, p.argmax(1)),
    ("balanced_accuracy", "binary"): lambda y, p: sk.balanced_accuracy_score(y, p.argmax(1)),
    ("balanced_accuracy", "multiclass"): lambda y, p: sk.balanced_accuracy_score(y, p.argmax(1)),
    ("f1", "binary"): lambda y, p: sk.f1_score(y, p.argmax(1)),
    ("f1", "multiclass"): lambda y, p: sk.f1_score(y, p.argmax(1), average="macro"),
    ("average_precision", "binary"): lambda y, p: sk.average_precision_score(y, p[:, 1]),
    ("average_precision", "multiclass"): lambda y, p: np.mean(
        [sk.average_precision_score(y == c, p[:, c]) for c in range(p.shape[1])]
    ),
    ("brier", "binary"): lambda y, p: sk.brier_score_loss(y, p[:, 1]),
    ("brier", "multiclass"): lambda y, p: sk.brier_score_loss(y, p, scale_by_half=True),
    ("rmse", "regression"): sk.root_mean_squared_error,
    ("mae", "regression"): sk.mean_absolute_error,
    ("r2", "regression"): sk.r2_score,
    ("mape", "regression"): sk.mean_absolute_percentage_error,
    ("rmsle", "regression"): sk.root_mean_squared_log_error,
}


def test_every_metric_is_compared_with_scikit_learn():
    assert set(REFERENCE) == set(cases())


@pytest.mark.parametrize(("name", "task"), cases())
@pytest.mark.parametrize("seed", range(3))
def test_scores_agree_with_scikit_learn(name, task, seed):
    y, prediction = sample(task, seed=seed)
    ours = score(get_metric(name, task), y, prediction)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # float32 rows do not sum to one to the last bit
        theirs = REFERENCE[name, task](y, prediction)
    assert ours == pytest.approx(theirs, rel=2e-6, abs=1e-7)


@pytest.mark.parametrize(("name", "task"), cases())
def test_terms_average_to_the_score(name, task):
    metric = get_metric(name, task)
    y, prediction = sample(task)
    terms = influence(metric, y, prediction)
    assert terms.shape == y.shape
    assert terms.mean() == pytest.approx(score(metric, y, prediction), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("name", "task"), cases())
def test_standard_error_agrees_with_the_bootstrap(name, task):
    metric = get_metric(name, task)
    y, prediction = sample(task, n=600, decimals=6)
    rng = np.random.default_rng(1)
    draws = (rng.integers(0, len(y), len(y)) for _ in range(300))
    spread = np.std([score(metric, y[rows], prediction[rows]) for rows in draws])
    assert standard_error(influence(metric, y, prediction)) == pytest.approx(spread, rel=0.2)


@pytest.mark.parametrize(("name", "task"), cases())
def test_jackknife_of_a_metric_without_terms_agrees_with_the_terms(name, task):
    metric = get_metric(name, task)
    bare = Metric(
        name="bare",
        tasks=metric.tasks,
        greater_is_better=metric.greater_is_better,
        score=metric.score,
    )
    y, prediction = sample(task, n=1000, decimals=6)
    terms = influence(bare, y, prediction)
    assert terms.mean() == pytest.approx(score(metric, y, prediction))
    expected = standard_error(influence(metric, y, prediction))
    assert standard_error(terms) == pytest.approx(expected, rel=0.4)


def test_auc_error_is_delongs():
    y, prediction = sample("binary", n=150)
    values = prediction[:, 1].astype(float)
    wins = (values[y == 1][:, None] > values[y == 0]) + 0.5 * (
        values[y == 1][:, None] == values[y == 0]
    )
    variance = sum(wins.mean(axis=a).var(ddof=1) / wins.shape[1 - a] for a in (0, 1))
    error = standard_error(influence(get_metric("roc_auc", "binary"), y, prediction))
    assert error == pytest.approx(math.sqrt(variance * 150 / 149))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from([0.0, -0.0, 1e-30, 0.25, 0.5, 1.0])), min_size=2
    )
)
def test_auc_by_bits_equals_auc_by_order(rows):
    hit = np.array([h for h, _ in rows])
    if hit.all() or not hit.any():
        hit[0] = not hit[0]
    values = np.array([v for _, v in rows])
    assert auc(hit, values.astype(np.float32)) == pytest.approx(auc(hit, values), abs=1e-12)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_ranking_of_one_class_is_not_defined(name):
    metric = get_metric(name, "binary")
    y, prediction = np.zeros(5, dtype=int), np.full((5, 2), 0.5, dtype=np.float32)
    assert math.isnan(score(metric, y, prediction))
    assert np.isnan(influence(metric, y, prediction)).all()
    assert loss(metric, math.nan) == math.inf


@pytest.mark.parametrize("name", [m.name for m in BUILTIN if "multiclass" in m.tasks])
def test_rows_without_some_classes_are_scored_on_the_others(name):
    metric = get_metric(name, "multiclass")
    y, prediction = sample("multiclass")
    some = y < 2
    value = score(metric, y[some], prediction[some])
    assert math.isfinite(value)
    assert influence(metric, y[some], prediction[some]).mean() == pytest.approx(value)


def test_anomaly_scores_are_ranked_as_they_are():
    y, scores = np.array([0, 0, 1, 1]), np.array([-3.0, 2.0, 1.0, 5.0])
    assert score(get_metric("roc_auc", "anomaly"), y, scores) == pytest.approx(0.75)


def test_a_certain_and_wrong_class_costs_a_finite_log_loss():
    value = score(get_metric("log_loss", "binary"), np.array([1]), np.array([[1.0, 0.0]]))
    assert value == pytest.approx(-math.log(np.finfo(np.float32).eps))


def test_probabilities_that_do_not_sum_to_one_win_nothing():
    metric = get_metric("log_loss", "binary")
    y, prediction = sample("binary")
    assert score(metric, y, prediction * 7) == pytest.approx(score(metric, y, prediction))


@pytest.mark.parametrize(
    ("prediction", "words"),
    [
        (np.full((4, 2), np.nan), "not finite in 4 of 4 rows"),
        (np.full((3, 2), 0.5), "shape"),
        (np.full(4, 0.5), "shape"),
        (np.full((4, 1), 1.0), "no column for class 1"),
        (np.array([[1.5, -0.5]] * 4), "negative"),
    ],
)
def test_what_is_no_prediction_is_refused(prediction, words):
    with pytest.raises(PluginError, match=words):
        score(get_metric("log_loss", "binary"), np.array([0, 1, 0, 1]), prediction)


def test_values_are_refused_where_probabilities_stand():
    with pytest.raises(PluginError, match="shape"):
        score(get_metric("rmse", "regression"), np.zeros(4), np.zeros((4, 2)))


def test_rmsle_of_negative_targets_says_what_to_do():
    with pytest.raises(DataError, match="choose rmse"):
        score(get_metric("rmsle", "regression"), np.array([-1.0]), np.array([1.0]))


def test_intervals_of_bounded_metrics_stay_inside_and_know_no_certainty():
    metric = get_metric("accuracy", "binary")
    low, high = interval(metric, np.ones(200))
    assert 0.97 < low < 1
    assert high == 1
    low, high = interval(metric, np.repeat([0.0, 1.0], [1, 99]))
    assert 0.9 < low < 0.99 < high < 1


def test_intervals_of_losses_above_0_do_not_begin_below_it():
    metric = get_metric("log_loss", "binary")
    low, high = interval(metric, np.repeat([0.001, 8.0], [199, 1]))
    assert low == 0 < high
    below, _ = interval(get_metric("r2", "regression"), np.repeat([0.9, -9.0], [19, 1]))
    assert below < 0


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    metric = get_metric("roc_auc", "binary")
    truth, covered = 0.8413447460685429, 0  # P(N(sqrt 2, 1) > N(0, 1)) = Phi(1)
    for _ in range(300):
        y = np.repeat([0, 1], 60)
        values = rng.normal(size=120) + math.sqrt(2) * y
        shown = 1 / (1 + np.exp(-values))
        low, high = interval(metric, influence(metric, y, np.stack([1 - shown, shown], axis=1)))
        covered += low <= truth <= high
    assert covered >= 0.92 * 300


@pytest.mark.parametrize("task", TASKS)
def test_a_weight_is_as_good_as_so_many_equal_rows(task):
    y, prediction = sample(task, n=90)
    counts = np.random.default_rng(1).integers(1, 5, len(y))
    rows = np.repeat(np.arange(len(y)), counts)
    for metric in (metric for metric in BUILTIN if task in metric.tasks):
        repeated = score(metric, y[rows], prediction[rows])
        weighted = score(metric, y, prediction, counts.astype(float))
        assert weighted == pytest.approx(repeated, rel=1e-5), metric.name
        terms = influence(metric, y, prediction, counts.astype(float))
        assert terms.mean() == pytest.approx(repeated, rel=1e-5), metric.name
        assert standard_error(terms) > 0
        alike = score(metric, y, prediction, np.full(len(y), 3.0))
        assert alike == pytest.approx(score(metric, y, prediction), rel=1e-5), metric.name


def test_loss_points_down():
    assert loss(get_metric("roc_auc", "binary"), 0.9) == -0.9
    assert loss(get_metric("rmse", "regression"), 2.0) == 2.0


@pytest.mark.parametrize("task", [*TASKS, "anomaly"])
def test_the_default_metric_fits_its_task(task):
    assert task in get_metric(default_metric(task), task).tasks


def test_early_stopping_watches_a_metric_of_the_same_task():
    for metric in BUILTIN:
        if metric.stopping is not None:
            assert all(task in get_metric(metric.stopping, task).tasks for task in metric.tasks)


def test_unknown_metrics_are_met_with_the_close_ones():
    with pytest.raises(UsageError, match="roc_auc"):
        get_metric("auc_roc", "binary")
    with pytest.raises(UsageError, match="not a metric for regression; try mae"):
        get_metric("log_loss", "regression")
    assert get_metric("ROC-AUC", "binary").name == "roc_auc"


def test_a_plugins_metric_is_found_and_may_not_shadow():
    own = Metric(
        name="own", tasks=frozenset({"binary"}), greater_is_better=True, score=lambda _y, _p: 1.0
    )
    assert get_metric("own", "binary", [own]) is own
    clash = Metric(
        name="rmse", tasks=frozenset({"regression"}), greater_is_better=True, score=own.score
    )
    with pytest.raises(PluginError, match="rmse"):
        get_metric("rmse", "regression", [clash])
