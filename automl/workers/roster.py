"""The machines of a Ray cluster: those that answered the handshake, those set aside, those gone."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

from ray import exceptions

from automl.text import first_line
from automl.units import MINUTE
from automl.workers.handshake import Installed, difference, installed
from automl.workers.shares import Node
from automl.workers.tasks import CHECK_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

CHECK_EVERY = 0.5
"""Seconds between two looks at the clock and at the list of machines."""
LEAVING = (
    exceptions.NodeDiedError,
    exceptions.TaskUnschedulableError,
    exceptions.WorkerCrashedError,
)
"""Errors of a machine that is about to leave."""
PATIENCE = float(MINUTE)
"""Seconds that a machine may take to answer, where a process starts in one or two, and that a
search without a time limit waits for any machine."""


class Roster:
    """The machines as they stand, looked at on a thread of its own until it is closed."""

    def __init__(
        self,
        look: Callable[[], dict[str, Node]],
        here: str,
        *,
        modules: tuple[str, ...] = (),
        learners: Collection[str] | None = None,
        trusted: bool = False,
    ) -> None:
        """Begin with what is there.

        Args:
            look: Lists the machines that are alive, by Ray's names.
            here: The driver's own machine.
            modules: Plugins that the driver registered by hand.
            learners: Those that may run; all unless given.
            trusted: Whether the driver's own machine need not be asked.
        """
        self._look = look
        self._modules = modules
        self._learners = learners
        self._own = installed()
        self._here = here
        self._trusted = trusted
        self._order: dict[str, None] = {here: None}
        """Machines in the order in which they were seen, the driver's own ahead."""
        self._alive: dict[str, Node] = {}
        self._usable: dict[str, Node] = {}
        self._probes: dict[str, Any] = {}
        """Machines that are asked -> references to their answers."""
        self._asked: dict[str, float] = {}
        """The time at which they were first asked."""
        self._doubted: set[str] = set()
        self._lock = threading.Lock()
        """Held while the lists change: the search doubts machines, and a thread looks at them."""
        self._closed = threading.Event()
        self._news: list[str] = []
        self.aside: dict[str, str] = {}
        """Machines that are set aside -> why."""
        self.gone: frozenset[str] = frozenset()
        """Machines that are gone."""
        self.usable: tuple[Node, ...] = ()
        """Machines that will do, the first ones first."""

    @property
    def machines(self) -> dict[str, Node]:
        """All that are alive."""
        return dict(self._alive)

    def news(self) -> list[str]:
        """Sentences on what happened since the last call."""
        told, self._news = self._news, []
        return told

    def doubt(self, node: str) -> None:
        """Ask a machine again, and do without it until it answers."""
        with self._lock:
            self._doubted.add(node)
            self._usable.pop(node, None)
            self._publish()

    def settle(self) -> None:
        """Wait until every machine that is there has answered, or does not."""
        self._turn()
        while self._probes and not self._closed.wait(CHECK_SECONDS):
            self._turn()

    def watch(self, changed: Callable[[], None]) -> None:
        """Look again and again, until it is closed.

        Args:
            changed: Called when the usable machines have changed.
        """
        while not self._closed.wait(CHECK_EVERY):
            before = self.usable
            with contextlib.suppress(Exception):  # Ray that shuts down answers no more
                self._turn()
            if self.usable != before:
                changed()

    def close(self) -> None:
        """Look no more."""
        self._closed.set()

    def _turn(self) -> None:
        """Look once: ask those that joined or are in doubt, and hear those that answer."""
        alive = self._look()
        with self._lock:
            for node in self._alive.keys() - alive.keys():
                self._leave(node)
            for node in sorted(alive.keys() - self._alive.keys(), key=lambda n: -alive[n].gpus):
                self._join(node, alive[node])
            self._alive = alive
            for node in list(self._doubted & alive.keys()):
                self._doubted.discard(node)
                self._ask(node)
            for node in list(self._probes):
                self._hear(node)
            self._publish()

    def _join(self, node: str, machine: Node) -> None:
        self._alive[node] = machine
        self._order.setdefault(node)
        if self._trusted and node == self._here:
            self._usable[node] = machine
        else:
            self._ask(node)

    def _leave(self, node: str) -> None:
        self.gone |= {node}
        used = self._usable.pop(node, None) or node in self._doubted or node in self._probes
        self._probes.pop(node, None)
        self._asked.pop(node, None)
        self._doubted.discard(node)
        if used and node not in self.aside:
            self._news.append(f"Node {self._alive[node].name} is gone: its fits start anew")

    def _ask(self, node: str) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        there: Any = NodeAffinitySchedulingStrategy(node, soft=False)
        ask: Any = ray.remote(num_cpus=0, max_retries=0)(installed)
        answer = ask.options(scheduling_strategy=there).remote(self._modules)
        self._probes[node] = answer
        self._asked.setdefault(node, time.monotonic())

    def _hear(self, node: str) -> None:
        import ray

        if time.monotonic() > self._asked[node] + PATIENCE:
            self._set_aside(node, f"it does not answer within {PATIENCE:.0f} s")
            return
        done, _ = ray.wait([self._probes[node]], timeout=0)
        if not done:
            return
        try:
            answer: Installed = ray.get(self._probes[node])
        except LEAVING:
            del self._probes[node]  # it is about to leave the list; if not, it is asked again
            self._doubted.add(node)
            return
        except exceptions.RayError as error:
            self._set_aside(node, _told(error))
            return
        why = difference(self._own, answer, self._learners)
        if why:
            self._set_aside(node, why)
            return
        del self._probes[node], self._asked[node]
        self._usable[node] = self._alive[node]

    def _set_aside(self, node: str, why: str) -> None:
        del self._probes[node], self._asked[node]
        self.aside[node] = why
        self._news.append(f"Node {self._alive[node].name} is set aside: {why}")

    def _publish(self) -> None:
        self.usable = tuple(self._usable[n] for n in self._order if n in self._usable)


def _told(error: Exception) -> str:
    """The reason of a machine that cannot even load the handshake, in a few words."""
    cause = getattr(error, "cause", None) or error
    lines = [line for line in str(cause).splitlines() if line.strip()] or [first_line(error)]
    found = next((line for line in lines if "No module named" in line), lines[-1]).strip()
    _, missing, name = found.partition("No module named ")
    return f"it lacks {name.strip()}" if missing else found
