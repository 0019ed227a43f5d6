"""A fit is scored by the driver, whose metric may fail."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from automl.errors import OverdueError
from automl.metrics import get_metric
from automl.schedule.base import Job
from automl.types import Cell, Trial
from automl.workers.evaluate import FitResult
from automl.workflow.train import ATTEMPTS, Training

JOB = Job(Trial("tree", 0, {}), Cell())


def training(score):
    truth = SimpleNamespace(validation=np.zeros(3), weights=None)
    return SimpleNamespace(
        store=SimpleNamespace(truth=lambda cell: truth),
        prepared=SimpleNamespace(choice=replace(get_metric("rmse", "regression"), score=score)),
        unscored=0,
    )


def fails(error):
    def score(y, prediction):
        raise error

    return score


def test_a_score_that_is_not_defined_is_none_without_a_reason():
    found = FitResult("ok", predictions={"": np.zeros(3)})
    assert Training._score(training(lambda y, p: 0.5), JOB, found) == (0.5, "")
    assert Training._score(training(lambda y, p: np.nan), JOB, found) == (None, "")
    assert Training._score(training(None), JOB, FitResult("failed")) == (None, "")


@pytest.mark.parametrize(
    ("error", "counts"), [(RuntimeError("no luck"), 1), (OverdueError("it hangs"), ATTEMPTS)]
)
def test_a_metric_that_fails_is_counted_until_it_scores_again(error, counts):
    found = FitResult("ok", predictions={"": np.zeros(3)})
    one = training(fails(error))
    score, reason = Training._score(one, JOB, found)
    assert score is None
    assert reason.startswith("not scored: ")
    assert str(error) in reason
    assert one.unscored == counts
    one.prepared.choice = replace(one.prepared.choice, score=lambda y, p: 1.0)
    Training._score(one, JOB, found)
    assert one.unscored == 0
