"""Fits of several processes and threads, and the CPUs that each has to itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from automl.workers import lease, limits
from automl.workers.lease import leased

HOLDER = """
import sys, time
from automl.workers.lease import leased
with leased({cpus}, lambda line: print(line, flush=True)) as lease:
    print("has", lease.cpus, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(lease.FOLDER, str(tmp_path / "leases"))
    monkeypatch.setattr(lease, "_numbers", lambda: [0, 1])
    return tmp_path / "leases"


@pytest.fixture
def holder():
    """Start a process that has CPUs until it is told otherwise."""
    started = []

    def start(cpus):
        source = HOLDER.format(cpus=cpus)
        patch = "from automl.workers import lease as m; m._numbers = lambda: [0, 1]\n"
        process = subprocess.Popen(
            [sys.executable, "-c", patch + source],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        while not (line := process.stdout.readline()).startswith("has"):
            assert process.poll() is None, line
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_a_fit_alone_has_what_it_asks_for_at_once():
    said = []
    for cpus in (None, 1, 2, 64):
        with leased(cpus, said.append) as got:
            assert got.cpus is None
            assert got.memory_share == 1.0
            assert got.waited < 1.0
    assert said == []


def test_what_is_free_is_taken_and_told(holder):
    holder(1)
    said = []
    with leased(None, said.append) as got:
        assert got.cpus == 1
        assert got.memory_share == 0.5
    assert said == ["1 of 2 CPUs are free, other fits have the rest: 1 used"]
    with leased(1, said.append) as got:  # as many as it asked for
        assert got.cpus is None
    assert len(said) == 1


@pytest.mark.parametrize("end", ["it ends", "it is killed"])
def test_who_finds_nothing_free_waits_until_the_other_is_gone(holder, end):
    other, said, at = holder(None), [], []

    def wait():
        with leased(2, said.append) as got:
            at.append(got.waited)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.5)
    assert at == []
    if end == "it ends":
        other.stdin.write("\n")
        other.stdin.flush()
    else:
        os.kill(other.pid, signal.SIGKILL)
    thread.join(10)
    assert at[0] >= 0.4
    assert len(said) == 1
    assert f"(process {other.pid})" in said[0]
    assert "\n" not in said[0]


def test_nobody_overtakes(holder):
    small = holder(1)
    order, threads = [], []

    def fit(name, cpus):
        with leased(cpus, lambda line: None):
            order.append(name)

    for name, cpus in (("both", 2), ("one", 1)):  # one CPU is free, but it is not next
        threads.append(threading.Thread(target=fit, args=(name, cpus)))
        threads[-1].start()
        time.sleep(0.3)
    assert order == []
    small.kill()
    for thread in threads:
        thread.join(10)
    assert order == ["both", "one"]


def test_a_fit_within_a_fit_has_the_cpus_of_that_one():
    with leased(None, lambda line: None), leased(None, lambda line: None) as inner:
        assert inner.waited == 0.0


def test_side_by_side_on_request(holder, monkeypatch):
    holder(None)
    monkeypatch.setenv(lease.FOLDER, "0")
    with leased(None, lambda line: None) as got:
        assert got == lease.Lease()


def test_where_there_can_be_no_lock_files_nobody_waits(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(lease.FOLDER, str(tmp_path / "file" / "below"))
    with leased(None, lambda line: None) as got:
        assert got.cpus is None


def test_cpus_are_those_of_the_affinity_mask(monkeypatch):
    monkeypatch.undo()
    numbers = lease._numbers()
    assert len(numbers) == limits.cpus()
    if hasattr(os, "sched_getaffinity"):
        assert set(numbers) <= os.sched_getaffinity(0)
