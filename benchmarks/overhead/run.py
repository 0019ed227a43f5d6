"""Cost of the host beyond the learners' own fit and predict.

python benchmarks/overhead/run.py DATA [--time-limit 60s] [--only NAME ...]

Per set: median seconds a rung outside fit and predict on warm workers (a rung that starts a
worker does not count), the share of all CPUs busy during the search, seconds until the first
finished rung, the share of all CPU time that the driver itself takes, peak memory over the size
of the typed table, learners scored on all rows of those that fit the task. Once:
`automl --help` over `python -c "import typer"`, medians of seven.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
import tempfile
import time
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import measure_sets, parser_of, run

HERE = Path(__file__).parent
SETS = ["adult", "otto", "california_housing", "give_me_some_credit"]


def main() -> None:
    """Run the sets and write the table."""
    arguments = parser_of(HERE, __doc__).parse_args()
    ratio = median(
        [
            sys.executable,
            "-c",
            "import sys; sys.argv = ['automl', '--help']; from automl.cli import main; main()",
        ]
    ) / median([sys.executable, "-c", "import typer"])
    print(f"automl --help takes {ratio:.2f} times import typer", flush=True)
    told = f"automl --help over import typer: {ratio:.2f}"
    measure = partial(one, data=arguments.data, limit=arguments.time_limit)
    measure_sets(HERE, arguments, measure, told, usual=SETS)


def median(command: list[str]) -> float:
    """Median seconds of seven runs."""
    return statistics.median(run(command, timeout=60)[1] for _ in range(7))


def one(entry: dict[str, Any], data: Path, limit: str) -> dict[str, Any]:
    """Fit one set through the command line and take its time apart."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "run"
        command = ["automl", "fit", str(data / entry["file"]), "-t", entry["target"], "-q"]
        command += ["--time-limit", limit, "-o", str(output)]
        for column in entry["drop"]:
            command += ["--drop", column]
        began = time.time()
        _, seconds, watch, _, _ = run(command, timeout=3600)
        with (output / "leaderboard.csv").open() as file:
            board = [row for row in csv.DictReader(file) if row["family"] != "ensemble"]
        info = json.loads((output / "run.json").read_text())
        rungs = [json.loads(line) for line in (output / "journal.jsonl").read_text().splitlines()]
        first = min(
            (f.stat().st_mtime for f in (output / "predictions").glob("*-r0-f0.npy")),
            default=float("nan"),
        )
    phases = info["phases"]
    offset = datetime.fromisoformat(info["created"]).timestamp() - began
    start = began + max(offset, phases["start"])
    end = began + phases["search"] + (seconds - max(phases.values()))
    busy = [share for at, share in watch.busy if start <= at <= end]
    warm = [r["overhead_seconds"] for r in rungs[info["machine"]["cpus"] :] if r["status"] == "ok"]
    fitting = [row for row in board if not row["reason"].startswith("task: ")]
    scored = sum(row["status"] == "ok" and row["score"] != "" for row in fitting)
    cells = entry["rows"] * (entry["cols"] - 1) * 8
    return {
        "set": entry["name"],
        "seconds": round(seconds, 1),
        "first_rung_s": round(first - began, 1),
        "rungs": len(rungs),
        "median_overhead_ms": round(1000 * statistics.median(warm), 1),
        "cpu_busy_in_search": round(statistics.mean(busy), 3),
        "fit_and_predict_share": round(
            sum(r["fit_seconds"] + r["predict_seconds"] for r in rungs)
            / (info["machine"]["cpus"] * (phases["search"] - phases["start"])),
            3,
        ),
        "driver_share": round(watch.own_seconds / (info["machine"]["cpus"] * seconds), 3),
        "scored": f"{scored} of {len(fitting)}",
        "peak_gb": round(watch.peak_bytes / 1e9, 2),
        "peak_over_table": round(watch.peak_bytes / cells, 1),
    }


if __name__ == "__main__":
    main()
