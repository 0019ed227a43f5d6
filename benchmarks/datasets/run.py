"""A 60 s fit on every data set: does it end in time, with both families, in memory?

python benchmarks/datasets/run.py DATA [--time-limit 60s] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import paced, run, with_earlier, write_table

HERE = Path(__file__).parent


def main() -> None:
    """Run the sets and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--time-limit", default="60s")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--output", type=Path, default=HERE / "results.csv")
    arguments = parser.parse_args()
    sets = json.loads((arguments.data / "datasets.json").read_text())
    rows = []
    for entry in sets:
        if arguments.only and entry["name"] not in arguments.only:
            continue
        rows.append(paced(partial(one, entry, arguments.data, arguments.time_limit)))
        print(json.dumps(rows[-1]), flush=True)
        found = with_earlier(arguments.output, rows)
        write_table(arguments.output, "benchmarks/datasets/run.py DATA", found)


def one(entry: dict[str, Any], data: Path, limit: str) -> dict[str, Any]:
    """Fit one data set through the command line and read the run directory."""
    task = "binary" if entry["task"] == "anomaly" else entry["task"]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "run"
        command = ["automl", "fit", str(data / entry["file"]), "-t", entry["target"]]
        command += ["--task", task, "--time-limit", limit, "-o", str(output)]
        for column in entry["drop"]:
            command += ["--drop", column]
        code, seconds, watch, _, err = run(command, timeout=600)
        row: dict[str, Any] = {
            "set": entry["name"],
            "rows": entry["rows"],
            "columns": entry["cols"],
            "exit": code,
            "seconds": round(seconds, 1),
            "peak_gb": round(watch.peak_bytes / 1e9, 2),
        }
        if code:
            return row | {"note": err.strip().splitlines()[-1:]}
        return row | board(output)


def board(output: Path) -> dict[str, Any]:
    """Scores, families and rungs of a run directory."""
    info = json.loads((output / "run.json").read_text())
    with (output / "leaderboard.csv").open() as file:
        rows = list(csv.DictReader(file))
    rungs = [json.loads(line) for line in (output / "journal.jsonl").read_text().splitlines()]
    scored = [r for r in rows if r["status"] == "ok" and r["score"]]
    best = {
        family: next((r for r in scored if r["family"] == family), None)
        for family in ("deep", "classical")
    }
    ensemble = next((r for r in scored if r["learner"] == "ensemble"), None)
    learners = [
        r for r in rows if r["family"] != "ensemble" and not r["reason"].startswith("task: ")
    ]
    return {
        "metric": info["metric"]["name"],
        "scored_rows": info["scored_rows"],
        "predicts": named(next((r for r in scored if r["learner"] == info["best"]), None)),
        "ensemble": short(ensemble),
        "stacking": short(next((r for r in scored if r["learner"] == "stacking"), None)),
        "deep": named(best["deep"]),
        "classical": named(best["classical"]),
        "ensemble_ties_best": ensemble["ties_best"] if ensemble else "",
        "rungs": len(rungs),
        "trials": len({r["trial"] for r in rungs}),
        "not_reached": sum(r["status"] == "not_reached" for r in learners),
        "failed": sum(r["status"] == "failed" for r in learners),
        "skipped": sum(r["status"] == "skipped" for r in learners),
        "learners": len(learners),
        "note": "; ".join(
            f"{r['learner']}: {r['reason']}" for r in learners if r["status"] != "ok"
        ),
    }


def short(row: dict[str, str] | None) -> str:
    """A score in five digits."""
    return f"{float(row['score']):.5g}" if row else ""


def named(row: dict[str, str] | None) -> str:
    """A learner with its score."""
    return f"{row['learner']} {short(row)}" if row else ""


if __name__ == "__main__":
    main()
