from __future__ import annotations

import os

import pytest

from automl.search import machine
from automl.search.cluster import plan_workers


@pytest.fixture
def cgroup(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    monkeypatch.setattr(machine, "_own_cgroups", lambda: [tmp_path / "pod", tmp_path])
    (tmp_path / "pod").mkdir()
    return tmp_path


def test_a_cpu_quota_of_the_cgroup_counts(cgroup, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    (cgroup / "cpu.max").write_text("max 100000")
    (cgroup / "pod" / "cpu.max").write_text("150000 100000")
    assert machine.cpus() == 2


def test_the_affinity_mask_counts(cgroup, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert machine.cpus() == 1


def test_the_tightest_memory_limit_counts(cgroup):
    (cgroup / "memory.max").write_text(str(8 * 2**30))
    (cgroup / "pod" / "memory.max").write_text(str(2**30))
    assert machine.memory() == 2**30
    (cgroup / "pod" / "memory.max").write_text("max")
    assert machine.memory() <= 8 * 2**30


def test_workers_share_the_memory_and_the_cpus():
    workers = plan_workers(cpus=4, gpus=0, memory=10 * 10**9)
    assert workers.slots * workers.threads == 4
    assert workers.slots * workers.memory <= 10 * 10**9
    assert workers.gpus == 0
