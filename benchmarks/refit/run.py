"""A booster fitted on every row in the end: with rows held back for early stopping, or with none.

python benchmarks/refit/run.py DATA [--only NAME ...] [--seeds 4]

A quarter of the rows is held back and scores. Of the others LightGBM learns three times: from four
fifths, a tenth of them held back to stop by (`fold`); from all, a tenth held back (`stopping`);
and from all, none held back, with the rounds of the first in the ratio of the rows (`steps`). With
`+`, the mean of two predictions. Scores are means over the seeds; `steps_ahead` is the share of
seeds in which `steps` is ahead of `stopping`.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from heldout import score, split
from machine import measure_sets, parser_of, read_table, task_of

HERE = Path(__file__).parent
SETTINGS = {"learning_rate": 0.05, "num_leaves": 31, "verbose": -1, "num_threads": 2}
MOST, PATIENCE, MOST_STOP_ROWS = 2_000, 50, 2_000
USUAL = (
    *("titanic", "auto_imports", "horse_colic", "mammography", "google_play_apps"),
    *("california_housing", "covertype_20k", "amazon_employee_access", "adult"),
)


def main() -> None:
    """Measure the sets and write the table."""
    parser = parser_of(HERE, __doc__)
    parser.add_argument("--seeds", type=int, default=4)
    asked = parser.parse_args()
    measure_sets(HERE, asked, partial(one, data=asked.data, seeds=asked.seeds), usual=USUAL)


def one(entry: dict[str, Any], data: Path, seeds: int) -> dict[str, Any]:
    """Mean scores on one set."""
    table, task = read_table(entry, data), task_of(entry)
    found = [scores(table, entry["target"], task, seed) for seed in range(seeds)]
    means = {name: float(np.mean([each[name] for each in found])) for name in found[0]}
    sign = -1.0 if task == "binary" else 1.0
    ahead = np.mean([sign * each["steps"] < sign * each["stopping"] for each in found])
    shown = {name: float(f"{value:.5g}") for name, value in means.items()}
    return {"set": entry["name"], "rows": len(table) * 3 // 4, **shown, "steps_ahead": ahead}


def scores(table: pd.DataFrame, target: str, task: str, seed: int) -> dict[str, float]:
    """Scores of the three models, and of their means, on rows held back."""
    numeric = task == "regression"
    train, test = split(table, target, numeric=numeric, seed=seed)
    classes = [] if numeric else sorted(train[target].unique())
    y = train[target] if numeric else pd.Series(pd.Index(classes).get_indexer(train[target]))
    X, held = coded(train, train, target), coded(train, test, target)
    settings = {**SETTINGS, "seed": seed, **objective(len(classes))}
    order = np.random.default_rng(seed).permutation(len(X))
    fold = order[len(order) // 5 :]

    def fit(rows: np.ndarray, rounds: int | None = None) -> Any:
        stop = np.zeros(len(rows), dtype=bool)
        stop[: 10 * MOST_STOP_ROWS : 10] = rounds is None
        data = lgb.Dataset(X.iloc[rows[~stop]], y.to_numpy()[rows[~stop]])
        if rounds is not None:
            return lgb.train(settings, data, rounds)
        watched = lgb.Dataset(X.iloc[rows[stop]], y.to_numpy()[rows[stop]], reference=data)
        watch = lgb.early_stopping(PATIENCE, verbose=False)
        return lgb.train(settings, data, MOST, valid_sets=[watched], callbacks=[watch])

    first = fit(fold)
    more = len(order) / (len(fold) - min(len(fold) // 10, MOST_STOP_ROWS))
    models = {
        "fold": first,
        "stopping": fit(order),
        "steps": fit(order, max(1, round(first.best_iteration * more))),
    }
    raw = {name: predicted(model, held, len(classes)) for name, model in models.items()}
    raw |= {f"fold+{name}": (raw["fold"] + raw[name]) / 2 for name in ("stopping", "steps")}
    return {name: score(task, test[target], values, classes) for name, values in raw.items()}


def objective(classes: int) -> dict[str, Any]:
    """LightGBM's words for the task."""
    if classes > 2:
        return {"objective": "multiclass", "num_class": classes}
    return {"objective": "binary" if classes else "regression"}


def predicted(model: Any, rows: pd.DataFrame, classes: int) -> np.ndarray:
    """(n,) numbers or (n, k) probabilities."""
    raw = model.predict(rows, num_iteration=model.best_iteration or None)
    return np.stack([1 - raw, raw], axis=1) if classes == 2 else raw


def coded(train: pd.DataFrame, rows: pd.DataFrame, target: str) -> pd.DataFrame:
    """Numbers, and categories with the levels of the training rows; names and texts left out."""
    made = {}
    for name in train.columns.drop(target):
        if pd.api.types.is_numeric_dtype(train[name]):
            made[name] = rows[name]
            continue
        levels = sorted(train[name].dropna().astype(str).unique())
        if len(levels) <= len(train) / 2:
            words = rows[name].astype(str)
            made[name] = words.where(words.isin(levels)).astype(pd.CategoricalDtype(levels))
    return pd.DataFrame(made)


if __name__ == "__main__":
    main()
