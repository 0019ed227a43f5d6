"""Numbers of the scheduler, replayed from the files of fits with locked rows.

python benchmarks/replay/run.py DATA [--runs FOLDER] [--time-limit 60s] [--only NAME ...]

Fits every set with a quarter of its rows locked and every learner on all rows (`--preset best`),
unless FOLDER has its run already, and reads from the run directories, per set:

- `growth`: median exponent of fit seconds in rows, from an eighth, a quarter and a half to all;
- `ratio_90`: seconds of a fit of all rows over eight times those of an eighth, nine tenths of fits;
- `averaged`: loss on the locked rows that a mean of two models of a configuration took off that
  of the first alone, median over configurations;
- `spread`: standard deviation of the validation losses of a learner's configurations on all rows,
  median over the learners with three or more.

The last two are in parts of the distance between the best and the median learner, of their first
models on the locked rows.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

from automl import AutoML

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import entries, parser_of, read_table, task_of, with_earlier, write_table

HERE = Path(__file__).parent
LOSSES: dict[str, Callable[[Any, Any], float]] = {
    "roc_auc": lambda y, p: -float(roc_auc_score(y, p[:, 1])),
    "log_loss": lambda y, p: float(log_loss(y, p, labels=range(p.shape[1]))),
    "rmse": lambda y, p: float(root_mean_squared_error(y, p)),
}
SHORT = 0.2
"""Seconds below which a fit is too short to tell how time grows."""


def main() -> None:
    """Fit what is missing, replay, and write the table."""
    parser = parser_of(HERE, __doc__)
    parser.add_argument("--runs", type=Path, default=Path("replay-runs"))
    arguments = parser.parse_args()
    rows, sets = [], entries(arguments.data)
    for name in arguments.only or sets:
        folder = arguments.runs / name
        if not folder.exists():
            fit(sets[name], arguments.data, arguments.time_limit, folder)
        rows.append({"set": name} | replayed(folder))
        print(json.dumps(rows[-1]), flush=True)
    found = with_earlier(arguments.output, rows)
    write_table(arguments.output, "benchmarks/replay/run.py DATA", found)
    for column in ("growth", "ratio_90", "averaged", "spread"):
        values = [row[column] for row in found if isinstance(row[column], float)]
        print(column, "median over the sets", round(statistics.median(values), 4))


def fit(entry: dict[str, Any], data: Path, limit: str, folder: Path) -> None:
    """Fit a set with a quarter of its rows locked."""
    target = entry["target"]
    table = read_table(entry, data)
    few = entry["task"] == "regression" or table[target].value_counts().min() < 2
    train, test = train_test_split(
        table, test_size=0.25, random_state=0, stratify=None if few else table[target]
    )
    asked = {"time_limit": limit, "task": task_of(entry), "preset": "best"}
    AutoML(**asked, test=test, output=folder).fit(train, target)


def replayed(run: Path) -> dict[str, Any]:
    """The numbers of one run."""
    lines = (run / "journal.jsonl").read_text("utf-8").splitlines()
    fits = [f for f in map(json.loads, lines) if f["status"] == "ok"]
    info = json.loads((run / "run.json").read_text("utf-8"))
    loss = LOSSES[info["metric"]["name"]]
    growths, ratios = zip(*timings(fits), strict=True) if list(timings(fits)) else ((), ())
    eighth = sorted(ratio for ratio, rows in ratios if rows > 7)
    truth = np.load(run / "predictions" / "truth_test.npy")
    tests = {
        (f["trial"], f["fold"]): np.load(
            run / "predictions" / f"{f['trial']}-r{f['rung']}-f{f['fold']}-test.npy"
        )
        for f in fits
        if f["rung"] >= 3
    }
    firsts = {trial: loss(truth, p) for (trial, fold), p in tests.items() if fold == 0}
    learners = [
        value for trial, value in firsts.items() if trial.endswith("-0") and trial != "baseline-0"
    ]
    apart = statistics.median(learners) - min(learners)
    whole = info["split"]["folds"]
    second = {trial: p for (trial, fold), p in tests.items() if fold == whole and trial in firsts}
    averaged = [
        (firsts[trial] - loss(truth, (tests[trial, 0] + p) / 2)) / apart
        for trial, p in second.items()
    ]
    return {
        "growth": middle(growths),
        "ratio_90": round(eighth[int(0.9 * len(eighth))], 3) if eighth else None,
        "averaged": middle(averaged),
        "spread": middle(list(spreads(fits, apart))),
        "fits": len(fits),
    }


def timings(fits: list[dict[str, Any]]) -> Iterator[tuple[float, tuple[float, float]]]:
    """Exponent of time in rows, time over what is in proportion to the rows, and their ratio."""
    by: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for fit in fits:
        if fit["fold"] == 0 and fit["rung"] <= 3 and not fit["censored"]:
            by[fit["trial"]][fit["rung"]] = fit
    for climbed in by.values():
        top = climbed.pop(3, None)
        for low in climbed.values() if top and top["fit_seconds"] > SHORT else ():
            rows = top["n"] / low["n"]
            time = top["fit_seconds"] / max(low["fit_seconds"], 1e-3)
            yield math.log(time) / math.log(rows), (time / rows, rows)


def spreads(fits: list[dict[str, Any]], apart: float) -> Iterator[float]:
    """Standard deviation of the losses of each learner's configurations, over a distance."""
    by: dict[str, dict[str, float]] = defaultdict(dict)
    for fit in fits:
        if fit["rung"] == 3 and fit["fold"] == 0 and fit["seed"] == 0:
            by[fit["learner"]][fit["trial"]] = fit["score"]
    for scores in by.values():
        if len(scores) > 2:
            yield statistics.stdev(scores.values()) / apart


def middle(values: Any) -> float | None:
    """The median, None of nothing."""
    return round(statistics.median(values), 4) if values else None


if __name__ == "__main__":
    main()
