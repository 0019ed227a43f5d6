"""Time that the host adds to a learner's own fit, and the torch loop beside others.

python benchmarks/speed/run.py DATA [--set adult] [--repeats 5]

First table: seconds of one fit through the host over seconds of the bare library with the same
settings, rounds, rows and threads; a bare fit and one of ours take turns, medians of `--repeats`.
Second table: training rows per second of the same net (three layers of 256, batches of 256) in
our loop, skorch (where it is installed) and scikit-learn's MLPClassifier, five epochs, one thread.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from automl.data.apply import to_dataset
from automl.data.read import read_table
from automl.data.schema import infer_schema
from automl.data.views import Views
from automl.hooks.manager import get_host
from automl.workers.evaluate import FitRequest, RungData, run_rung

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import entries, write_table

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
ROUNDS, TREES, THREADS = 200, 100, 2
WIDTH, LAYERS, BATCH, EPOCHS = 256, 3, 256, 5
SCORED = 100
"""Rows that a fit through the host predicts at the end; their time is not counted."""


class Rows:
    """A set as the learners see it."""

    def __init__(self, data: Path, name: str) -> None:
        entry = entries(data)[name]
        table = read_table(data / entry["file"])
        schema = infer_schema(table, target=entry["target"], task=entry["task"], drop=entry["drop"])
        dataset = to_dataset(schema, table)
        self.schema, self.y = schema, dataset.y
        self.views = Views(dataset.X, dataset.y, schema)
        self.some = dataset.X.iloc[:SCORED]

    def through_the_host(self, learner: str, config: dict[str, Any], threads: int) -> float:
        """Seconds of one fit on all rows."""
        kind = get_host().learner(learner).view
        rung = RungData(
            train_X=self.views.train(kind),
            train_y=self.y,
            n_stop=0,
            validation_X=self.views.transform(kind, self.some),
        )
        order = FitRequest(
            learner=learner,
            config=config,
            seed=0,
            task=self.schema.task,
            n_classes=self.schema.n_classes,
            metric="log_loss",
            threads=threads,
        )
        began = time.perf_counter()
        outcome = run_rung(order, rung, lambda _: None)
        seconds = time.perf_counter() - began - outcome.predict_seconds
        if outcome.status != "ok":
            sys.exit(f"{learner} failed: {outcome.reason}")
        return seconds


def xgboost(rows: Rows) -> None:
    """The library's own training function."""
    import xgboost as library

    data = library.QuantileDMatrix(
        rows.views.train("frame"), rows.y, enable_categorical=True, max_bin=256, nthread=THREADS
    )
    settings = {
        "objective": "binary:logistic",
        "learning_rate": 0.08,
        "max_depth": 6,
        "min_child_weight": 1.0,
        "reg_lambda": 1.0,
        "colsample_bylevel": 0.9,
        "subsample": 0.65,
        "max_bin": 256,
        "nthread": THREADS,
    }
    library.train(settings, data, ROUNDS)


def lightgbm(rows: Rows) -> None:
    """The library's own training function."""
    import lightgbm as library

    settings = {
        "objective": "binary",
        "learning_rate": 0.04,
        "num_leaves": 50,
        "min_data_in_leaf": 40,
        "min_sum_hessian_in_leaf": 1e-7,
        "bagging_fraction": 0.75,
        "bagging_freq": 1,
        "num_threads": THREADS,
        "verbosity": -1,
    }
    library.train(settings, library.Dataset(rows.views.train("frame"), rows.y), ROUNDS)


def catboost(rows: Rows) -> None:
    """The library's own estimator."""
    import catboost as library

    frame = rows.views.train("frame")
    coded = [c for c in frame.columns if hasattr(frame[c], "cat")]
    frame = frame.assign(**{c: frame[c].astype(object).fillna("").astype(str) for c in coded})
    library.CatBoostClassifier(
        iterations=ROUNDS,
        learning_rate=0.08,
        depth=7,
        l2_leaf_reg=1e-5,
        random_strength=0.8,
        one_hot_max_size=15,
        leaf_estimation_iterations=1,
        subsample=0.9,
        bootstrap_type="Bernoulli",
        boosting_type="Plain",
        thread_count=THREADS,
        cat_features=coded,
        allow_writing_files=False,
        logging_level="Silent",
    ).fit(frame, rows.y)


def forest(name: str) -> Callable[[Rows], None]:
    """scikit-learn's forest of that name."""

    def fit(rows: Rows) -> None:
        from sklearn import ensemble as library

        title = {
            "random_forest": "RandomForestClassifier",
            "extra_trees": "ExtraTreesClassifier",
        }[name]
        kind = get_host().learner(name).view
        estimator = getattr(library, title)(
            n_estimators=TREES,
            min_samples_leaf=2,
            max_leaf_nodes=15_000,
            n_jobs=THREADS,
            random_state=0,
        )
        estimator.fit(rows.views.train(kind), rows.y)

    return fit


BARE: dict[str, tuple[dict[str, Any], Callable[[Rows], None]]] = {
    "xgboost": ({"n_estimators": ROUNDS}, xgboost),
    "lightgbm": ({"n_estimators": ROUNDS}, lightgbm),
    "catboost": ({"iterations": ROUNDS}, catboost),
    "random_forest": ({}, forest("random_forest")),
    "extra_trees": ({}, forest("extra_trees")),
}


def ratios(rows: Rows, repeats: int) -> list[dict[str, Any]]:
    """A row a learner: medians of both sides and their ratio."""
    found = []
    for learner, (config, bare) in BARE.items():
        seconds: dict[str, list[float]] = {"host": [], "bare": []}
        for turn in range(repeats + 1):
            ours = rows.through_the_host(learner, config, THREADS)
            began = time.perf_counter()
            bare(rows)
            if turn:  # the first turn imports and warms up
                seconds["host"].append(ours)
                seconds["bare"].append(time.perf_counter() - began)
        middle = {side: statistics.median(values) for side, values in seconds.items()}
        found.append(
            {
                "learner": learner,
                "host_seconds": round(middle["host"], 3),
                "bare_seconds": round(middle["bare"], 3),
                "ratio": round(middle["host"] / middle["bare"], 3),
            }
        )
        print(json.dumps(found[-1]), flush=True)
    return found


def paces(rows: Rows, repeats: int) -> list[dict[str, Any]]:
    """A row a training loop: rows per second, and ours over it."""
    import torch

    torch.set_num_threads(1)
    threadpool_limits(1)  # scikit-learn's net multiplies by numpy's own library
    hot = np.ascontiguousarray(rows.views.train("matrix"), dtype=np.float32)
    config = {
        "numbers": "plain",
        "width": WIDTH,
        "layers": LAYERS,
        "dropout": 0.0,
        "epochs": EPOCHS,
        "batch_size": BATCH,
    }
    loops: dict[str, Callable[[], float]] = {
        "automl": lambda: rows.through_the_host("mlp", config, 1),
        "sklearn": lambda: _timed(_sklearn_net().fit, hot, rows.y),
    }
    try:
        import skorch  # noqa: F401 - only whether it is there
    except ImportError:
        print("skorch is not installed: left out", file=sys.stderr)
    else:
        loops["skorch"] = lambda: _timed(_skorch_net(hot.shape[1]).fit, hot, rows.y)
    seconds = {name: [] for name in loops}
    for turn in range(repeats + 1):
        for name, run in loops.items():
            took = run()
            if turn:
                seconds[name].append(took)
    trained = EPOCHS * min(len(rows.y), 1 << 15)  # an epoch of ours is no longer than that
    found = []
    for name, values in seconds.items():
        done = trained if name == "automl" else EPOCHS * len(rows.y)
        found.append({"loop": name, "rows_per_second": round(done / statistics.median(values))})
    for row in found:
        row["ours_over_it"] = round(found[0]["rows_per_second"] / row["rows_per_second"], 2)
        print(json.dumps(row), flush=True)
    return found


def _timed(fit: Callable[..., Any], X: Any, y: Any) -> float:
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # five epochs do not converge
        fit(X, y)
    return time.perf_counter() - began


def _sklearn_net() -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(
        (WIDTH,) * LAYERS, batch_size=BATCH, max_iter=EPOCHS, tol=0.0, random_state=0
    )


def _skorch_net(columns: int) -> Any:
    import torch
    from skorch import NeuralNetClassifier
    from torch import nn

    parts: list[nn.Module] = []
    for size in [columns, *[WIDTH] * (LAYERS - 1)]:
        parts += [nn.Linear(size, WIDTH), nn.ReLU()]
    return NeuralNetClassifier(
        nn.Sequential(*parts, nn.Linear(WIDTH, 2)),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        batch_size=BATCH,
        max_epochs=EPOCHS,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )


def main() -> None:
    """Measure and write both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--set", default="adult")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    rows = Rows(arguments.data, arguments.set)
    for file, found in (
        ("ratios.csv", ratios(rows, arguments.repeats)),
        ("paces.csv", paces(rows, arguments.repeats)),
    ):
        write_table(HERE / file, "benchmarks/speed/run.py DATA", found)


if __name__ == "__main__":
    main()
