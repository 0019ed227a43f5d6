"""Worth of rows without a target: otto with few labels kept, with and without the others.

python benchmarks/semisupervised/run.py DATA [--keep 0.02] [--time-limit 90s] [--seeds 0 1 2]

A quarter of the rows is held out (train_test_split, stratified, random_state the seed). Of the
rest `--keep` keep their label, stratified. One fit sees them and the unlabelled rows, another of
the same length sees them alone; the learners share the time equally. Log loss on the held-out
rows, with 95% intervals over those rows; the last lines pair the two fits row by row.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from automl import AutoML

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import describe, entries

HERE = Path(__file__).parent
LEARNERS = ("autoencoder", "vae", "self_training")
Z95 = 1.96


def main() -> None:
    """Run every seed and write the table; rows of other seeds in it are kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--keep", type=float, default=0.02)
    parser.add_argument("--time-limit", default="90s")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--output", type=Path, default=HERE / "results.csv")
    arguments = parser.parse_args()
    rows = _earlier(arguments.output, arguments.seeds)
    for seed in arguments.seeds:
        rows += one(arguments.data, seed, arguments.keep, arguments.time_limit)
    rows.sort(key=lambda row: (str(row["learner"]), int(row["seed"])))
    with arguments.output.open("w", newline="") as file:
        file.write(
            f"# python benchmarks/semisupervised/run.py DATA --keep {arguments.keep} "
            f"--time-limit {arguments.time_limit}\n"
        )
        file.write(f"# {describe()}\n")
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _earlier(path: Path, seeds: list[int]) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    with path.open() as file:
        lines = [line for line in file if not line.startswith("#")]
    return [row for row in csv.DictReader(lines) if int(row["seed"]) not in seeds]


def one(data: Path, seed: int, keep: float, limit: str) -> list[dict[str, Any]]:
    """A row a learner: its log loss with and without the unlabelled rows."""
    entry = entries(data)["otto"]
    target = entry["target"]
    table = pd.read_csv(data / entry["file"]).drop(columns=entry["drop"])
    train, test = train_test_split(table, test_size=0.25, random_state=seed, stratify=table[target])
    labelled, others = train_test_split(
        train, train_size=keep, random_state=seed, stratify=train[target]
    )
    both = pd.concat([labelled, others.assign(**{target: None})]).sample(frac=1, random_state=seed)
    losses = {
        name: _losses(rows, test, target, seed, limit)
        for name, rows in {"with": both, "without": labelled}.items()
    }
    found = []
    for learner in LEARNERS:
        row: dict[str, Any] = {
            "learner": learner,
            "seed": seed,
            "labelled": len(labelled),
            "unlabelled": len(others),
        }
        for name in ("with", "without"):
            row |= _interval(name, losses[name].get(learner))
        pair = [losses[name].get(learner) for name in ("with", "without")]
        gain = None if pair[0] is None or pair[1] is None else pair[1] - pair[0]
        found.append(row | _interval("gain", gain))
        print(json.dumps(found[-1]), flush=True)
    return found


def _losses(
    rows: pd.DataFrame, test: pd.DataFrame, target: str, seed: int, limit: str
) -> dict[str, np.ndarray]:
    """Learner -> (n,) log losses of the held-out rows."""
    auto = AutoML(
        learner=LEARNERS, time_limit=limit, allocate="equal", seed=seed, task="multiclass"
    )
    auto.fit(rows.reset_index(drop=True), target)
    truth = np.searchsorted(auto.classes_, test[target].to_numpy())
    board = auto.leaderboard_.set_index("learner")
    found = {}
    for learner in LEARNERS:
        if board.loc[learner, "status"] == "ok":
            shares = auto.predict_proba(test.drop(columns=target), learner)
            found[learner] = -np.log(np.clip(shares[np.arange(len(test)), truth], 1e-15, 1))
        else:
            print(f"{learner}: {board.loc[learner, 'reason']}", file=sys.stderr)
    return found


def _interval(name: str, values: np.ndarray | None) -> dict[str, Any]:
    """Mean and its 95% interval; empty where a learner did not finish."""
    keys = (name, f"{name}_low", f"{name}_high")
    if values is None:
        return dict.fromkeys(keys, "")
    mean, half = values.mean(), Z95 * values.std(ddof=1) / np.sqrt(len(values))
    return dict(
        zip(keys, (round(float(v), 4) for v in (mean, mean - half, mean + half)), strict=True)
    )


if __name__ == "__main__":
    main()
