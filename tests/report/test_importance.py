from __future__ import annotations

from itertools import count
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from automl.metrics import get_metric
from automl.workflow.importance import ROWS, importance
from automl.workflow.outcomes import REST, calibration, confusion, residuals

RMSE = get_metric("rmse", "regression")


def table(n=300):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "idle": rng.normal(size=n),
            "word": pd.Categorical(rng.choice(["a", "b", "never"], n, p=[0.5, 0.5, 0])),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 9, n), "D"),
            "main": rng.normal(size=n),
        }
    )


def truth(X):
    return (10 * X["main"] + (X["word"] == "a")).to_numpy(np.float64)


def test_columns_are_ordered_by_what_they_matter():
    X = table()
    found = importance(truth, X, truth(X), RMSE, seed=0, seconds=60)
    assert [column["name"] for column in found["columns"][:2]] == ["main", "word"]
    assert [column["drop"] for column in found["columns"][2:]] == [0.0, 0.0]
    assert found["score"] == 0.0
    assert (found["rows"], found["repeats"]) == (300, 5)


def test_the_same_seed_gives_the_same_figures():
    X = table()
    first, again = (importance(truth, X, truth(X), RMSE, seed=3, seconds=60) for _ in range(2))
    assert first == again


def test_no_more_rows_than_needed_are_shuffled():
    X = table(3 * ROWS)
    assert importance(truth, X, truth(X), RMSE, seed=0, seconds=60)["rows"] == ROWS


def test_without_time_there_is_a_reason(monkeypatch):
    clock = SimpleNamespace(monotonic=count().__next__)
    monkeypatch.setattr("automl.workflow.importance.time", clock)
    X = table()
    said = importance(truth, X, truth(X), RMSE, seed=0, seconds=0.5)
    assert said == "shuffling 4 columns would take about 1.3 s, 0.5 s were left"


# --------------------------------------------------------------------------- outcomes


@given(
    y=arrays(np.int64, 60, elements=st.integers(0, 2)),
    raw=arrays(np.float64, (60, 3), elements=st.floats(0.01, 1)),
)
def test_calibration_and_confusion_account_for_every_row(y, raw):
    shares = raw / raw.sum(axis=1, keepdims=True)
    found = calibration(y, shares, ("a", "b", "c"))
    assert sum(b["count"] for b in found["bins"]) == 60
    assert all(b["low"] <= b["observed"] + 1e-12 for b in found["bins"])
    assert all(b["observed"] - 1e-12 <= b["high"] for b in found["bins"])
    assert 0 <= found["error"] <= 1
    counts = np.array(confusion(y, shares, ("a", "b", "c"), 20)["counts"])
    assert counts.sum(axis=1).tolist() == np.bincount(y, minlength=3).tolist()
    assert counts.trace() == (shares.argmax(axis=1) == y).sum()


def test_perfect_and_overconfident_probabilities_are_told_apart():
    y = np.tile([0, 1], 500)
    sure = np.where(y[:, None] == [0, 1], 0.999, 0.001)
    assert calibration(y, sure, ("no", "yes"))["error"] < 0.01
    wrong = np.where(np.arange(1000)[:, None] % 4 < 1, sure[:, ::-1], sure)
    assert calibration(y, wrong, ("no", "yes"))["error"] == pytest.approx(0.25, abs=0.01)


def test_rare_classes_are_counted_together():
    y = np.repeat(np.arange(30), np.arange(30, 0, -1))
    found = confusion(y, np.eye(30)[y], list(range(30)), most=20)
    assert found["labels"] == [*range(19), REST]
    assert found["rest"] == REST
    assert sum(map(sum, found["counts"])) == len(y)
    assert found["accuracy"] == 1.0


@given(y=arrays(np.float64, 50, elements=st.floats(-1e6, 1e6)))
def test_residuals_are_truth_less_prediction(y):
    found = residuals(y, np.zeros(50))
    assert found["overall"]["mean"] == pytest.approx(y.mean(), abs=1e-6)
    assert found["overall"]["q50"] == pytest.approx(np.median(y), abs=1e-6)
    assert sum(b["count"] for b in found["bins"]) == 50
