"""Seconds and peak memory of a fit by phase, as rows and columns grow.

python benchmarks/growth/run.py [--rows 1e4 1e5 1e6 1e7] [--columns 10 100 1000 10000]

Tables of 20 columns are generated (16 of numbers, 3 of words, a class), as CSV and as Parquet, and
those of few rows with many columns of numbers as Parquet. Each is fitted by the learners named
below, and predicted by `automl predict`. Per table: seconds of the phases that run.json knows, of
the first model with its rows, of encoding beside the search; memory at once of all processes
(shared pages once) in each phase; the share of all CPU time that the command itself takes, its
workers apart. Above the table: exponents of seconds and memory in rows and in columns, by least
squares over logarithms, from 100,000 rows and 100 columns on.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import paced, run, with_earlier, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
LEARNERS = ("linear", "xgboost", "mlp")
"""One of each view."""
LIMITS = {10**5: "30s", 10**6: "60s", 10**7: "15m"}
"""Most rows -> time limit."""
ROWS = (10**4, 10**5, 10**6, 10**7)
COLUMNS = (10, 100, 1_000, 10_000)
FEW_ROWS = 1_000
"""Rows of the tables with many columns."""
BLOCK = 10**6
PHASES = ("read", "infer", "split", "start", "search", "ensemble", "save", "diagnose")
LARGE = {"rows": 10**5, "columns": 100}
"""Sizes from which exponents are fitted: below, what takes the same whatever the size prevails."""


def main() -> None:
    """Measure the tables one by one, and write the results after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="*", type=float, default=ROWS)
    parser.add_argument("--columns", nargs="*", type=float, default=COLUMNS)
    parser.add_argument("--forms", nargs="*", default=["csv", "parquet"])
    parser.add_argument("--time-limit", help="of every fit, in place of the usual one")
    parser.add_argument("--folder", type=Path, help="for the tables; temporary unless given")
    parser.add_argument("--output", type=Path, default=HERE / "results.csv")
    given = parser.parse_args()
    tables = [("rows", int(n), 20, form) for n in given.rows for form in given.forms]
    tables += [("columns", FEW_ROWS, int(d), "parquet") for d in given.columns]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for table in tables:
            rows.append(paced(partial(one, Path(folder), *table, given.time_limit)))
            print(json.dumps(rows[-1]), flush=True)
            found = sorted(with_earlier(given.output, rows), key=place)
            told = [f"learners: {', '.join(LEARNERS)}", *left_out(found), *exponents(found)]
            write_table(given.output, "benchmarks/growth/run.py", found, *told)


def place(row: dict[str, Any]) -> tuple[str, int, int, str]:
    """The place of a row in the table."""
    return row["grows"], int(row["rows"]), int(row["columns"]), row["form"]


def left_out(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Sentences on the usual sizes that are not measured."""
    for grows, usual in (("rows", ROWS), ("columns", COLUMNS)):
        known = {int(row[grows]) for row in rows if row["grows"] == grows}
        if missing := [f"{size:,}" for size in usual if size not in known]:
            yield f"not measured: {', '.join(missing)} {grows}"


def one(folder: Path, grows: str, rows: int, columns: int, form: str, limit: str | None) -> dict:
    """Fit and predict one table through the command line."""
    data, output = folder / f"table.{form}", folder / "run"
    write(data, rows, columns)
    limit = limit or next(one for most, one in LIMITS.items() if rows <= most)
    command = ["automl", "fit", str(data), "-t", "y", "-q", "--time-limit", limit]
    command += ["-o", str(output), *(word for name in LEARNERS for word in ("--learner", name))]
    began = time.time()
    code, seconds, watch, _, err = run(command, timeout=3600)
    if code:
        raise SystemExit(err)
    info = json.loads((output / "run.json").read_text())
    first = min(file.stat().st_mtime for file in (output / "predictions").glob("*-r*-f0.npy"))
    # the clock of the phases starts a little after the process
    shift = max(0.0, datetime.fromisoformat(info["created"]).timestamp() - began)
    shift = max(0.0, min(shift, seconds) - info["phases"]["split"])
    ends = {name: began + shift + info["phases"][name] for name in PHASES}
    starts = dict(zip(PHASES, [began, *ends.values()], strict=False))
    predicted = folder / "predicted.parquet"
    told = ["automl", "predict", str(output), str(data), "-o", str(predicted)]
    code, predict_seconds, predict_watch, _, err = run(told, timeout=3600)
    if code:
        raise SystemExit(err)
    found = {
        "set": f"{grows} {rows} x {columns} {form}",
        "grows": grows,
        "rows": rows,
        "columns": columns,
        "form": form,
        "limit": limit,
        "seconds": round(seconds, 1),
        "first_model_s": round(first - began, 2),
        **{f"{name}_s": round(ends[name] - starts[name], 2) for name in PHASES},
        **{f"{name}_s": round(spent, 2) for name, spent in info["encoding"].items()},
        "predict_s": round(predict_seconds, 2),
        "host_share": round(watch.own_seconds / (info["machine"]["cpus"] * seconds), 3),
        "fits": len((output / "journal.jsonl").read_text().splitlines()),
        **{f"{name}_gb": peak(watch.held, starts[name], ends[name]) for name in PHASES},
        "predict_gb": round(predict_watch.peak_bytes / 1e9, 2),
        "peak_gb": round(watch.peak_bytes / 1e9, 2),
        "file_gb": round(data.stat().st_size / 1e9, 3),
    }
    for file in sorted(folder.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    return found


def peak(held: list[tuple[float, int]], start: float, end: float) -> float | str:
    """Most memory at once between two moments, in GB; empty if none was sampled."""
    some = [size for at, size in held if start <= at <= end]
    return round(max(some) / 1e9, 2) if some else ""


def exponents(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Sentences on the exponents of what grows, by form of the file."""
    for grows, large in LARGE.items():
        for form in ("csv", "parquet"):
            some = [r for r in rows if r["grows"] == grows and r["form"] == form]
            some = [r for r in some if int(r[grows]) >= large]
            names = [name for name in (some or [{}])[0] if name.endswith(("_s", "_gb"))]
            fitted = {name: exponent([(r[grows], r[name]) for r in some]) for name in names}
            told = ", ".join(f"{k} {v:.2f}" for k, v in fitted.items() if math.isfinite(v))
            if told:
                yield f"exponents in {grows}, {form}: {told}"


def exponent(points: list[tuple[Any, Any]]) -> float:
    """Slope of the logarithms; NaN where nothing tells it."""
    known = [(float(x), float(y)) for x, y in points if y not in {"", None} and float(y) > 0]
    if len({x for x, _ in known}) < 2:
        return math.nan
    xs, ys = zip(*((math.log(x), math.log(y)) for x, y in known), strict=True)
    return statistics.linear_regression(xs, ys).slope


def write(file: Path, rows: int, columns: int) -> None:
    """Write a table with a class that three of its columns tell, and noise."""
    rng = np.random.default_rng(0)
    writer: Any = None
    for start in range(0, rows, BLOCK):
        table = block(rng, min(BLOCK, rows - start), columns)
        if writer is None:
            kind = csv.CSVWriter if file.suffix == ".csv" else parquet.ParquetWriter
            writer = kind(str(file), table.schema)
        writer.write_table(table)
    writer.close()


def block(rng: np.random.Generator, rows: int, columns: int) -> pa.Table:
    """Some rows: three columns of words and four of whole numbers of 20, the others measured."""
    levels, digits = ((5, 50, 500), (1, 2, 3, 4)) if columns == 20 else ((), ())
    measured = columns - 1 - len(levels) - len(digits)
    numbers = np.round(rng.standard_normal((measured, rows)), 4)
    table: dict[str, Any] = {f"x{j}": column for j, column in enumerate(numbers)}
    for j, many in enumerate(digits):
        table[f"count{j}"] = rng.integers(0, 10**many, rows)
    for j, many in enumerate(levels):
        words = pa.array([f"level {k}" for k in range(many)])
        table[f"word{j}"] = words.take(pa.array(rng.integers(0, many, rows)))
    told = numbers[0] + numbers[1] * numbers[2] + rng.standard_normal(rows)
    table["y"] = pa.array(["no", "yes"]).take(pa.array((told > 0).astype(int)))
    return pa.table(table)


if __name__ == "__main__":
    main()
