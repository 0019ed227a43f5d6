"""The slots of a search, with machines that join and leave."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from automl.schedule.base import Worker
from automl.workers.shares import Node, share_out
from automl.workers.slots import Slots


def machines(*nodes):
    return SimpleNamespace(workers=share_out(nodes, threads=1), gone=frozenset(), doubted=[])


def node(name, cpus=2, gpus=0, memory=10**9):
    return Node(cpus, gpus, memory, name, name)


def warm(library):
    return Worker(frozenset({library}))


def test_who_idles_for_longest_is_first_and_goes_with_its_slot():
    pool = Slots(machines(node("a")))
    first = pool.slot_for("tree")
    pool.take(first)
    second = pool.slot_for("tree")
    pool.take(second)
    assert pool.slot_for("tree") is None
    pool.give_back(second, warm("torch"))
    pool.give_back(first, warm("xgboost"))
    assert [worker.libraries for worker in pool.offered()] == [{"torch"}]


def test_learners_without_use_for_a_gpu_leave_it_to_others():
    pool = Slots(machines(node("a"), node("b", gpus=1)), on_gpu=["net"], learners=2)
    without = pool.offered()[0]
    assert without.elsewhere == {"net"}
    taken = [pool.slot_for("tree") for _ in range(3) if pool.take(pool.slot_for("tree")) or 1]
    assert not any(slot.gpus for slot in taken[:2])
    net = pool.slot_for("net")
    assert net.gpus == 1.0
    pool.take(net)
    assert pool.slot_for("net") is None
    assert pool.slot_for("tree") is None


def test_a_gpu_that_nobody_waits_for_is_no_reason_to_rest():
    pool = Slots(machines(node("a", cpus=1, gpus=1)), on_gpu=["net"], learners=2)
    assert pool.offered()[0].elsewhere == frozenset()
    assert pool.slot_for("tree") is not None


def test_one_job_may_have_a_machine_to_itself_while_others_go_on():
    pool = Slots(machines(node("small", memory=10**9), node("large", memory=10**10)))
    slots = {}
    while (slot := pool.slot_for("tree")) is not None:
        pool.take(slot)
        slots.setdefault(slot.node, []).append(slot)
    assert pool.whole_node() is None
    pool.give_back(slots["large"][0], warm("a"))
    assert pool.slot_for("tree") is None  # it is kept
    assert pool.whole_node() is None  # and not empty
    pool.give_back(slots["small"][0], warm("a"))
    assert pool.slot_for("tree").node == "small"
    pool.give_back(slots["large"][1], warm("a"))
    whole = pool.whole_node()
    assert whole.node == "large"
    pool.take(whole, whole=True)
    assert pool.slot_for("tree").node == "small"
    pool.give_back(whole, warm("a"))
    assert pool.slot_for("tree") in {*slots["small"], *slots["large"]}
    for _ in range(3):
        pool.take(pool.slot_for("tree"))
    assert pool.slot_for("tree") is None


class ComeAndGo(RuleBasedStateMachine):
    """Machines come and go while jobs begin and end."""

    def __init__(self):
        super().__init__()
        self.there = {"0": node("0", 3)}
        self.count = 1
        self.cluster = machines(*self.there.values())
        self.slots = Slots(self.cluster)
        self.out = []

    def change(self):
        nodes = list(self.there.values())
        gone = frozenset(str(n) for n in range(self.count)) - self.there.keys()
        self.cluster.gone = gone
        self.cluster.workers = (
            share_out(nodes, threads=1) if nodes else SimpleNamespace(kinds=lambda _: {})
        )
        self.slots.refresh()

    @rule(cpus=st.integers(1, 4))
    def join(self, cpus):
        self.there[str(self.count)] = node(str(self.count), cpus)
        self.count += 1
        self.change()

    @rule(data=st.data())
    def leave(self, data):
        if self.there:
            del self.there[data.draw(st.sampled_from(sorted(self.there)))]
            self.change()

    @rule()
    def begin(self):
        slot = self.slots.slot_for("tree")
        if slot is not None:
            self.slots.take(slot)
            self.out.append(slot)

    @rule(data=st.data())
    def end(self, data):
        if self.out:
            slot = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
            self.slots.give_back(slot, Worker())

    @invariant()
    def every_cpu_that_is_there_is_free_or_at_work(self):
        at_work = [slot for slot in self.out if slot.node in self.there]
        free = len(self.slots._open())
        assert free + len(at_work) == sum(one.cpus for one in self.there.values())
        assert self.slots.size == sum(one.cpus for one in self.there.values())


TestComeAndGo = ComeAndGo.TestCase
