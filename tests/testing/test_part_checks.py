"""Metrics, ensemblers and readers are held to what the host relies on, too."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import Ensembler, Metric, PluginError
from automl.metrics import BUILTIN
from automl.testing import WorkerPool, ensembler_checks, metric_checks, reader_checks
from automl.testing.contract import judge
from automl.testing.parts import part_checks


def failed(part):
    outcomes = [judge(q.check, q.on, q.subject, q.task)[0] for q in part_checks(part)]
    assert all(o.hint and o.reason for o in outcomes if o.status == "failed")
    return {o.check for o in outcomes if o.status == "failed"}


def metric(score, **more):
    fields = {"name": "mine", "tasks": frozenset({"regression"}), "greater_is_better": False}
    return Metric(**(fields | {"score": score} | more))


def mean_error(y, p):
    return float(np.abs(y - p).mean())


def sorts(y, p):
    y.sort()
    return mean_error(y, np.sort(p))


SOUND = metric(mean_error)
FAULTY = {
    "metric_declaration": metric(mean_error, stopping="log_loss"),
    "perfect_is_best": metric(mean_error, greater_is_better=True),
    "rows_exchange": metric(lambda y, p: float(np.abs(y - p) @ np.arange(len(y)))),
    "arrays_kept": metric(sorts),
    "influence_mean": metric(mean_error, influence=lambda y, p: (y - p) ** 2),
    "within_bounds": metric(lambda y, p: 10 * mean_error(y, p), bounded=True),
    "one_class_scored": metric(
        lambda y, p: 1 / (len(np.unique(y)) - 1) + float((p.argmax(1) != y).mean()),
        tasks=frozenset({"binary"}),
    ),
}


@pytest.mark.parametrize("one", [*BUILTIN, SOUND], ids=lambda m: m.name)
def test_the_built_in_metrics_pass(one):
    assert failed(one) == set()


@pytest.mark.parametrize("check", FAULTY)
def test_a_faulty_metric_is_caught(check):
    found = failed(FAULTY[check])
    assert check in found
    assert len(found) <= 3


class Blend:
    def __init__(self, weigh):
        self.weigh = weigh

    def fit(self, predictions, y, metric):
        return self.weigh(predictions)


def ensembler(weigh):
    tasks = frozenset({"binary", "regression"})
    return Ensembler(name="mine", tasks=tasks, factory=lambda seed: Blend(weigh))


def halved(predictions):
    predictions *= 0.5
    return np.full(len(predictions), 1 / len(predictions))


def test_a_sound_ensembler_passes():
    assert failed(ensembler(lambda p: np.full(len(p), 1 / len(p)))) == set()


@pytest.mark.parametrize(
    ("check", "weigh"),
    [
        ("weights_sum", lambda p: np.ones(len(p))),
        ("weights_sum", lambda p: np.array([2.0, *[-1 / (len(p) - 1)] * (len(p) - 1)])),
        ("same_weights", halved),
        ("same_weights", lambda p: np.random.default_rng().dirichlet(np.ones(len(p)))),
        ("one_member", lambda p: np.array([0.0, 1.0, *[0.0] * (len(p) - 2)])),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_faulty_ensembler_is_caught(check, weigh):
    assert check in failed(ensembler(weigh))


def test_readers_leave_what_is_not_theirs():
    def excel(source):
        return pd.DataFrame() if source.endswith(".xlsx") else None

    def greedy(source):
        return pd.DataFrame({"source": [source]})

    def hasty(source):
        return Path(source).read_text()

    assert failed(excel) == set()
    assert failed(greedy) == {"leaves_others"}
    assert failed(hasty) == {"leaves_others"}


def test_cases_run_elsewhere_and_tell_what_failed():
    for case in metric_checks(SOUND):
        if "influence" not in str(case) and "bounds" not in str(case):
            case()
    (case,) = reader_checks(lambda source: source)
    with pytest.raises(AssertionError, match="gave a str instead of None"):
        case()
    assert next(str(case) for case in ensembler_checks("ensemble_deep")) == (
        "ensemble_deep-weights_sum-binary"
    )


def test_a_metric_that_ends_its_process_is_a_failed_check():
    deadly = metric(lambda y, p: os._exit(7))
    with WorkerPool() as pool:
        outcome = pool.judge(next(q for q in part_checks(deadly) if "perfect" in str(q.check)))
    assert outcome.status == "failed"
    assert outcome.reason == "the process ended with exit code 7"


def test_unknown_names_are_named():
    with pytest.raises(PluginError, match="no installed plugin declares the metric 'nonsense'"):
        metric_checks("nonsense")
