"""Raylets on one machine that stand for a cluster, and a plugin whose learners only sleep."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

OPEN = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
SLEEPERS = ("doze", "nap", "slumber", "drowse")
LUCID = "lucid"
"""The sleeper that can use a GPU."""
PLUGIN = """
import json, os, time
from pathlib import Path
import numpy as np
import ray
import automl

class Sleeper:
    def __init__(self, config, task, n_classes):
        self.depth, self.k = config["depth"], n_classes

    def fit(self, train, stop, run):
        began = time.time()
        time.sleep(2 + self.depth)
        node = ray.get_runtime_context().get_node_id()
        note = dict(node=node, pid=os.getpid(), began=began)
        note |= dict(ended=time.time(), threads=run.threads, device=run.device)
        note |= dict(gpus=os.environ.get("CUDA_VISIBLE_DEVICES"))
        with open(os.environ["SLEEPERS_DIARY"], "a") as diary:
            diary.write(json.dumps(note) + "\\n")

    def predict(self, view):
        rng = np.random.default_rng(int(1e6 * self.depth))
        p = rng.uniform(0.3, 0.7, len(view.X))
        return np.column_stack([p, 1 - p]).astype(np.float32)

    def save(self, folder):
        Path(folder, "depth.json").write_text(json.dumps(self.depth))

    def load(self, folder):
        self.depth = json.loads(Path(folder, "depth.json").read_text())

def build(config, task, n_classes):
    return Sleeper(config, task, n_classes)

@automl.hookimpl
def automl_learners():
    for name in SLEEPERS:
        yield automl.Learner(
            name=name, family="classical", tasks=frozenset({"binary"}), view="matrix",
            factory="sleepers:build", space={"depth": automl.Float(0.0, 1.0)},
            defaults=({"depth": 0.5},),
        )
    yield automl.Learner(
        name=LUCID, family="deep", tasks=frozenset({"binary"}), view="matrix",
        factory="sleepers:build", space={"depth": automl.Float(0.0, 1.0)},
        defaults=({"depth": 0.5},), resources=lambda schema: automl.Resources(gpus=1.0),
    )
"""


def install(folder: Path, version: str = "1.0") -> Path:
    """Put the plugin into a folder, as a distribution."""
    folder.mkdir(parents=True, exist_ok=True)
    names = f"SLEEPERS, LUCID = {SLEEPERS!r}, {LUCID!r}\n"
    (folder / "sleepers.py").write_text(names + PLUGIN)
    info = folder / f"sleepers-{version}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: sleepers\nVersion: {version}\n")
    (info / "entry_points.txt").write_text("[automl]\nsleepers = sleepers\n")
    return folder


def write_table(path: Path, rows: int = 4_000, seed: int = 0) -> Path:
    """Write a binary table."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4))
    y = np.where(x[:, 0] + rng.normal(size=rows) > 0, "yes", "no")
    pd.DataFrame(x, columns=[f"x{i}" for i in range(4)]).assign(y=y).to_csv(path, index=False)
    return path


@dataclass
class Raylets:
    """A cluster of raylets; those of `add` are killed by `lose`."""

    folder: Path
    nodes: dict[str, Any] = field(default_factory=dict)
    """Raylets by the names that they were given here."""
    cluster: Any = None

    def __post_init__(self) -> None:
        self.plugins = install(self.folder / "plugins")
        self.diary_file = self.folder / "diary.jsonl"
        self.diary_file.touch()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.cluster is not None:
            self.cluster.shutdown()

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the raylets and of the command."""
        path = os.pathsep.join([str(self.plugins), *sys.path[1:]])
        return {**OPEN, "PYTHONPATH": path, "SLEEPERS_DIARY": str(self.diary_file)}

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def add(self, name: str, cpus: int, gpus: int = 0, **environment: str) -> None:
        """Start a raylet; the first one is the head."""
        from ray.cluster_utils import Cluster

        before = {key: os.environ.get(key) for key in self.environment | environment}
        os.environ.update(self.environment | environment)
        try:
            self.cluster = self.cluster or Cluster()
            self.nodes[name] = self.cluster.add_node(
                num_cpus=cpus, num_gpus=gpus, include_dashboard=False
            )
        finally:
            for key, value in before.items():
                os.environ.pop(key) if value is None else os.environ.__setitem__(key, value)

    def lose(self, name: str) -> None:
        """Kill a raylet and its workers, as a machine that loses its power."""
        self.cluster.remove_node(self.nodes.pop(name), allow_graceful=False)

    def id(self, name: str) -> str:
        """Ray's name of a raylet."""
        return str(self.nodes[name].node_id)

    def start(self, table: Path, run: Path, limit: float, *more: str) -> subprocess.Popen[str]:
        """Start a fit of the sleepers on the cluster."""
        words = more if "--learner" in more else [w for n in SLEEPERS for w in ("--learner", n)]
        rest = () if words is more else more
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "automl", "fit", str(table), "-t", "y", "-o", str(run)),
                *("--address", self.address, "--time-limit", f"{limit:g}s", *words, *rest),
            ],
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def diary(self) -> pd.DataFrame:
        """The fits that ended, in the words of the learners."""
        lines = self.diary_file.read_text().splitlines()
        return pd.DataFrame([json.loads(line) for line in lines])

    def doctor(self, *more: str) -> subprocess.CompletedProcess[str]:
        """Ask what of the cluster would be used."""
        return subprocess.run(
            [sys.executable, "-m", "automl", "doctor", "--address", self.address, *more],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def finish(process: subprocess.Popen[str], limit: float) -> tuple[int, str]:
    """Wait for a command; give its exit code and what it said."""
    try:
        _, said = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        _, said = process.communicate()
        return -1, said
    return process.returncode, said


def at_work(diary: pd.DataFrame, node: str | None = None) -> float:
    """Threads at work on average, from when every slot has begun to when the first one is done.

    Args:
        diary: The fits.
        node: Those of one raylet alone.
    """
    first = diary.groupby("pid").began.min().max()
    last = diary.groupby("pid").ended.max().min()
    some = diary if node is None else diary[diary.node == node]
    spans = some.ended.clip(first, last) - some.began.clip(first, last)
    return float((spans * some.threads).sum() / (last - first))


def wait_for_fits(raylets: Raylets, many: int, node: str | None = None, limit: float = 60) -> float:
    """Wait until so many fits ended, and give the seconds that took."""
    began = time.monotonic()
    while time.monotonic() < began + limit:
        diary = raylets.diary()
        if len(diary) and (len(diary) if node is None else (diary.node == node).sum()) >= many:
            return time.monotonic() - began
        time.sleep(0.1)
    return float("inf")
