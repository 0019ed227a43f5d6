"""Frequency with which each learner carries weight: the `Prior` of first-party learners.

python benchmarks/prior/run.py DATA [--rows 5500] [--time-limit 120s] [--only NAME ...]

Every learner gets a model of all rows (`--preset best`) of at most so many rows of each table; it
carries weight where the greedy ensemble of all learners gives it a twentieth or more.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from automl import AutoML

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import paced, read_table, task_of, with_earlier, write_table

HERE = Path(__file__).parent
LEAST = 0.05


def main() -> None:
    """Run the sets and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rows", type=int, default=5_500)
    parser.add_argument("--time-limit", default="120s")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--output", type=Path, default=HERE / "results.csv")
    arguments = parser.parse_args()
    sets = {e["name"]: e for e in json.loads((arguments.data / "datasets.json").read_text())}
    rows = []
    for name in arguments.only or sets:
        measure = partial(one, sets[name], arguments.data, arguments.rows, arguments.time_limit)
        rows.append(paced(measure))
        print(json.dumps(rows[-1]), flush=True)
        found = with_earlier(arguments.output, rows)
        write_table(arguments.output, "benchmarks/prior/run.py DATA", found)


def one(entry: dict[str, Any], data: Path, most: int, limit: str) -> dict[str, Any]:
    """Weight of every learner on one table; -1 where it has no model of all rows."""
    target = entry["target"]
    table = read_table(entry, data)
    if len(table) > most:
        table = table.sample(most, random_state=0)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        auto = AutoML(time_limit=limit, task=task_of(entry), preset="best", output=str(run))
        auto.fit(table, target)
        board = auto.leaderboard_
        ensembles = json.loads((run / "model" / "ensembles.json").read_text())
    whole = next(e for e in ensembles if e["name"] == "ensemble")
    weights = dict.fromkeys(board.loc[board["status"].eq("ok"), "learner"], 0.0)
    for member in whole["members"]:
        weights[member["learner"]] += member["weight"]
    there = board[~board["family"].isin(["ensemble", "baseline"])]
    reached = there[there["status"].isin(["ok", "eliminated", "not_reached"])]
    shown = {name: round(weights.get(name, -1.0), 3) for name in sorted(reached["learner"])}
    return {"set": entry["name"], "rows": len(table), **shown}


if __name__ == "__main__":
    main()
