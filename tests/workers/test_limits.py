from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import UsageError
from automl.workers import limits
from automl.workers.cluster import Node, beyond, plan_workers, share_out


@pytest.fixture
def cgroup(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "CGROUP", tmp_path)
    monkeypatch.setattr(limits, "_own_cgroups", lambda: [tmp_path / "pod", tmp_path])
    (tmp_path / "pod").mkdir()
    return tmp_path


def test_a_cpu_quota_of_the_cgroup_counts(cgroup, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    (cgroup / "cpu.max").write_text("max 100000")
    (cgroup / "pod" / "cpu.max").write_text("150000 100000")
    assert limits.cpus() == 2


def test_the_affinity_mask_counts(cgroup, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert limits.cpus() == 1


def test_the_tightest_memory_limit_counts(cgroup):
    (cgroup / "memory.max").write_text(str(8 * 2**30))
    (cgroup / "pod" / "memory.max").write_text(str(2**30))
    assert limits.memory() == 2**30
    (cgroup / "pod" / "memory.max").write_text("max")
    assert limits.memory() <= 8 * 2**30


def test_workers_share_the_memory_and_the_cpus(monkeypatch):
    monkeypatch.setattr(limits, "cpus", lambda: 8)
    workers = plan_workers(cpus=4, gpus=0, memory=10 * 10**9)
    assert workers.slots * workers.threads == 4
    assert workers.slots * workers.memory <= 10 * 10**9
    assert workers.gpus == 0


def test_more_than_the_machine_has_is_told_and_not_taken(monkeypatch):
    monkeypatch.setattr(limits, "cpus", lambda: 2)
    monkeypatch.setattr(limits, "memory", lambda: 8 * 10**9)
    assert plan_workers(cpus=10**6, gpus=0, memory=10**14) == plan_workers(gpus=0)
    assert beyond(10**6, 10**14) == [
        "--cpus 1,000,000 is more than is allowed here: 2 used",
        "--memory 100 TB is more than is allowed here: 8 GB used",
    ]
    assert beyond(2, 8 * 10**9) == beyond() == []


def test_too_little_memory_for_a_worker_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "cpus", lambda: 2)
    with pytest.raises(UsageError, match="300 MB is too little: the 2 workers need about 571 MB"):
        plan_workers(memory=300 * 10**6)
    assert plan_workers(cpus=1, memory=300 * 10**6).slots == 1
    with pytest.raises(UsageError, match="the worker needs about 286 MB; give more, or"):
        plan_workers(cpus=1, memory=1000)


nodes = st.lists(
    st.builds(
        Node,
        cpus=st.integers(1, 128),
        gpus=st.sampled_from([0, 0, 1, 8]),
        memory=st.integers(10**9, 10**12),
    ),
    min_size=1,
    max_size=6,
)


@given(nodes, st.none() | st.integers(1, 300))
def test_what_is_shared_out_fits_on_the_machines(machines, cpus):
    workers = share_out(machines, cpus)
    used = [m for m in machines if m.gpus] or machines
    assert 1 <= workers.slots <= max(1, sum(m.cpus // workers.threads for m in used))
    assert workers.slots * workers.threads <= (cpus or sum(m.cpus for m in used))
    assert workers.slots * workers.gpus == pytest.approx(sum(m.gpus for m in used))
    for m in used:
        held = min(m.cpus // workers.threads, workers.slots)
        assert held * workers.memory <= m.memory


def test_a_machine_without_a_gpu_rests_where_others_have_one():
    mixed = [Node(64, 0, 10**11), Node(8, 2, 10**10)]
    assert share_out(mixed) == share_out(mixed[1:])
    assert share_out(mixed[:1]).slots * share_out(mixed[:1]).threads == 64


@given(nodes, st.none() | st.integers(1, 300), st.none() | st.integers(0, 2))
def test_a_worker_alone_has_one_machine(machines, cpus, gpus):
    found = share_out(machines, cpus, gpus, alone=True)
    assert found.slots == 1
    fitting = [m for m in machines if found.threads <= m.cpus and found.gpus <= m.gpus]
    assert any(found.memory <= m.memory for m in fitting)
    used = [m for m in machines if m.gpus and gpus != 0] or machines
    most = max(m.cpus for m in used)
    assert found.threads == min(most, cpus or most)
