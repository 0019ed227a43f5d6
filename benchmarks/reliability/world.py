"""A table, plugins that misbehave, and a fit whose process can be ended at any moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

COMMAND = (sys.executable, "-m", "automl")
QUICK = ("linear", "decision_tree", "naive_bayes", "knn", "random_forest", "hist_gradient_boosting")
"""Learners that need no deep-learning library, so that a short run makes many fits."""
LIMITS = [15.0]
"""The time limit of a run is the last one; a busy machine needs more to come to anything."""
CHECKSUM = ', "crc32": '


def write_table(folder: Path, rows: int = 3_000, seed: int = 0) -> Path:
    """Write a binary table with numbers, words and missing cells."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 5))
    kind = rng.choice(["a", "b", "c"], rows)
    y = np.where(x[:, 0] + (kind == "a") + rng.normal(size=rows) > 0, "yes", "no")
    table = pd.DataFrame(x, columns=[f"x{i}" for i in range(5)]).assign(kind=kind, y=y)
    table.loc[rng.choice(rows, rows // 20, replace=False), "x1"] = None
    table.to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


def install(folder: Path, name: str, source: str) -> None:
    """Put a distribution with one plugin, a module of its own name, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(source)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[automl]\n{name} = {name}\n")


@dataclass
class Run:
    """A run directory, and the fits in it."""

    table: Path
    folder: Path
    limit: float = field(default_factory=lambda: LIMITS[-1])
    learners: tuple[str, ...] = QUICK
    options: tuple[str, ...] = ()
    plugins: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, *more: str) -> subprocess.Popen[str]:
        """Start a fit in a session of its own."""
        words = [word for name in self.learners for word in ("--learner", name)]
        return subprocess.Popen(
            [
                *COMMAND,
                *("fit", str(self.table), "-t", "y", "-o", str(self.folder)),
                *("--time-limit", f"{self.limit:g}s", "--cpus", "2", *words, *self.options, *more),
            ],
            env={**self._with_plugins(), **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def fit(self, *more: str, patience: float = 200.0) -> Outcome:
        """Fit until the command ends."""
        began = time.monotonic()
        process = self.start(*more)
        try:
            out, err = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            end_all(process)
            out, err = process.communicate()
            err += f"\nstill at work after {patience:.0f} s"
        return Outcome(process.returncode, time.monotonic() - began, out, err)

    def lines(self) -> list[dict[str, object]]:
        """The intact lines of the journal."""
        file = self.folder / "journal.jsonl"
        text = file.read_text("utf-8", "replace") if file.exists() else ""
        return [one for line in text.splitlines(keepends=True) if (one := _record(line))]

    def wait_for_model(self) -> None:
        """Wait for the first model of all rows, as long as the limit may take on a busy machine."""
        end = time.monotonic() + 2 * self.limit + 30
        while not any(line["rung"] == 3 and line["status"] == "ok" for line in self.lines()):
            if time.monotonic() > end:
                return
            time.sleep(0.1)

    def keys(self) -> list[str]:
        """The key of each line, in their order."""
        names = ("learner", "trial", "rung", "fold", "level", "repeat", "axis")
        return [json.dumps([line.get(name) for name in names]) for line in self.lines()]

    def models(self) -> dict[str, int]:
        """CRC-32 of every file of saved models and views."""
        root = self.folder / "model"
        files = [*root.glob("members/**/*"), *root.glob("views/**/*")]
        whole = (file for file in files if file.is_file() and file.suffix != ".part")
        return {str(file.relative_to(root)): zlib.crc32(file.read_bytes()) for file in whole}

    def status(self) -> str:
        """The status in `run.json`."""
        return str(json.loads((self.folder / "run.json").read_text("utf-8"))["status"])

    def lacks(self) -> str:
        """Names of the parts of a result that are not there; empty if all are."""
        parts = ("leaderboard.csv", "model/artifact.json")
        missing = [part for part in parts if not (self.folder / part).exists()]
        if not missing:
            board = pd.read_csv(self.folder / "leaderboard.csv")
            missing = [] if board["rank"].notna().any() else ["a ranked row"]
        return ", ".join(missing)

    def predict(self, table: Path) -> pd.DataFrame | None:
        """Predictions of `automl predict` for a table; None if it fails."""
        file = self.folder / "p.csv"
        words = ("predict", str(self.folder), str(table), "--proba", "-o", str(file))
        done = subprocess.run(
            [*COMMAND, *words], env=self._with_plugins(), capture_output=True, check=False
        )
        return None if done.returncode else pd.read_csv(file)

    def on_new_rows(self) -> tuple[pd.Series, np.ndarray]:
        """Labels of 20,000 rows that no run has seen, and (n, 2) predictions; none if it fails."""
        with tempfile.TemporaryDirectory() as folder:
            table = write_table(Path(folder), rows=20_000, seed=1)
            labels, found = pd.read_csv(table)["y"], self.predict(table)
        if found is None:
            return labels[:0], np.empty((0, 2))
        return labels, found[["proba_no", "proba_yes"]].to_numpy()

    def _with_plugins(self) -> dict[str, str]:
        """The environment of a command that finds the plugins."""
        path = [str(self.plugins)] if self.plugins else []
        path += [os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else []
        return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}


@dataclass(frozen=True)
class Outcome:
    """The end of a command."""

    code: int
    seconds: float
    out: str
    err: str


def _record(line: str) -> dict[str, object] | None:
    text, mark, checksum = line.rstrip("}\n").rpartition(CHECKSUM)
    if not line.endswith("\n") or not mark or checksum != str(zlib.crc32(f"{text}}}".encode())):
        return None
    found: dict[str, object] = json.loads(f"{text}}}")
    return found


def end_all(process: subprocess.Popen[str], number: int = signal.SIGKILL) -> None:
    """Send a signal to a process and all below it."""
    try:
        root = psutil.Process(process.pid)
        for one in [*root.children(recursive=True), root]:
            try:
                one.send_signal(number)
            except psutil.NoSuchProcess:
                continue
    except psutil.NoSuchProcess:
        return
