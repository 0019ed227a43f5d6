"""Detectors on rows that they were not fitted on: ROC AUC and average precision, three seeds.

python benchmarks/anomaly/run.py DATA [--only NAME ...] [--seeds N] [--trials N]

As in ADBench (arXiv 2206.09426), 70% of the rows train, anomalies among them and no label with
them; the other 30%, stratified, score. `default` is every detector with its first configuration;
`chosen` lets it try more, and the consensus choose. `plain_isolation_forest` is scikit-learn's
with its defaults on the same rows, which is what PyOD's IForest runs. `consensus` is what the
choice saw.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split

from automl import AutoML

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import entries, with_earlier, write_table

HERE = Path(__file__).parent
SETS = ("mammography", "breast_cancer", "digits")


def main() -> None:
    """Run the sets and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", default=SETS, choices=SETS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=20, help="configurations of `chosen`")
    parser.add_argument("--learner", nargs="*", help="detectors; all unless given")
    parser.add_argument("--output", type=Path, default=HERE / "results.csv")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.only:
        for seed in range(arguments.seeds):
            for row in one(name, seed, arguments):
                rows.append(row)
                print(json.dumps(row), flush=True)
            found = with_earlier(arguments.output, rows)
            write_table(arguments.output, "benchmarks/anomaly/run.py DATA", found)


def one(name: str, seed: int, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """All detectors on one set and seed."""
    X, odd = load(name, seed, arguments.data)
    train, test, _, truth = train_test_split(X, odd, test_size=0.3, random_state=seed, stratify=odd)
    about = {"set": name, "rows": len(X), "anomalies": int(odd.sum()), "seed": seed}
    plain = IsolationForest(random_state=seed).fit(train.to_numpy())
    scores = -plain.score_samples(test.to_numpy())
    told = {"learner": "plain_isolation_forest", "mode": "default", "consensus": ""}
    found = [about | told | judge(truth, scores)]
    for mode, trials in (("default", None), ("chosen", arguments.trials)):
        auto = fit(train, seed, trials, arguments.learner)
        board = auto.leaderboard_
        for row in board[board["status"] == "ok"].itertuples():
            judged = judge(truth, auto.anomaly_scores(test, row.learner))
            told = {"learner": row.learner, "mode": mode, "consensus": round(row.score_val, 4)}
            found.append(about | told | judged)
    return found


def fit(train: pd.DataFrame, seed: int, trials: int | None, learners: list[str] | None) -> AutoML:
    """A fit that knows no label; without `trials` one configuration a detector."""
    if trials is None:
        trials = len(learners) + 1 if learners else sum("anomaly" in t for t in tasks())
    auto = AutoML(task="anomaly", trials=trials, time_limit=None, seed=seed, learner=learners)
    return auto.fit(train)


def tasks() -> list[list[str]]:
    """The tasks of every learner that can run."""
    import subprocess

    command = [sys.executable, "-c", "from automl.cli import main; main()", "learners", "--json"]
    listed = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    return [entry["tasks"] for entry in listed if entry["available"]]


def judge(truth: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """The two figures that the labels allow."""
    return {
        "roc_auc": round(float(roc_auc_score(truth, scores)), 4),
        "average_precision": round(float(average_precision_score(truth, scores)), 4),
    }


def load(name: str, seed: int, data: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """A table without its labels, and which rows are anomalies."""
    if name == "mammography":
        entry = entries(data)[name]
        table = pd.read_csv(data / entry["file"])
        return table.drop(columns=entry["target"]), np.asarray(table[entry["target"]] == 1)
    rng = np.random.default_rng(seed)
    if name == "breast_cancer":  # benign tumours, and 20 malignant ones among them
        X, y = load_breast_cancer(return_X_y=True, as_frame=True)
        return mixed(X, np.asarray(y == 0), 20, rng)
    X, y = load_digits(return_X_y=True, as_frame=True)  # one digit, and 20 others among them
    return mixed(X, np.asarray(y != 3), 20, rng)


def mixed(
    X: pd.DataFrame, odd: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, np.ndarray]:
    """All common rows with some of the odd ones, shuffled."""
    rows = np.r_[np.flatnonzero(~odd), rng.choice(np.flatnonzero(odd), count, replace=False)]
    rows = rng.permutation(rows)
    return X.iloc[rows].reset_index(drop=True), odd[rows]


if __name__ == "__main__":
    main()
