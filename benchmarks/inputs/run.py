"""Reading: types as a person would give them, time beside pandas, and files that are spoilt.

python benchmarks/inputs/run.py types DATA     (types.csv lists every column of the sets in DATA)
python benchmarks/inputs/run.py speed [--rows 1000000]
python benchmarks/inputs/run.py fuzz [--minutes 10] [--seed 0]

`speed` reads one file of 20 columns with pandas (`read_csv` and the conversions that its columns
need) and with our reader up to typed features, in turns, and prints the ratio of the shortest,
which a busy machine disturbs least.
`fuzz` reads tables made at random: whole ones must come back as they were written, spoilt ones
must give a table or one sentence, never a traceback, and none may take longer than ten seconds.
"""

from __future__ import annotations

import argparse
import csv
import fnmatch
import json
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from automl import AutoMLError
from automl.data.apply import to_features
from automl.data.read import read_table
from automl.data.schema import infer_schema

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
from hostile import differences, make, spoil
from machine import describe

HERE = Path(__file__).parent
LONGEST = 10.0
"""Seconds that a small file may take."""
TURNS = 5


def check_types(data: Path) -> int:
    """Compare the kinds inferred with those of `types.csv`; the number of differences."""
    with (HERE / "types.csv").open(encoding="utf-8", newline="") as file:
        wanted = list(csv.DictReader(file))
    wrong = columns = 0
    for entry in json.loads((data / "datasets.json").read_text(encoding="utf-8")):
        rules = [rule for rule in wanted if rule["set"] == entry["name"]]
        table = read_table(data / entry["file"])
        schema = infer_schema(table, target=entry["target"], task=entry["task"])
        for column in schema.columns:
            columns += 1
            rule = next((r for r in rules if fnmatch.fnmatchcase(column.name, r["column"])), None)
            kinds = rule["kind"].split("|") if rule else []
            if column.kind not in kinds:
                wrong += 1
                print(f"{entry['name']}: {column.name} is {column.kind}, not {kinds}")
    print(f"{columns - wrong:,} of {columns:,} columns as a person would read them")
    return wrong


def check_speed(rows: int) -> int:
    """Time reading beside pandas; 0 if it takes at most twice as long."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.csv"
        _big(rows).to_csv(path, index=False)
        ours, theirs = [], []
        for _ in range(TURNS):
            began = time.perf_counter()
            _by_pandas(path)
            theirs.append(time.perf_counter() - began)
            began = time.perf_counter()
            table = read_table(path)
            to_features(infer_schema(table, target="y"), table)
            ours.append(time.perf_counter() - began)
    ratio = min(ours) / min(theirs)
    print(f"machine: {describe()}")
    print(f"{rows:,} rows x 20: ours {min(ours):.2f} s, ", end="")
    print(f"pandas {min(theirs):.2f} s, ratio {ratio:.2f}")
    return int(ratio > 2)


def _big(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    columns = {f"f{i}": np.round(rng.normal(size=rows), 4) for i in range(8)}
    columns |= {f"i{i}": rng.integers(0, 1000 * 10**i, rows) for i in range(4)}
    columns |= {
        f"w{i}": rng.choice([f"word{j}" for j in range(10 ** (i + 1))], rows) for i in (0, 1, 2)
    }
    moments = pd.Series(pd.date_range("2001-01-01", periods=rows, freq="7min"))
    columns["when"] = moments.dt.strftime("%Y-%m-%d %H:%M")
    columns["day"] = moments.dt.strftime("%m/%d/%Y")
    columns["yes"] = rng.choice(["yes", "no"], rows)
    columns["money"] = np.array([f"${v}.50" for v in rng.integers(0, 9999, rows)])
    columns["y"] = rng.choice(["a", "b"], rows)
    return pd.DataFrame(columns)


def _by_pandas(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path)
    frame["when"] = pd.to_datetime(frame["when"])
    frame["day"] = pd.to_datetime(frame["day"], format="%m/%d/%Y")
    frame["money"] = pd.to_numeric(frame["money"].str.replace("$", ""))
    for name in ("w0", "w1", "w2", "yes"):
        frame[name] = frame[name].astype("category")
    return frame


def fuzz(minutes: float, seed: int) -> int:
    """Read whole and spoilt files until the time is over; the number of faults."""
    end = time.monotonic() + 60 * minutes
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        while time.monotonic() < end:
            made = make(seed)
            draw = random.Random(seed)  # noqa: S311 - no secret
            broken = seed % 2 == 1
            path.write_bytes(spoil(made.data, draw) if broken else made.data)
            began = time.monotonic()
            said = _read(path, None if broken else made)
            if time.monotonic() - began > LONGEST:
                said = f"took {time.monotonic() - began:.0f} s"
            counts["spoilt" if broken else "whole"] += 1
            if said:
                counts["faults"] += 1
                print(f"seed {seed}: {said}", flush=True)
            seed += 1
    print(f"{counts['whole']:,} whole and {counts['spoilt']:,} spoilt files, ", end="")
    print(f"{counts['faults']:,} faults in {minutes:g} minutes")
    return counts["faults"]


def _read(path: Path, made: object) -> str:
    """A sentence on what went wrong; empty if nothing did."""
    try:
        table = read_table(path)
        schema = infer_schema(table, target=str(table.columns[-1]))
        typed = to_features(schema, table)
    except AutoMLError as error:
        if made is None or "target" in str(error) or "No column is left" in str(error):
            return ""
        return f"refused: {error}"
    except Exception:  # noqa: BLE001 - any other is what this looks for
        return traceback.format_exc()
    if made is None:
        return "" if len(typed) == len(table) else "rows were lost"
    return "; ".join(differences(made, table, typed))  # type: ignore[arg-type]


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("types").add_argument("data", type=Path)
    commands.add_parser("speed").add_argument("--rows", type=int, default=1_000_000)
    fuzzing = commands.add_parser("fuzz")
    fuzzing.add_argument("--minutes", type=float, default=10)
    fuzzing.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    if asked.command == "types":
        sys.exit(check_types(asked.data) > 0)
    if asked.command == "speed":
        sys.exit(check_speed(asked.rows))
    sys.exit(fuzz(asked.minutes, asked.seed) > 0)


if __name__ == "__main__":
    main()
