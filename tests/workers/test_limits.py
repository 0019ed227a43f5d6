from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import UsageError
from automl.workers import limits
from automl.workers.shares import Node, beyond, plan_workers, share_out


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
).map(lambda some: [replace(node, id=str(number)) for number, node in enumerate(some)])
parts = st.sampled_from([0.0, 0.1, 0.5, 1.0])


@given(nodes, st.none() | st.integers(1, 300), parts)
def test_slots_have_all_cpus_and_fit_on_the_machines(machines, cpus, on_gpu):
    workers = share_out(machines, cpus)
    kinds = workers.kinds(on_gpu)
    allowed = sum(m.cpus for m in machines)
    assert workers.slots == sum(kinds.values())
    assert workers.cpus == sum(slot.threads * many for slot, many in kinds.items())
    assert workers.cpus == min(allowed, cpus or allowed)
    for m in machines:
        here = {slot: many for slot, many in kinds.items() if slot.node == m.id}
        assert sum(slot.threads * many for slot, many in here.items()) <= m.cpus
        assert sum(slot.memory * many for slot, many in here.items()) <= m.memory
        for slot, many in here.items():
            if slot.gpus:  # Ray puts a share on one device, and no more than one on several
                assert slot.gpus <= 1
                assert many <= m.gpus * round(1 / slot.gpus)
                assert abs(1 / slot.gpus - round(1 / slot.gpus)) < 1e-9


@given(nodes)
def test_gpus_go_to_as_many_slots_as_there_are_learners_for_them(machines):
    workers = share_out(machines)
    assert not any(slot.gpus for slot in workers.kinds(0.0))
    for m in machines:
        every = [(s, k) for s, k in workers.kinds(1.0).items() if s.node == m.id]
        few = [(s, k) for s, k in workers.kinds(0.01).items() if s.node == m.id]
        assert all(bool(slot.gpus) == bool(m.gpus) for slot, _ in every)
        used = min(m.gpus, sum(many for _, many in every))  # a device at least one, if there are
        assert sum(many for slot, many in few if slot.gpus) >= used


def test_a_machine_without_a_gpu_works_beside_one_that_has_some():
    kinds = share_out([Node(64, 0, 10**11, "a"), Node(4, 1, 10**10, "b")]).kinds(0.5)
    assert sum(slot.threads * many for slot, many in kinds.items()) == 68
    assert {slot.node for slot in kinds if slot.gpus} == {"b"}
    odd = share_out([Node(12, 8, 10**11)]).kinds()
    assert {(slot.gpus, many) for slot, many in odd.items()} == {(0.5, 12)}
    scarce = share_out([Node(6, 8, 10**11)]).kinds()
    assert {(slot.gpus, many) for slot, many in scarce.items()} == {(1.0, 6)}


@given(nodes, nodes)
def test_a_machine_that_joins_changes_nothing_for_the_others(machines, more):
    before = share_out(machines)
    after = share_out(
        [*machines, *(replace(m, id=f"new {m.id}") for m in more)], threads=before.threads
    )
    assert before.kinds().items() <= after.kinds().items()


@given(nodes, st.none() | st.integers(1, 300), st.none() | st.integers(0, 2))
def test_a_worker_alone_has_one_machine(machines, cpus, gpus):
    found = share_out(machines, cpus, gpus, alone=True)
    assert found.slots == 1
    assert len(found.kinds()) == 1
    fitting = [m for m in machines if found.threads <= m.cpus and found.gpus <= m.gpus]
    assert any(found.memory <= m.memory for m in fitting)
    used = [m for m in machines if m.gpus and gpus != 0] or machines
    most = max(m.cpus for m in used)
    assert found.threads == min(most, cpus or most)
