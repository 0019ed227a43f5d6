"""Troubles of a run that are staged one by one: plugins, views, memory, disk and drivers."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from world import Outcome, Run, install, write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

METRIC = """
import time
import automl

CALLS = []


def score(y, p):
    CALLS.append(1)
    {act}
    return float((p.argmax(axis=1) == y).mean())


@automl.hookimpl
def automl_metrics():
    yield automl.Metric(
        name="odd", tasks=frozenset({{"binary"}}), greater_is_better=True, score=score
    )
"""
ONCE = "if len(CALLS) == 5: raise RuntimeError('no luck')"
ALWAYS = "if len(CALLS) >= 5: raise RuntimeError('no luck')"
HANGS = "\n    while len(CALLS) >= 5: time.sleep(0.01)"
ENSEMBLER = """
import time
import automl


class Stuck:
    def fit(self, predictions, y, metric):
        while True:
            time.sleep(0.01)


@automl.hookimpl
def automl_ensemblers():
    yield automl.Ensembler(
        name="stuck", tasks=frozenset({"binary"}), factory=lambda seed: Stuck(), summary="stuck"
    )
"""
OBSERVER = """
import time
import automl


@automl.hookimpl
def automl_rung_finished(rung):
    while True:
        time.sleep(0.01)
"""
VIEW = """
import automl
from automl.data.views import Views


def broken(self):
    raise RuntimeError("no matrix today")


Views._matrix = broken


@automl.hookimpl
def automl_metrics():
    return ()
"""
READER = """
import time
import automl
import pandas as pd


@automl.hookimpl
def automl_read(source):
    time.sleep(25)
    return pd.read_csv(source)
"""
HOARDER = """
import os, time
import automl
import numpy as np


class Hoarder:
    def __init__(self, config, task, n_classes):
        pass

    def fit(self, train, stop, run):
        first = os.environ["HOARDED"]
        if not os.path.exists(first):
            open(first, "w").close()
            kept = []
            for _ in range(300):
                kept.append(np.ones(2**21))
                time.sleep(0.02)

    def predict(self, view):
        return np.full((len(view), 2), 0.5)

    def save(self, folder):
        (folder / "nothing").write_text("")

    def load(self, folder):
        pass


@automl.hookimpl
def automl_learners():
    yield automl.Learner(
        name="hoarder", family="classical", tasks=frozenset({"binary"}), view="frame",
        factory="hoarder:Hoarder",
    )
"""
ENCODER = """
import automl
from automl.data.views import encode

encode.Encoder.__post_init__ = lambda self: None
from automl.data.views import scale

usual = scale.fit_scaler


def other(numbers, *args, **kwargs):
    return usual(numbers * 1.5, *args, **kwargs)


from automl.data.views import views
views.fit_scaler = other


@automl.hookimpl
def automl_metrics():
    return ()
"""


def _verdict(run: Run, done: Outcome, told: str, *, code: int, over: float = 15.0) -> str:
    """Faults of the end of a run; empty if there are none."""
    wrong = [f"lacks {run.lacks()}"] if run.lacks() else []
    if done.code != code:
        wrong.append(f"exit {done.code}")
    slow = "used up" in told  # reading alone takes longer than the limit
    if done.seconds > run.limit + over * (1 + slow):
        wrong.append(f"{done.seconds:.0f} s")
    board = run.folder / "leaderboard.csv"
    said = done.out + done.err + (board.read_text("utf-8") if board.exists() else "")
    if told not in said:
        wrong.append(f"does not say {told!r}")
    if code and "--resume" not in done.err:
        wrong.append("does not say how to go on")
    if "Traceback" in done.err:
        wrong.append("a traceback")
    return "; ".join(wrong)


def _plugin(source: str, told: str, *options: str, code: int = 0) -> Callable[[Path], str]:
    def stage(folder: Path) -> str:
        name = "hoarder" if "hoarder" in source else "troubled"
        install(folder / "plugins", name, source)
        run = Run(write_table(folder), folder / "run", options=options)
        run.plugins = folder / "plugins"
        return _verdict(run, run.fit(), told, code=code)

    return stage


def _memory_monitor(folder: Path) -> str:
    """Ray's memory monitor ends a worker once; the fit is made anew, alone."""
    install(folder / "plugins", "hoarder", HOARDER)
    run = Run(write_table(folder), folder / "run", learners=("hoarder", "linear"))
    run.limit *= 2  # it takes two attempts
    run.plugins = folder / "plugins"
    memory = psutil.virtual_memory()
    threshold = (memory.total - memory.available + 2.5e9) / memory.total
    run.environment = {
        "HOARDED": str(folder / "hoarded"),
        "RAY_memory_usage_threshold": f"{threshold:.4f}",
        "RAY_memory_monitor_refresh_ms": "100",
    }
    wrong = _verdict(run, run.fit(), "hoarder", code=0)
    rows = [line for line in run.lines() if line["learner"] == "hoarder"]
    if not any(line["status"] == "ok" for line in rows):
        wrong += " the hoarder has no fit"
    if any(line["status"] == "failed" for line in rows):
        wrong += " the hoarder is blamed"
    return wrong


@contextlib.contextmanager
def _small_disk(folder: Path, megabytes: float) -> Iterator[Path]:
    folder.mkdir()
    size = f"size={int(megabytes * 1024)}k"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _full_disk(moment: float) -> Callable[[Path], str]:
    """Somebody else fills the disk, some seconds after the first model."""

    def stage(folder: Path) -> str:
        with _small_disk(folder / "disk", 20.0) as disk:
            run = Run(write_table(folder), disk / "run")
            began = time.monotonic()
            process = run.start()
            run.wait_for_model()
            time.sleep(moment)
            with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            out, err = process.communicate(timeout=4 * run.limit + 60)
            done = Outcome(process.returncode, time.monotonic() - began, out, err)
            wrong = _verdict(run, done, "No space left on device", code=1)
            if not wrong and run.status() != "stopped":
                wrong = f"status {run.status()}"
            return wrong

    return stage


def _no_room(folder: Path) -> str:
    """A disk that is too small for the files of the end is refused at once."""
    with _small_disk(folder / "disk", 1.5) as disk:
        done = Run(write_table(folder), disk / "run").fit()
        wrong = [] if done.code == 2 and "has no room for" in done.err else [done.err[-300:]]
        return "; ".join(wrong + (["left files"] if any(disk.iterdir()) else []))


def _two_drivers(folder: Path) -> str:
    """Two drivers that begin together, and a third in the middle."""
    run = Run(write_table(folder), folder / "run")
    pair = [run.start(), run.start()]
    time.sleep(run.limit / 2)
    late = run.fit("--resume")
    codes = []
    for process in pair:
        process.communicate(timeout=4 * run.limit + 60)
        codes.append(process.returncode)
    wrong = [] if sorted(codes) == [0, 2] else [f"exit {codes}"]
    if late.code != 2 or "is in use by process" not in late.err:
        wrong.append(f"the third: exit {late.code}, {late.err[-200:]}")
    if len(set(run.keys())) != len(run.keys()):
        wrong.append("a key twice")
    return "; ".join(wrong + ([run.lacks()] if run.lacks() else []))


def _other_encoder(folder: Path) -> str:
    """A run that goes on with an encoder that scales otherwise."""
    run = Run(write_table(folder), folder / "run")
    first = run.fit()
    before = run.models(), (run.folder / "run.json").read_bytes()
    install(folder / "plugins", "troubled", ENCODER)
    run.plugins = folder / "plugins"
    second = run.fit("--resume")
    wrong = [] if first.code == 0 else [f"the first: exit {first.code}"]
    if second.code != 2 or "encoded otherwise" not in second.err:
        wrong.append(f"exit {second.code}: {second.err[-200:]}")
    if (run.models(), (run.folder / "run.json").read_bytes()) != before:
        wrong.append("files have changed")
    run.plugins = None
    return "; ".join(wrong + ([] if run.predict(run.table) is not None else ["does not predict"]))


STAGED: dict[str, Callable[[Path], str]] = {
    "metric raises once": _plugin(METRIC.format(act=ONCE), "odd raised", "--metric", "odd"),
    "metric raises": _plugin(METRIC.format(act=ALWAYS), "odd raised", "--metric", "odd", code=1),
    "metric hangs": _plugin(
        METRIC.format(act=HANGS), "odd did not answer", "--metric", "odd", code=1
    ),
    "ensembler hangs": _plugin(ENSEMBLER, "the ensembler stuck did not answer"),
    "observer hangs": _plugin(OBSERVER, "troubled hangs"),
    "view cannot be made": _plugin(VIEW, "no matrix today"),
    "reading past the limit": _plugin(READER, "used up before the training"),
    "memory monitor": _memory_monitor,
    "no room on the disk": _no_room,
    **{f"disk full after {moment:g} s": _full_disk(moment) for moment in (0.5, 1.5, 3, 4.5, 6)},
    "two drivers": _two_drivers,
    "other encoder": _other_encoder,
}


def stage(name: str) -> str:
    """Stage a trouble; give what is wrong with the end, empty if nothing is."""
    with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
        return STAGED[name](Path(folder))
