"""A million rows and two minutes: does a verdict hold the clock against a family?

python benchmarks/cut_short/run.py [--rows 1000000] [--time-limit 120s]

Generates a table (14 normal numbers, a whole number k, four columns of categories that mean
nothing, a time stamp; y says whether x0 + x1 x2 + (k > 500) + noise > 0), fits it, and sets the
family's sentence beside untuned HistGradientBoosting, trained on nine tenths of the rows and scored
on the rest: a deep side that is said to be ahead of the classical one must be ahead of that too.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import run, write_table

HERE = Path(__file__).parent
NUMBERS, CATEGORIES, LEVELS = 14, 4, 20


def main() -> None:
    """Fit, compare and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--time-limit", default="120s")
    parser.add_argument("--output", type=Path, default=HERE / "results.csv")
    arguments = parser.parse_args()
    frame = table(arguments.rows)
    cut = len(frame) * 9 // 10
    with tempfile.TemporaryDirectory() as folder:
        file, output = Path(folder) / "table.parquet", Path(folder) / "run"
        frame.to_parquet(file, index=False)
        words = ["automl", "fit", str(file), "-t", "y", "-q"]
        words += ["--time-limit", arguments.time_limit, "-o", str(output)]
        code, seconds, watch, _, err = run(words, timeout=1200)
        if code:
            raise SystemExit(err)
        document = json.loads((output / "scaling.json").read_text())
        board = pd.read_csv(output / "leaderboard.csv")
    family = document["contrasts"][0]
    best = board[board["rank"].notna()].groupby("family")["score"].max()
    row = {
        "rows": arguments.rows,
        "limit": arguments.time_limit,
        "seconds": round(seconds, 1),
        "peak_gb": round(watch.peak_bytes / 1e9, 2),
        "level": family["level"]["verdict"],
        "rate": family["rate"]["verdict"],
        **{f"{name}_best": round(float(best[name]), 4) for name in ("deep", "classical")},
        "untuned_hist_gradient_boosting": round(untuned(frame, cut), 4),
        "fits": document["fits"]["count"],
        "censored": document["fits"]["censored"],
        "time_limited": " ".join(board.loc[board["time_limited"], "learner"]),
        "sentence": family["sentence"],
    }
    for key, value in row.items():
        print(f"{key}: {value}")
    write_table(arguments.output, "benchmarks/cut_short/run.py", [row])
    if row["level"] == "deep ahead" and row["deep_best"] < row["untuned_hist_gradient_boosting"]:
        msg = "a family is said to be ahead that an untuned booster is ahead of"
        raise SystemExit(msg)


def table(rows: int) -> pd.DataFrame:
    """The generated table."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, NUMBERS)).astype(np.float32)
    k = rng.integers(0, 1001, rows)
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(NUMBERS)])
    frame["k"] = k
    for number in range(CATEGORIES):
        frame[f"c{number}"] = [f"level{i}" for i in rng.integers(0, LEVELS, rows)]
    seconds = rng.integers(0, 3 * 365 * 86_400, rows)
    frame["at"] = pd.Timestamp("2021-01-01") + pd.to_timedelta(seconds, unit="s")
    frame["y"] = (x[:, 0] + x[:, 1] * x[:, 2] + (k > 500) + rng.normal(size=rows) > 0).astype(int)
    return frame


def untuned(frame: pd.DataFrame, cut: int) -> float:
    """ROC AUC of HistGradientBoosting as it comes."""
    X = frame.drop(columns=["y", "at"]).assign(at=frame["at"].astype("int64"))
    X = X.astype({f"c{i}": "category" for i in range(CATEGORIES)})
    began = time.monotonic()
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
    model.fit(X[:cut], frame["y"][:cut])
    print(f"untuned HistGradientBoosting: {time.monotonic() - began:.0f} s")
    return float(roc_auc_score(frame["y"][cut:], model.predict_proba(X[cut:])[:, 1]))


if __name__ == "__main__":
    main()
