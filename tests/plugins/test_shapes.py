"""Every learner on tables of awkward shapes: it trains, or its declared limits say why not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from automl.data.schema import infer_schema, to_dataset
from automl.data.views import Views
from automl.hooks.manager import applicable, get_host
from automl.workers.evaluate import FitRequest, RungData, run_rung

SECONDS = 3.0


def numbers(rng, n=300, d=5):
    X = rng.normal(size=(n, d))
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(d)]), X[:, 0] + rng.normal(size=n)


def categories(rng, n=300):
    city = rng.integers(0, 12, n)
    X = pd.DataFrame({"city": [f"c{i}" for i in city], "plan": rng.choice(["a", "b"], n)})
    return X, city + rng.normal(size=n)


def gaps(rng):
    (some, value), (others, _) = numbers(rng), categories(rng)
    table = pd.concat([some, others], axis=1)
    return table.mask(rng.random(table.shape) < 0.3), value


TABLES = {
    "numbers alone": numbers,
    "categories alone": categories,
    "mixed, with gaps": gaps,
    "30 rows": lambda rng: numbers(rng, 30),
    "3 rows": lambda rng: numbers(rng, 3),
    "1 column": lambda rng: numbers(rng, d=1),
    "2,000 columns": lambda rng: numbers(rng, d=2000),
    "600 rows": lambda rng: numbers(rng, 600),
    "1,200 rows": lambda rng: numbers(rng, 1200),
}


def halves(value):
    return np.where(value > np.median(value), "yes", "no")


def one_in_fifty(value):
    return np.where(value > np.sort(value)[-13], "yes", "no")


def sixty(value):
    return [f"k{i}" for i in np.argsort(np.argsort(value)) * 60 // len(value)]


ALL = [name for name in TABLES if not name.endswith("00 rows")]
SHAPES = [
    *((name, "binary", halves) for name in ALL),
    ("600 rows", "binary", one_in_fifty),
    ("1,200 rows", "multiclass", sixty),
    *((name, "regression", np.asarray) for name in ALL),
    *((name, "anomaly", None) for name in ALL),
]


@pytest.fixture(scope="module", params=SHAPES, ids=lambda shape: f"{shape[1]}, {shape[0]}")
def shape(request):
    """A dataset and its views, fitted on all rows but the last fifth."""
    return shaped(*request.param)


def shaped(name, task, labels):
    table, value = TABLES[name](np.random.default_rng(0))
    if labels is not None:
        table = table.assign(target=labels(value))
    schema = infer_schema(table, target=None if labels is None else "target", task=task)
    data = to_dataset(schema, table)
    kept = len(table) * 4 // 5
    return data, kept, Views(data.X.iloc[:kept], data.y[:kept], schema, 0)


@pytest.mark.parametrize("name", ["catboost", "linear", "svm"])
def test_two_rows_are_enough(name):
    trains(name, *shaped("3 rows", "binary", lambda _: ["yes", "no", "no"]))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(get_host().learners))
def test_it_trains_or_its_limits_say_why_not(name, shape):
    trains(name, *shape)


def trains(name, data, kept, views):
    schema = data.schema
    found, skipped = applicable(get_host(), schema, schema.task, kept, data.X.shape[1], None, [])
    if name not in {learner.name for learner in found}:
        assert skipped[name].startswith(("limit: ", "task: ")), skipped[name]
        return
    learner = get_host().learner(name)
    blind = schema.task == "anomaly"
    rung = RungData(
        train_X=views.train(learner.view),
        train_y=None if blind else data.y[:kept],
        n_stop=kept // 10,
        validation_X=views.transform(learner.view, data.X.iloc[kept:]),
        stop_y=np.arange(kept // 10) % 2 if blind else None,
    )
    order = FitRequest(
        learner=name,
        config=dict(learner.defaults[0]),
        seed=0,
        task=schema.task,
        n_classes=schema.n_classes,
        metric={"regression": "rmse", "anomaly": "consensus"}.get(schema.task, "log_loss"),
        soft_limit=SECONDS,
    )
    outcome = run_rung(order, rung, lambda _: None)
    assert outcome.status == "ok", outcome.reason
    prediction = outcome.predictions[""]
    assert len(prediction) == len(data.X) - kept
    if schema.n_classes:
        np.testing.assert_allclose(prediction.sum(axis=1), 1, atol=1e-3)
    assert outcome.fit_seconds < 5 * SECONDS
