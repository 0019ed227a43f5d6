"""The machine a benchmark ran on, and what a process tree takes of it."""

from __future__ import annotations

import argparse
import csv
import json
import platform
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def describe() -> str:
    """One line: processor, CPUs, memory, system, Python."""
    info = Path("/proc/cpuinfo")
    names = [
        line.partition(":")[2].strip()
        for line in (info.read_text().splitlines() if info.exists() else [])
        if line.startswith("model name")
    ]
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{names[0] if names else platform.processor()}, {psutil.cpu_count()} CPUs, "
        f"{memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    )


def parser_of(folder: Path, about: str | None, limit: str = "60s") -> argparse.ArgumentParser:
    """Arguments of a benchmark over data sets, whose table lies in its folder."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("data", type=Path)
    parser.add_argument("--time-limit", default=limit)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--output", type=Path, default=folder / "results.csv")
    return parser


def entries(data: Path) -> dict[str, dict[str, Any]]:
    """Name -> entry of each data set, as `datasets.json` has them."""
    found = json.loads((data / "datasets.json").read_text(encoding="utf-8"))
    return {entry["name"]: entry for entry in found}


def measure_sets(
    folder: Path,
    arguments: argparse.Namespace,
    measure: Callable[[dict[str, Any]], dict[str, Any]],
    *told: str,
    usual: Iterable[str] = (),
) -> None:
    """Measure data sets one by one, and write the table after each.

    Args:
        folder: Of the benchmark.
        arguments: As `parser_of` has them.
        measure: Gives the row of an entry.
        told: Lines above the table.
        usual: Names of the sets that are measured unless others are named; all if empty.
    """
    rows, sets = [], entries(arguments.data)
    for name in arguments.only or usual or sets:
        rows.append(paced(partial(measure, sets[name])))
        print(json.dumps(rows[-1]), flush=True)
        found = with_earlier(arguments.output, rows)
        write_table(arguments.output, f"benchmarks/{folder.name}/run.py DATA", found, *told)


def read_table(entry: dict[str, Any], data: Path) -> pd.DataFrame:
    """The table of an entry of `datasets.json`, its rows with a target."""
    table = pd.read_csv(data / entry["file"], na_values=["?", "NA", ""])
    return table.drop(columns=entry["drop"])[lambda frame: frame[entry["target"]].notna()]


def task_of(entry: dict[str, Any]) -> str:
    """The task of an entry with its labels as the target."""
    return "binary" if entry["task"] == "anomaly" else str(entry["task"])


def write_table(path: Path, command: str, rows: list[dict[str, Any]], *told: str) -> None:
    """A CSV table with the command, the machine and what else is told above it."""
    with path.open("w", newline="") as file:
        words = ("DIR" if Path(word).is_dir() else word for word in sys.argv[2:])
        file.write(f"# python {command} {' '.join(words)}".rstrip() + "\n")
        file.writelines(f"# {line}\n" for line in (describe(), *told))
        writer = csv.DictWriter(file, list(dict.fromkeys(k for row in rows for k in row)))
        writer.writeheader()
        writer.writerows(rows)


def with_earlier(path: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of other sets in the table at `path`, then `rows`: sets may be measured in turns."""
    if not path.exists():
        return rows
    measured = {row["set"] for row in rows}
    with path.open() as file:
        earlier = csv.DictReader(line for line in file if not line.startswith("#"))
        return [row for row in earlier if row["set"] not in measured] + rows


def pace() -> float:
    """Seconds of a fixed loop of plain Python: how fast this machine is at the moment.

    On a shared machine neighbours slow it, twofold and for minutes; figures of two moments
    compare only where this is about the same.
    """
    began = time.perf_counter()
    for _ in range(10_000_000):
        pass
    return time.perf_counter() - began


def paced(measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Result of a measurement, and as `loop_s` the slower `pace` of before and after it."""
    before = pace()
    return measure() | {"loop_s": round(max(before, pace()), 2)}


class Watch:
    """Samples a process and its children while they run."""

    def __init__(self, pid: int, every: float = 0.5) -> None:
        self._process = psutil.Process(pid)
        self._every = every
        self._over = threading.Event()
        self.peak_bytes = 0
        """Most memory at once: proportional set sizes, so shared pages count once."""
        self.own_seconds = 0.0
        """CPU seconds of the process itself, its children apart."""
        self.busy: list[tuple[float, float]] = []
        """(time.time(), share of all CPUs busy) per sample."""
        self.held: list[tuple[float, int]] = []
        """(time.time(), bytes at once) per sample."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        psutil.cpu_percent()
        while not self._over.wait(self._every):
            self.busy.append((time.time(), psutil.cpu_percent() / 100))
            self.held.append((time.time(), self._memory()))
            self.peak_bytes = max(self.peak_bytes, self.held[-1][1])

    def _memory(self) -> int:
        total = 0
        try:
            family = [self._process, *self._process.children(recursive=True)]
            times = self._process.cpu_times()
        except psutil.NoSuchProcess:
            return 0
        self.own_seconds = times.user + times.system
        for process in family:
            try:
                total += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return total


def run(command: list[str], timeout: float) -> tuple[int, float, Watch, str, str]:
    """Run a command under a watch: exit code, seconds, watch, output, errors."""
    began = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        watch = Watch(process.pid)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        seconds = time.monotonic() - began
        watch.stop()
    return process.returncode, seconds, watch, out, err
