"""Time to turn a fit's journal into verdicts.

python benchmarks/verdicts/run.py [--rungs 1000] [--rows 20000]

Makes a run directory of a binary task by hand (20 learners, four rungs, a fifth of the rows
validated, log loss and error rates) and judges it.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

import automl
from automl import scaling

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import describe

HERE = Path(__file__).parent
LEARNERS = 20


def main() -> None:
    """Make the run, judge it five times, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rungs", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--output", type=Path, default=HERE / "results.csv")
    arguments = parser.parse_args()
    metric = automl.Metric(
        name="log_loss",
        tasks=frozenset({"binary"}),
        greater_is_better=False,
        score=lambda y, prediction: float(losses(y, prediction).mean()),
        influence=losses,
    )
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder)
        make(run, arguments.rungs, arguments.rows)
        seconds = []
        for _ in range(5):
            began = time.perf_counter()
            scaling.write_scaling(run, scaling.read_scaling(run, metric).document)
            seconds.append(time.perf_counter() - began)
    row = {
        "rungs": arguments.rungs,
        "rows": arguments.rows,
        "median_seconds": round(statistics.median(seconds), 2),
    }
    with arguments.output.open("w", newline="") as file:
        file.write(f"# {describe()}\n")
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
    print(row)


def losses(y: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """(n,) minus the log of the probability given to the truth."""
    return -np.log(np.clip(prediction[np.arange(len(y)), y], 1e-7, 1.0))


def make(run: Path, rungs: int, rows: int) -> None:
    """A run directory as a search leaves it."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, rows)
    fold, half = rng.permutation(rows) % 5, rng.integers(0, 2, rows)
    (run / "predictions").mkdir()
    for name, values in (("truth", y), ("fold", fold), ("half", half)):
        np.save(run / "predictions" / f"{name}.npy", values)
    names = [f"learner_{i}" for i in range(LEARNERS)]
    learners = [
        {"name": name, "family": ("deep", "classical")[i % 2], "plugin": "none", "status": "ok"}
        for i, name in enumerate(names)
    ]
    (run / "run.json").write_text(json.dumps({"learners": learners}))
    truth = y[fold == 0]
    with (run / "journal.jsonl").open("w", encoding="utf-8") as journal:
        for number in range(rungs):
            rung, learner = number % 4, names[number // 4 % LEARNERS]
            trial = f"{learner}-{number // 4 // LEARNERS}"
            margin = rng.normal(size=len(truth)) + (1 + rung) * (2 * truth - 1) / 4
            positive = 1 / (1 + np.exp(-margin))
            prediction = np.stack([1 - positive, positive], axis=1).astype(np.float32)
            np.save(run / "predictions" / f"{trial}-r{rung}-f0.npy", prediction)
            line = automl.Rung(
                learner=learner,
                trial=trial,
                config={},
                rung=rung,
                fold=0,
                seed=0,
                n=rows * 4 // 5 // 2 ** (3 - rung),
                score=float(losses(truth, prediction).mean()),
                fit_seconds=1.0,
                predict_seconds=0.1,
                status="ok",
            )
            journal.write(json.dumps(asdict(line)) + "\n")


if __name__ == "__main__":
    main()
