"""The slots of a search: those that are free, and the workers that idle in them."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Protocol

from automl.schedule.base import FRESH, Worker
from automl.workers.memory import MemoryBudget
from automl.workers.shares import Slot, Workers

if TYPE_CHECKING:
    from collections.abc import Collection


class Machines(Protocol):
    """The machines of a search."""

    @property
    def workers(self) -> Workers:
        """The workers as they are now."""
        ...

    @property
    def gone(self) -> Collection[str]:
        """Machines that were there and are gone."""
        ...

    def doubt(self, node: str) -> None:
        """Hear that a machine may be gone."""
        ...


class Slots:
    """Free slots, the one that is free for longest first; machines may join and leave."""

    def __init__(
        self,
        machines: Machines,
        on_gpu: Collection[str] = (),
        learners: int = 1,
        budget: MemoryBudget | None = None,
    ) -> None:
        """Take the slots as they are now.

        Args:
            machines: Where the slots are.
            on_gpu: Learners that can use a GPU.
            learners: How many there are in all.
            budget: The memory of all workers together; a share each unless given.
        """
        self.budget = budget or MemoryBudget(machines.workers)
        self._machines = machines
        self._on_gpu = frozenset(on_gpu)
        self._share = len(self._on_gpu) / learners
        self._seen: Workers | None = None
        self._kinds: dict[Slot, int] = {}
        self._free: deque[tuple[Slot, Worker]] = deque()
        self._out: Counter[Slot] = Counter()
        self._kept: str | None = None
        """A machine that is kept for one job, with all of its memory."""
        self._whole = False
        """True while that job is out."""
        self.refresh()

    def refresh(self) -> None:
        """Take up the slots of machines that joined, and forget those of machines that left."""
        now = self._machines.workers
        if now is self._seen:
            return
        self._seen, self._kinds = now, now.kinds(self._share)
        kept: Counter[Slot] = Counter()
        free, self._free = self._free, deque()
        for slot, worker in free:
            if kept[slot] + self._out[slot] < self._kinds.get(slot, 0):
                kept[slot] += 1
                self._free.append((slot, worker))
        for slot, many in self._kinds.items():
            self._free.extend([(slot, FRESH)] * (many - kept[slot] - self._out[slot]))

    @property
    def begun(self) -> bool:
        """True if the processes of the workers have begun."""
        return self._machines.workers.begun

    @property
    def size(self) -> int:
        """Slots in all."""
        return sum(self._kinds.values())

    @property
    def several(self) -> bool:
        """True if there are several machines, or were just now."""
        return len({slot.node for slot in (*self._kinds, *self._out)}) > 1

    @property
    def gone(self) -> Collection[str]:
        """Machines that are gone."""
        return self._machines.gone

    def doubt(self, slot: Slot | None) -> None:
        """Leave a machine alone until it answers: a worker died there."""
        if slot is not None and slot.node:
            self._machines.doubt(slot.node)

    def on(self, node: str) -> int:
        """Slots of a machine."""
        return sum(many for slot, many in self._kinds.items() if slot.node == node)

    def offered(self) -> list[Worker]:
        """The worker that idles for longest, and the first beside it that a GPU tells apart.

        Where some slots have a GPU, no learner that can use one goes to the others.
        """
        found: dict[bool, Worker] = {}
        apart = any(slot.gpus for slot in self._kinds)
        for slot, worker in self._open():
            elsewhere = self._on_gpu if apart and not slot.gpus else frozenset()
            found.setdefault(bool(slot.gpus), Worker(worker.libraries, elsewhere))
        return list(found.values())

    def slot_for(self, learner: str) -> Slot | None:
        """The free slot for a learner's job; None while there is none that will do."""
        slots = [slot for slot, _ in self._open()]
        with_gpu = [slot for slot in slots if slot.gpus]
        if learner in self._on_gpu and any(slot.gpus for slot in self._kinds):
            return with_gpu[0] if with_gpu else None
        without = [slot for slot in slots if not slot.gpus]
        return next(iter(without or with_gpu), None)

    def whole_node(self) -> Slot | None:
        """A slot of the machine with the most memory, once nothing else runs there.

        From now on nothing does, until the slot that was taken is given back.
        """
        nodes = {slot.node for slot in self._kinds}
        if self._kept not in nodes and not self._whole:
            self._kept = max(sorted(nodes), default=None, key=self._memory)
        if any(slot.node == self._kept for slot in self._out.elements()):
            return None
        return next((slot for slot, _ in self._free if slot.node == self._kept), None)

    def release(self) -> None:
        """Keep no machine for a job."""
        self._kept, self._whole = None, False

    def take(self, slot: Slot, *, whole: bool = False) -> None:
        """Give a slot away; of its workers the one that idles for longest has it.

        Args:
            slot: Its kind.
            whole: Whether it is that of `whole_node`.
        """
        at = next(i for i, (free, _) in enumerate(self._free) if free == slot)
        del self._free[at]
        self._out[slot] += 1
        self._whole = self._whole or whole

    def give_back(self, slot: Slot, worker: Worker) -> None:
        """Have a slot back, with its worker; it is free if its machine is still there."""
        self._out[slot] -= 1
        if self._whole and slot.node == self._kept:
            self.release()
        free = sum(one == slot for one, _ in self._free)
        if free + self._out[slot] < self._kinds.get(slot, 0):
            self._free.append((slot, worker))

    def _open(self) -> list[tuple[Slot, Worker]]:
        """Free slots of machines that are not kept for one job."""
        return [one for one in self._free if one[0].node != self._kept]

    def _memory(self, node: str) -> int:
        return sum(slot.memory * many for slot, many in self._kinds.items() if slot.node == node)
