"""Accuracy on rows held out from everything: a 60 s fit beside untuned gradient boosting.

python benchmarks/peers/run.py DATA [--time-limit 60s] [--only NAME ...]

The split is train_test_split(test_size=0.25, random_state=0), stratified for classes; a fit
sees the 75% alone. The peers' figures were measured elsewhere with the same split and time.
`ahead_in_se`: how far what predicts is ahead of untuned gradient boosting, in standard errors of
the difference over 200 draws of the held-out rows.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

from automl import AutoML

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import paced, read_table, task_of, with_earlier, write_table

HERE = Path(__file__).parent
PEERS = {
    "adult": {"autogluon_medium": 0.9317, "flaml": 0.9311},
    "otto": {"autogluon_medium": 0.4485, "flaml": 0.5355},
    "covertype_20k": {"autogluon_medium": 0.3087, "flaml": 0.3172},
    "california_housing": {"autogluon_medium": 43567, "flaml": 47052},
}


def main() -> None:
    """Run the sets and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--time-limit", default="60s")
    parser.add_argument("--only", nargs="*", default=list(PEERS))
    parser.add_argument("--output", type=Path, default=HERE / "results.csv")
    arguments = parser.parse_args()
    sets = {e["name"]: e for e in json.loads((arguments.data / "datasets.json").read_text())}
    names = list(sets) if arguments.only == ["all"] else arguments.only
    rows = []
    for name in names:
        rows.append(paced(partial(one, sets[name], arguments.data, arguments.time_limit)))
        print(json.dumps(rows[-1]), flush=True)
        found = with_earlier(arguments.output, rows)
        write_table(arguments.output, "benchmarks/peers/run.py DATA", found)


def one(entry: dict[str, Any], data: Path, limit: str) -> dict[str, Any]:
    """Fit on 75% of the rows, score on the rest."""
    target, table = entry["target"], read_table(entry, data)
    numeric = entry["task"] == "regression"
    strata = None if numeric or table[target].value_counts().min() < 2 else table[target]
    train, test = train_test_split(table, test_size=0.25, random_state=0, stratify=strata)
    auto = AutoML(time_limit=limit, task=task_of(entry))
    began = time.monotonic()
    auto.fit(train, target)
    seconds = time.monotonic() - began
    row: dict[str, Any] = {"set": entry["name"], "seconds": round(seconds, 1)}
    for learner in ("ensemble", "stacking", "ensemble_deep", "ensemble_classical"):
        try:
            raw = auto.predict(test, learner) if numeric else auto.predict_proba(test, learner)
        except Exception as error:  # noqa: BLE001 - a missing row is a result
            row[learner] = f"{type(error).__name__}"
            continue
        row[learner] = round(score(entry["task"], test[target], raw, auto), 5)
    plain = untuned(train, test, target, numeric=numeric)
    labels = np.unique(train[target]) if not numeric else None
    row["untuned_hgb"] = round(score(entry["task"], test[target], plain, auto, labels), 5)
    board = auto.leaderboard_
    row["model"] = json.loads((auto.run_dir_ / "run.json").read_text())["best"]  # that predicts
    raw = auto.predict(test) if numeric else auto.predict_proba(test)
    row["score"] = round(score(entry["task"], test[target], raw, auto), 5)
    row["ahead_in_se"] = round(ahead(entry["task"], test[target], raw, plain, auto), 1)
    row["own_estimate"] = float(board.loc[board["learner"] == "ensemble", "score"].iloc[0])
    return row | PEERS.get(entry["name"], {})


def untuned(train: pd.DataFrame, test: pd.DataFrame, target: str, *, numeric: bool) -> Any:
    """scikit-learn's defaults on ordinal codes."""

    def codes(frame: pd.DataFrame) -> pd.DataFrame:
        kinds = {
            c: pd.CategoricalDtype(sorted(train[c].dropna().astype(str).unique()))
            for c in train.columns
            if not pd.api.types.is_numeric_dtype(train[c]) and c != target
        }
        made = {
            c: frame[c].astype(str).astype(kinds[c]).cat.codes if c in kinds else frame[c]
            for c in frame.columns
            if c != target
        }
        return pd.DataFrame(made)

    model = (HistGradientBoostingRegressor if numeric else HistGradientBoostingClassifier)(
        random_state=0
    )
    model.fit(codes(train), train[target])
    return model.predict(codes(test)) if numeric else model.predict_proba(codes(test))


def ahead(task: str, truth: pd.Series, ours: np.ndarray, plain: np.ndarray, auto: AutoML) -> float:
    """Lead of the first prediction, in standard errors of the difference."""
    if task == "regression":
        y, terms = np.zeros(len(truth)), [(p - truth.to_numpy()) ** 2 for p in (plain, ours)]
    else:  # the untuned model knows the classes in sorted order
        plain = plain[:, np.argsort(np.argsort(auto.classes_))]
        y = pd.Index(auto.classes_).get_indexer(truth)
        column = y if task == "multiclass" else 1
        terms = [np.maximum(p[np.arange(len(y)), column], 1e-15) for p in (ours, plain)]

    def gain(rows: np.ndarray) -> float:
        one, other = (values[rows] for values in terms)
        if task == "regression":
            return float(np.sqrt(one.mean()) - np.sqrt(other.mean()))
        if task == "multiclass":
            return float(np.mean(np.log(one) - np.log(other)))
        return float(roc_auc_score(y[rows], one) - roc_auc_score(y[rows], other))

    rng, n = np.random.default_rng(0), len(truth)
    draws = [gain(rng.integers(n, size=n)) for _ in range(200)]
    return gain(np.arange(n)) / float(np.std(draws, ddof=1))


def score(task: str, truth: pd.Series, raw: np.ndarray, auto: AutoML, labels: Any = None) -> float:
    """RMSE, ROC AUC or log loss."""
    if task == "regression":
        return float(root_mean_squared_error(truth, raw))
    classes = list(auto.classes_ if labels is None else labels)
    if task in {"binary", "anomaly"}:
        return float(
            roc_auc_score(truth == auto.classes_[1], raw[:, classes.index(auto.classes_[1])])
        )
    order = np.argsort([str(c) for c in classes])
    known = [str(classes[i]) for i in order]
    return float(log_loss(truth.astype(str), raw[:, order], labels=known))


if __name__ == "__main__":
    main()
