"""Frequency with which each learner carries weight: the `Prior` of first-party learners.

python benchmarks/prior/run.py DATA [--rows 5500] [--time-limit 120s] [--only NAME ...]

Every learner gets a model of all rows (`--preset best`) of at most so many rows of each table; it
carries weight where the greedy ensemble of all learners gives it a twentieth or more.
"""

from __future__ import annotations

import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from automl import AutoML

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import measure_sets, parser_of, read_table, task_of

HERE = Path(__file__).parent
LEAST = 0.05


def main() -> None:
    """Run the sets and write the table."""
    parser = parser_of(HERE, __doc__, limit="120s")
    parser.add_argument("--rows", type=int, default=5_500)
    arguments = parser.parse_args()
    rows, limit = arguments.rows, arguments.time_limit
    measure_sets(HERE, arguments, partial(one, data=arguments.data, most=rows, limit=limit))


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
