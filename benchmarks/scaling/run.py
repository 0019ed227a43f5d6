"""The dedicated study with laptop defaults: does it end in time, with a verdict for everyone?

python benchmarks/scaling/run.py DATA [--only NAME ...] [--time-limit 1h] [--judge]

`cells/` keeps what the verdicts were made of. `--judge` trains nothing: it judges those cells anew.
Per set and contrast: level, rate, crossover, the rows that the verdict is about, and what the study
took.
kddcup99_10pct gets half an hour, and has to say what it could not afford. Where an hour of all
learners left the families undecided, california_housing, those that could lead are set against each
other again, with other shuffles and more of them. Rows of studies that `--only` leaves out stay in
the table.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl import scaling

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
import cells
from machine import entries, run, with_earlier, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
CELLS = HERE / "cells"
FEW = [f"--learner={name}" for name in ("tabm", "lightgbm", "xgboost", "catboost")]
STUDIES: dict[str, tuple[str, str, list[str]]] = {
    "adult": ("adult", "1h", []),
    "covertype_20k": ("covertype_20k", "1h", []),
    "california_housing": ("california_housing", "1h", []),
    "california_housing_few": ("california_housing", "30m", [*FEW, "--repeats=10", "--seed=1"]),
    "kddcup99_10pct": ("kddcup99_10pct", "30m", []),
}
"""Name of a study -> its data set, time limit and other options."""
HEAD = ("set", "limit", "exit", "seconds", "peak_gb")
"""Columns about the training."""


def main() -> None:
    """Run the sets and write the tables of verdicts and of shortfalls."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", default=list(STUDIES))
    parser.add_argument("--time-limit", help="for every study, instead of its own")
    parser.add_argument("--judge", action="store_true", help="judge the cells kept, no training")
    parser.add_argument("--output", type=Path, default=HERE / "results.csv")
    arguments = parser.parse_args()
    shortfalls = arguments.output.with_suffix(".shortfalls.json")
    rows, short = [], json.loads(shortfalls.read_text()) if shortfalls.exists() else {}
    for name in arguments.only:
        if arguments.judge:
            head = next(row for row in with_earlier(arguments.output, []) if row["set"] == name)
            study = cells.kept(CELLS, name)
            found = [{key: head[key] for key in HEAD} | one for one in verdicts(study)]
        else:
            found, short[name] = train(name, arguments.data, arguments.time_limit)
        rows += found
        for row in found:
            print(json.dumps(row), flush=True)
        write_table(
            arguments.output, "benchmarks/scaling/run.py DATA", with_earlier(arguments.output, rows)
        )
        shortfalls.write_text(json.dumps(short, indent=1) + "\n", encoding="utf-8")


def train(name: str, data: Path, limit: str | None) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """One study through the command line: its verdicts, and learner -> what fell short."""
    of, usual, options = STUDIES[name]
    limit = limit or usual
    entry = entries(data)[of]
    task = "binary" if entry["task"] == "anomaly" else entry["task"]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "study"
        command = ["automl", "scale", str(data / entry["file"]), "-t", entry["target"], "-q"]
        command += ["--task", task, "--time-limit", limit, "-o", str(output), *options]
        for column in entry["drop"]:
            command += ["--drop", column]
        code, seconds, watch, _, err = run(command, timeout=2 * 3600)
        head = {
            "set": name,
            "limit": limit,
            "exit": code,
            "seconds": round(seconds, 1),
            "peak_gb": round(watch.peak_bytes / 1e9, 2),
        }
        if code:
            return [head | {"sentence": err.strip().splitlines()[-1]}], {}
        study = scaling.read_study(output)
        cells.keep(study, CELLS, name)
        info = json.loads((output / "run.json").read_text())
        short = {row["name"]: row["reason"] for row in info["learners"] if row["reason"]}
        return [head | verdict for verdict in verdicts(study)], short


def verdicts(study: scaling.Study) -> Iterator[dict[str, Any]]:
    """One row a contrast."""
    document = scaling.scaling_document(study)
    for contrast in document["contrasts"]:
        level, rate = contrast["level"], contrast["rate"]
        words = [level["verdict"], rate["verdict"], contrast["crossover"]["status"]]
        words = words if contrast["tested"] else ["not tested"] * len(words)
        yield {
            "metric": document["metric"],
            "regime": document["regime"],
            "deep": contrast["deep"],
            "classical": contrast["classical"],
            "n": level["n"],
            "level": words[0],
            "difference": level["difference"],
            "rate": words[1],
            "per_doubling": rate["per_doubling"],
            "low": rate["low"],
            "high": rate["high"],
            "df": contrast["df"],
            "detectable": contrast["detectable"],
            "crossover": words[2],
            "sentence": contrast["sentence"],
        }


if __name__ == "__main__":
    main()
