"""The slots of machines: how many jobs at once, and the CPUs, GPUs and memory that each has."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from automl.errors import UsageError
from automl.units import format_size
from automl.workers import limits
from automl.workers.memory import LEAST_MEMORY

if TYPE_CHECKING:
    from collections.abc import Sequence

MEMORY_SHARE = 0.7
"""Part of the allowed memory that all workers together may fill."""


@dataclass(frozen=True, slots=True)
class Node:
    """The part of one machine that may be used."""

    cpus: int
    gpus: int
    memory: int
    """Bytes."""
    id: str = ""
    """Ray's name of the machine; empty for the only one."""
    name: str = ""
    """The address that people know it by."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A kind of slot: where a job goes, and the share of the machine that it has there."""

    threads: int
    gpus: float = 0.0
    memory: int = 0
    """Bytes; 0 for no limit."""
    node: str = ""
    """`Node.id`."""


@dataclass(frozen=True, slots=True)
class Workers:
    """The workers: how many, and the share of the machine that each has."""

    slots: int
    """Jobs at once."""
    threads: int
    """CPUs a job; a machine whose CPUs this does not divide gives some jobs more, or fewer."""
    gpus: float = 0.0
    """GPUs for each job there is room for."""
    memory: int = 0
    """Bytes a worker may fill before it ends itself, the least of all; 0 for no limit."""
    nodes: tuple[Node, ...] = ()
    """The machines, each with what workers may take of it."""
    begun: bool = False
    """True if Ray has started their processes, in the environment that they need."""

    @property
    def cpus(self) -> int:
        """CPUs of all of them."""
        return sum(node.cpus for node in self.nodes) or self.slots * self.threads

    def kinds(self, on_gpu: float = 1.0) -> dict[Slot, int]:
        """Kinds of slots, and how many there are of each.

        A device is shared out evenly to slots of its machine, and to no more than can use it.

        Args:
            on_gpu: Part of the learners that can use a GPU.
        """
        if not self.nodes:
            return {Slot(self.threads, self.gpus, self.memory): self.slots}
        found: dict[Slot, int] = {}
        for node in self.nodes:
            many = _slots_of(node, self.threads)
            least, more = divmod(node.cpus, many)
            devices = node.gpus if on_gpu else 0
            users = min(many, max(devices, round(many * on_gpu))) if devices else 0
            share = 1 / math.ceil(users / devices) if devices else 0.0
            for number in range(many):
                slot = Slot(
                    least + (number < more),
                    share if number < users else 0.0,
                    node.memory // many,
                    node.id,
                )
                found[slot] = found.get(slot, 0) + 1
        return found


def _slots_of(node: Node, threads: int) -> int:
    """Jobs at once on a machine; each has about so many threads, and together all of its CPUs."""
    return max(1, node.cpus // threads)


def plan_workers(
    cpus: int | None = None,
    gpus: int | None = None,
    memory: int | None = None,
    *,
    alone: bool = False,
) -> Workers:
    """Slots and threads of this machine, as `share_out` deals them.

    Devices that are asked for are believed: not every system lists those that it has.
    """
    devices = limits.gpus() if gpus is None else gpus
    node = Node(limits.cpus(), devices, limits.memory())
    return share_out([node], cpus, devices, memory, alone=alone)


def beyond(cpus: int | None = None, memory: int | None = None) -> list[str]:
    """Sentences on what was asked for and is more than this machine allows."""
    have, held = limits.cpus(), limits.memory()
    found = []
    if cpus is not None and cpus > have:
        found.append(f"--cpus {cpus:,} is more than is allowed here: {have} used")
    if memory is not None and memory > held:
        asked, all_ = format_size(memory), format_size(held)
        found.append(f"--memory {asked} is more than is allowed here: {all_} used")
    return found


def share_out(
    nodes: Sequence[Node],
    cpus: int | None = None,
    gpus: int | None = None,
    memory: int | None = None,
    *,
    alone: bool = False,
    threads: int | None = None,
) -> Workers:
    """Workers over machines, with all of their CPUs, unless fewer are asked for.

    Args:
        nodes: The machines; the first ones are taken first.
        cpus: CPUs to use of them all at most.
        gpus: GPUs to use of them all at most.
        memory: Bytes to use of them all at most.
        alone: Whether there is to be one worker: all of the machine with the most CPUs.
        threads: CPUs of a job, where that was decided before.

    Raises:
        UsageError: Workers could not even begin in so little memory.
    """
    if alone:
        usable = [node for node in nodes if node.gpus and gpus != 0] or nodes
        nodes = [max(usable, key=lambda node: node.cpus)]
    taken = _taken(nodes, cpus, gpus)
    allowed = sum(node.cpus for node in taken)
    if threads is None:
        most = max(node.cpus for node in taken)
        threads = allowed if alone else max(1, min(allowed // 8, most))
    slots = sum(_slots_of(node, threads) for node in taken)
    if memory is not None:
        _check_enough(memory, slots)
    each = math.inf if memory is None else memory / slots
    taken = [
        replace(node, memory=int(min(node.memory, each * many) * MEMORY_SHARE))
        for node in taken
        for many in [_slots_of(node, threads)]
    ]
    least = min(node.memory // _slots_of(node, threads) for node in taken)
    devices = sum(node.gpus for node in taken)
    return Workers(slots, threads, devices / slots, least, tuple(taken))


def _taken(nodes: Sequence[Node], cpus: int | None, gpus: int | None) -> list[Node]:
    """The part that is taken of each machine, until there is enough."""
    taken: list[Node] = []
    for node in nodes:
        many, devices = node.cpus, node.gpus
        if cpus is not None:
            many = min(many, max(1, cpus) - sum(one.cpus for one in taken))
        if gpus is not None:
            devices = min(devices, gpus - sum(one.gpus for one in taken))
        if many > 0:
            taken.append(replace(node, cpus=many, gpus=devices))
    return taken


def _check_enough(memory: int, slots: int) -> None:
    needed = math.ceil(LEAST_MEMORY * slots / MEMORY_SHARE)
    if memory >= needed:
        return
    whom, cure = "the worker needs", "give more, or leave it out"
    if slots > 1:
        whom, cure = f"the {slots} workers need", "give more or fewer --cpus, or leave it out"
    asked = format_size(memory)
    msg = f"--memory {asked} is too little: {whom} about {format_size(needed)}; {cure}"
    raise UsageError(msg)
