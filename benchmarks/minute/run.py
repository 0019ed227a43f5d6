"""A minute on every data set, as a user runs it: is it spent on training, and what does it give?

python benchmarks/minute/run.py DATA [--time-limit 60s] [--rows N] [--seed 0] [--only NAME ...]
    [WORDS OF automl fit]

A quarter of the rows is held back; `automl fit` sees the others as a CSV file, `automl predict`
gives the rest. Per set:

- `score`, `untuned_hgb`, `ahead_in_se`: on the held-back rows, and the lead over untuned gradient
  boosting in standard errors of the difference over 200 draws of them;
- `first_rung_s`: seconds from the command to the first score of a learner other than the baseline;
- `busy`: core-seconds in the learners' fit and predict over those there were, from that moment to
  the end of the search; `other_s`: seconds of the command outside of it;
- `useful`: the part of the busy seconds in models of the ensemble or points of a curve of as many
  rungs as the table has;
- `deep_curves`, `classical_curves`: learners with such a curve.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from heldout import ahead, score, split, untuned
from machine import measure_sets, parser_of, read_table, run, task_of

HERE = Path(__file__).parent
EVERY = 0.05
"""Seconds between two looks at the journal."""


def main() -> None:
    """Run the sets and write the table."""
    parser = parser_of(HERE, __doc__)
    parser.add_argument("--rows", type=int, help="rows of a table at most, the held-back ones too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, help="folder that keeps the run directories")
    arguments, arguments.words = parser.parse_known_args()
    measure_sets(HERE, arguments, partial(one, arguments=arguments))


def one(entry: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """Fit one data set through the command line, predict, and read the run directory."""
    target, table = entry["target"], read_table(entry, arguments.data)
    numeric = entry["task"] == "regression"
    if arguments.rows and len(table) > arguments.rows:
        table = table.sample(arguments.rows, random_state=arguments.seed)
    train, test = split(table, target, numeric=numeric, seed=arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run_folder = arguments.runs / entry["name"] if arguments.runs else folder / "run"
        train.to_csv(folder / "train.csv", index=False)
        test.drop(columns=target).to_csv(folder / "test.csv", index=False)
        words = ["automl", "fit", str(folder / "train.csv"), "-t", target, "-q"]
        words += ["--task", task_of(entry), "--seed", str(arguments.seed)]
        words += ["--time-limit", arguments.time_limit, "-o", str(run_folder)]
        first = FirstRung(run_folder / "journal.jsonl")
        code, seconds, watch, _, err = run([*words, *arguments.words], timeout=3600)
        row = {
            "set": entry["name"],
            "rows": len(train),
            "exit": code,
            "seconds": round(seconds, 1),
            "peak_gb": round(watch.peak_bytes / 1e9, 2),
        }
        if code:
            return row | {"note": err.strip().splitlines()[-1:]}
        row |= accuracy(run_folder, folder, train, test, entry)
        return row | spending(run_folder, first.stop(), seconds) | statuses(run_folder)


class FirstRung:
    """Seconds until a learner other than the baseline has a score."""

    def __init__(self, journal: Path) -> None:
        self._journal, self._began = journal, time.monotonic()
        self._found: float | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """Seconds, NaN if there was none."""
        self._over.set()
        self._thread.join()
        return float("nan") if self._found is None else self._found

    def _look(self) -> None:
        while self._found is None and not self._over.wait(EVERY):
            if self._journal.exists() and any(map(scored, lines(self._journal))):
                self._found = time.monotonic() - self._began


def lines(journal: Path) -> list[dict[str, Any]]:
    """The whole lines of a journal that may still grow."""
    return [json.loads(line) for line in journal.read_text("utf-8").split("\n")[:-1]]


def scored(fit: dict[str, Any]) -> bool:
    """True of a finished fit of a learner other than the baseline."""
    return fit["status"] == "ok" and fit["learner"] != "baseline"


def accuracy(
    run: Path, folder: Path, train: pd.DataFrame, test: pd.DataFrame, entry: dict[str, Any]
) -> dict[str, Any]:
    """Scores on the held-back rows."""
    target, task = entry["target"], task_of(entry)
    numeric = task == "regression"
    words = ["automl", "predict", str(run), str(folder / "test.csv")]
    words += ["-o", str(folder / "predictions.csv"), *(() if numeric else ("--proba",))]
    began = time.monotonic()
    subprocess.run(words, check=True, capture_output=True)
    predicted = time.monotonic() - began
    classes = [] if numeric else sorted(train[target].unique())
    found = pd.read_csv(folder / "predictions.csv")
    columns = "prediction" if numeric else [f"proba_{label}" for label in classes]
    ours = found[columns].to_numpy(np.float64)
    plain = untuned(train, test, target, numeric=numeric)
    return {
        "score": round(score(task, test[target], ours, classes), 5),
        "untuned_hgb": round(score(task, test[target], plain, classes), 5),
        "ahead_in_se": round(ahead(task, test[target], ours, plain, classes), 1),
        "predict_s": round(predicted, 1),
    }


def spending(run: Path, first: float, seconds: float) -> dict[str, Any]:
    """Parts of the seconds of a run, and the curves that it leaves."""
    info = json.loads((run / "run.json").read_text("utf-8"))
    fits = [fit for fit in lines(run / "journal.jsonl") if fit["learner"] != "baseline"]
    family = {one["name"]: one["family"] for one in info["learners"]}
    rungs: dict[str, set[int]] = defaultdict(set)
    for fit in fits:
        if scored(fit) and fit["fold"] == 0:
            rungs[fit["trial"]].add(min(fit["rung"], 3))
    curves = {trial for trial, own in rungs.items() if len(own) == len(info["split"]["rungs"])}
    ensembles = json.loads((run / "model" / "ensembles.json").read_text("utf-8"))
    members = {member["trial"] for one in ensembles for member in one["members"]}
    busy = sum(fit["fit_seconds"] + fit["predict_seconds"] for fit in fits)
    useful = sum(
        fit["fit_seconds"] + fit["predict_seconds"]
        for fit in fits
        if fit["trial"] in members or (fit["trial"] in curves and fit["fold"] == 0)
    )
    span = info["phases"]["search"] - first
    with_curve = Counter(family[name] for name in {t.rpartition("-")[0] for t in curves})
    return {
        "first_rung_s": round(first, 1),
        "busy": round(busy / (info["machine"]["cpus"] * span), 2),
        "other_s": round(seconds - span, 1),
        "useful": round(useful / busy, 2) if busy else None,
        "deep_curves": with_curve["deep"],
        "classical_curves": with_curve["classical"],
    }


def statuses(run: Path) -> dict[str, Any]:
    """Numbers of learners by status, and why those that ran into trouble did."""
    with (run / "leaderboard.csv").open() as file:
        board = [row for row in csv.DictReader(file) if row["family"] in {"deep", "classical"}]
    info = json.loads((run / "run.json").read_text("utf-8"))
    timely = [row for row in board if "core-seconds" in row["reason"] or row["status"] != "skipped"]
    counted = Counter(row["status"] for row in timely)
    return {
        "model": info["best"],
        **{
            name: counted[name] for name in ("ok", "eliminated", "skipped", "not_reached", "failed")
        },
        "note": "; ".join(
            f"{row['learner']}: {row['reason']}"
            for row in timely
            if row["status"] in {"failed", "not_reached"}
        ),
    }


if __name__ == "__main__":
    main()
