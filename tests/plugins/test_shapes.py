"""Every learner on tables of awkward shapes: it trains, or its declared limits say why not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from automl.data.schema import infer_schema, to_dataset
from automl.data.views import Views
from automl.hooks.manager import applicable, get_host
from automl.search.objective import Order, RungData, run_rung

SECONDS = 3.0


def numbers(rng, n=300, d=5):
    X = rng.normal(size=(n, d))
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(d)]), X[:, 0] + rng.normal(size=n) > 0


def categories(rng, n=300):
    city = rng.integers(0, 12, n)
    X = pd.DataFrame({"city": [f"c{i}" for i in city], "plan": rng.choice(["a", "b"], n)})
    return X, city + rng.normal(size=n) > 6


def gaps(rng):
    (some, y), (others, _) = numbers(rng), categories(rng)
    table = pd.concat([some, others], axis=1)
    return table.mask(rng.random(table.shape) < 0.3), y


def scarce(rng):
    X, _ = numbers(rng, 600)
    return X, X["x0"] > np.sort(X["x0"])[-13]


def many_classes(rng, n=1200):
    X, _ = numbers(rng, n)
    return X, [f"k{i}" for i in np.argsort(np.argsort(X["x0"])) * 60 // n]


SHAPES = {
    "numbers alone": numbers,
    "categories alone": categories,
    "mixed, with gaps": gaps,
    "30 rows": lambda rng: numbers(rng, 30),
    "1 column": lambda rng: numbers(rng, d=1),
    "2,000 columns": lambda rng: numbers(rng, d=2000),
    "one class in fifty": scarce,
    "60 classes": many_classes,
}
LEARNERS = sorted(
    name
    for name, entry in get_host().learners.items()
    if entry.learner.tasks & {"binary", "multiclass"}
)


@pytest.fixture(scope="module", params=SHAPES)
def shape(request):
    """A dataset and its views, fitted on all rows but the last fifth."""
    X, y = SHAPES[request.param](np.random.default_rng(0))
    table = X.assign(target=np.where(y, "yes", "no") if request.param != "60 classes" else y)
    schema = infer_schema(table, target="target")
    data = to_dataset(schema, table)
    kept = len(table) * 4 // 5
    return data, kept, Views(data.X.iloc[:kept], data.y[:kept], schema, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_it_trains_or_its_limits_say_why_not(name, shape):
    data, kept, views = shape
    schema = data.schema
    found, skipped = applicable(get_host(), schema, schema.task, kept, data.X.shape[1], None, [])
    if name not in {learner.name for learner in found}:
        assert skipped[name].startswith(("limit: ", "task: ")), skipped[name]
        return
    learner = get_host().learner(name)
    rung = RungData(
        train_X=views.train(learner.view),
        train_y=data.y[:kept],
        n_stop=kept // 10,
        validation_X=views.transform(learner.view, data.X.iloc[kept:]),
    )
    order = Order(
        learner=name,
        config=dict(learner.defaults[0]),
        seed=0,
        task=schema.task,
        n_classes=schema.n_classes,
        metric="log_loss",
        allowance=SECONDS,
    )
    outcome = run_rung(order, rung, lambda _: None)
    assert outcome.status == "ok", outcome.reason
    probabilities = outcome.predictions[""]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-3)
    assert outcome.fit_seconds < 5 * SECONDS
