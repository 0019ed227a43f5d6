"""Lose nodes at random moments, let others join, and see whether fits end in time and in order.

Every run has a head without CPUs, a node of two CPUs that stays and one of two that is lost;
another joins at once. Its learners sleep, so that one machine can stand for several.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from raylets import Raylets, finish, wait_for_fits, write_table

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import write_table as write_results

HERE = Path(__file__).parent
ABOVE, SLACK = 1.03, 2.0
"""A run is in time within so many times its limit, and so many seconds more."""


def lose_one(folder: Path, limit: float, moment: float) -> dict[str, object]:
    """Fit once, and lose a node `moment` of the way through the limit."""
    with Raylets(folder) as raylets:
        raylets.add("head", 0)
        raylets.add("stays", 2)
        raylets.add("goes", 2)
        run, began = folder / "run", time.monotonic()
        fit = raylets.start(write_table(folder / "t.csv"), run, limit)
        time.sleep(moment * limit)
        raylets.lose("goes")
        raylets.add("joins", 2)
        there, joins = time.time(), raylets.id("joins")
        wait_for_fits(raylets, 1, joins, limit=(1 - moment) * limit)
        diary = raylets.diary()
        first = diary[diary.node == joins].began.min() - there
        code, said = finish(fit, 3 * limit)
        seconds = time.monotonic() - began
    lines = (run / "journal.jsonl").read_text().splitlines() if code == 0 else []
    statuses = [json.loads(line)["status"] for line in lines]
    return {
        "moment": round(moment, 2),
        "exit": code,
        "in_time": seconds <= ABOVE * limit + SLACK,
        "seconds": round(seconds, 1),
        "fits": statuses.count("ok"),
        "failed": statuses.count("failed"),
        "seconds_to_first_fit_of_joined": round(first, 1),
        "said": "" if code == 0 else said.strip().splitlines()[-1],
    }


def main() -> None:
    """Make the runs, and write what became of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--losses", type=int, default=20)
    parser.add_argument("--limit", type=float, default=40.0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chance, rows = np.random.default_rng(asked.seed), []
    for _ in range(asked.losses):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            rows.append(lose_one(Path(name), asked.limit, float(chance.uniform(0.05, 0.9))))
        print(rows[-1], flush=True)
        write_results(HERE / "results.csv", "python benchmarks/clusters/run.py", rows)


if __name__ == "__main__":
    main()
