"""Frameworks side by side: one after another on the same rows, cores and budget.

python benchmarks/peers/run.py DATA [--time-limit 60s] [--only NAME ...] [--rows N] [--seed 0]
    [--frameworks NAME ...] [--environments FOLDER] [--output FILE]

Each peer lives in an environment of its own under --environments, which is made where it is missing
(AutoGluon takes some minutes and 3 GB). A quarter of the rows is held back: train_test_split(
test_size=0.25, random_state=SEED), stratified for classes. DATA is a folder with `datasets.json`;
`benchmarks/tables.py` makes one of tables that nobody looked at. A table is measured whole or not
at all: its rows are written once all frameworks are done, and a table that the file has already is
left out, so that the command can be stopped and repeated. `judge.py` sums the file up.

`score` is ROC AUC, log loss or RMSE on the held-back rows; `ahead_in_se` the lead over untuned
gradient boosting in standard errors of the paired difference; `fit_seconds` the call of fit;
`over` what it took beyond 1.03 x the budget and 2 s; `peak_gb` the most memory at once of all its
processes (PSS); `rows_per_second` those of the warm model.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from environments import COMPARED, FRAMEWORKS

sys.path.insert(0, str(Path(__file__).parents[1]))
from heldout import ahead, score, split
from machine import entries, paced, parser_of, read_table, run, task_of, write_table

HERE = Path(__file__).parent
METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}
UNTUNED = "untuned_hgb"
LENIENCE = 6.0
"""Budgets after which a framework is ended, and counts as failed."""


def main() -> None:
    """Measure what the file has not yet."""
    parser = parser_of(HERE, __doc__)
    parser.add_argument("--rows", type=int, help="rows of a table at most, held-back ones too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--frameworks", nargs="+", default=list(COMPARED), choices=COMPARED)
    parser.add_argument("--environments", type=Path, default=HERE / "environments")
    asked = parser.parse_args()
    asked.seconds = pd.Timedelta(asked.time_limit).total_seconds()
    pythons = {name: COMPARED[name].python(asked.environments) for name in asked.frameworks}
    rows = earlier(asked.output)
    sets = entries(asked.data)
    for name in asked.only or sets:
        label = f"{name}@{asked.rows}" if asked.rows else name
        if label in {row["set"] for row in rows}:
            continue
        rows += table_rows(sets[name], label, asked, pythons)
        write_table(asked.output, "benchmarks/peers/run.py DATA", rows)


def earlier(path: Path) -> list[dict[str, Any]]:
    """Rows that a file has already."""
    if not path.exists():
        return []
    with path.open() as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def table_rows(
    entry: dict[str, Any], label: str, asked: argparse.Namespace, pythons: dict[str, str]
) -> list[dict[str, Any]]:
    """One row a framework, on one table."""
    table, target = read_table(entry, asked.data), entry["target"]
    if asked.rows and len(table) > asked.rows:
        table = table.sample(asked.rows, random_state=asked.seed)
    task = task_of(entry)
    parts = split(table, target, numeric=task == "regression", seed=asked.seed)
    sizes = {"set": label, "task": task, "rows": len(parts[0]), "columns": table.shape[1] - 1}
    found = {}
    for name, python in pythons.items():
        how = {
            "target": target,
            "task": task,
            "metric": METRICS[task],
            "seconds": asked.seconds,
            "cpus": 2,
            "variant": COMPARED[name].variant,
            "seed": asked.seed,
        }
        script = FRAMEWORKS / f"fit_{COMPARED[name].script}.py"
        found[name] = one(parts, how, [python, str(script)])
        print(label, name, json.dumps(found[name][0]), flush=True)
    classes = [] if task == "regression" else sorted(parts[0][target].unique())
    return judged(sizes, parts[1][target], classes, found)


def one(
    parts: list[pd.DataFrame], how: dict[str, Any], command: list[str]
) -> tuple[dict[str, Any], tuple[np.ndarray, list[Any]] | None]:
    """Spending of one framework, its predictions and their classes; None if it failed."""
    with tempfile.TemporaryDirectory(prefix="peers-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for part, rows in zip(("train", "test"), parts, strict=True):
            rows.to_parquet(folder / f"{part}.parquet", index=False)
        (folder / "task.json").write_text(json.dumps(how), "utf-8")
        row = paced(lambda: _run([*command, name], LENIENCE * how["seconds"] + 120))
        if "failed" in row:
            return row, None
        told = json.loads((folder / "told.json").read_text("utf-8"))
        over = max(0.0, told["fit_seconds"] - 1.03 * how["seconds"] - 2)
        row |= {
            "fit_seconds": round(told["fit_seconds"], 1),
            "over": round(over, 1),
            "rows_per_second": round(told["rows_per_second"]),
            "model": told["model"],
        }
        return row, (np.load(folder / "predictions.npy"), told["classes"])


def _run(command: list[str], patience: float) -> dict[str, Any]:
    code, _, watch, _, err = run(command, patience)
    row: dict[str, Any] = {"peak_gb": round(watch.peak_bytes / 1e9, 2)}
    if code:
        row["failed"] = (err.strip().splitlines() or [f"exit {code}"])[-1][:200]
    return row


def judged(
    sizes: dict[str, Any],
    truth: pd.Series,
    classes: list[Any],
    found: dict[str, tuple[dict[str, Any], tuple[np.ndarray, list[Any]] | None]],
) -> list[dict[str, Any]]:
    """Rows with scores, and with the lead over untuned boosting."""
    task, rows = sizes["task"], []
    given = {name: columns_of(two, classes) for name, (_, two) in found.items()}
    plain = given.get(UNTUNED)
    for name, (row, _) in found.items():
        scored: dict[str, Any] = {}
        if (raw := given[name]) is not None:
            scored["score"] = round(score(task, truth, raw, classes), 6)
            if plain is not None and name != UNTUNED:
                scored["ahead_in_se"] = round(ahead(task, truth, raw, plain, classes), 2)
        rows.append({**sizes, "framework": name, "score": "", "ahead_in_se": "", **scored, **row})
    every = ("failed", "fit_seconds", "over", "peak_gb", "rows_per_second", "model", "loop_s")
    return [{**row, **{key: row.get(key, "") for key in every}} for row in rows]


def columns_of(given: tuple[np.ndarray, list[Any]] | None, classes: list[Any]) -> np.ndarray | None:
    """Predictions with a column for each of the classes, in their order."""
    if given is None or not classes:
        return None if given is None else given[0].ravel()
    raw, own = given
    places = {str(label): place for place, label in enumerate(own)}
    missing = np.zeros(len(raw))
    columns = [raw[:, places[str(c)]] if str(c) in places else missing for c in classes]
    made = np.stack(columns, axis=1)
    return made / np.maximum(made.sum(axis=1, keepdims=True), 1e-15)


if __name__ == "__main__":
    main()
