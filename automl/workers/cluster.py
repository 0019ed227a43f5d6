"""Ray, started in the background or found at an address."""

from __future__ import annotations

import atexit
import contextlib
import gc
import logging
import math
import shutil
import socket
import sys
import threading
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from automl.errors import UsageError
from automl.units import format_size
from automl.workers import daemons, environment, limits, temporary
from automl.workers.memory import LEAST_MEMORY
from automl.workers.paths import driver_path_told
from automl.workers.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

LEAVING = 10.0
"""Seconds that Ray may take to shut down when the interpreter exits; it usually takes one."""
KNOCK_SECONDS = 10.0
"""Seconds that an address may take to accept a connection."""
MEMORY_SHARE = 0.7
"""Part of the allowed memory that all workers together may fill."""


@dataclass(frozen=True, slots=True)
class Workers:
    """The workers: how many, and the share of the machine that each has."""

    slots: int
    """Jobs at once."""
    threads: int
    """CPUs a job."""
    gpus: float = 0.0
    """GPUs a job."""
    memory: int = 0
    """Bytes a worker may fill before it ends itself; 0 for no limit."""
    begun: bool = False
    """True if Ray has started their processes, in the environment that they need."""


@dataclass(frozen=True, slots=True)
class Node:
    """The part of one machine that may be used."""

    cpus: int
    gpus: int
    memory: int
    """Bytes."""


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
) -> Workers:
    """Equal workers over machines; where some have GPUs to use, on those alone.

    Args:
        nodes: The machines.
        cpus: CPUs to use of them all at most.
        gpus: GPUs to use of them all at most.
        memory: Bytes to use of them all at most.
        alone: Whether there is to be one worker: all of the machine with the most CPUs.

    Raises:
        UsageError: Workers could not even begin in so little memory.
    """
    if alone:
        usable = [node for node in nodes if node.gpus and gpus != 0] or nodes
        nodes = [max(usable, key=lambda node: node.cpus)]
    devices = sum(node.gpus for node in nodes)
    devices = devices if gpus is None else min(gpus, devices)
    if devices:
        nodes = [node for node in nodes if node.gpus]
    allowed = sum(node.cpus for node in nodes)
    allowed = max(1, min(allowed, cpus or allowed))
    threads = allowed if alone else max(1, min(allowed // 8, max(n.cpus for n in nodes)))
    held = [(node.memory, node.cpus // threads) for node in nodes]
    slots = max(1, min(sum(k for _, k in held), allowed // threads))
    if memory is not None:
        _check_enough(memory, slots)
    shares = [size / max(1, min(k, slots)) for size, k in held]
    share = min([*shares, math.inf if memory is None else memory / slots])
    return Workers(slots, threads, devices / slots, int(share * MEMORY_SHARE))


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


_ALONE = threading.Lock()
"""Held by the cluster that started the Ray of this process, until it is gone."""


class Cluster:
    """A Ray that starts in the background while the data are read, and ends there too."""

    def __init__(
        self,
        cpus: int | None = None,
        gpus: int | None = None,
        memory: int | None = None,
        address: str | None = None,
        *,
        alone: bool = False,
    ) -> None:
        """Begin to start Ray, or to find the one at an address.

        Args:
            cpus: CPUs to use; all that are allowed unless given.
            gpus: GPUs to use.
            memory: Bytes to use.
            address: A cluster that exists; None for this machine.
            alone: Whether jobs run one at a time, with as many CPUs as one machine has.
        """
        self._most = (cpus, gpus, memory)
        self._alone = alone
        self._address = address
        self._found = address is not None or (_running() and not _ALONE.locked())
        self._workers = Workers(0, 0) if address else plan_workers(cpus, gpus, memory, alone=alone)
        self._own = False
        """True where Ray was started here, and so is to be shut down here."""
        self._task = Task()
        self._error: BaseException | None = None
        self._started = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, name="ray", daemon=True)
        self._thread.start()

    @property
    def workers(self) -> Workers:
        """The workers of the cluster; of a Ray that was there before, once it answers.

        Raises:
            UsageError: No cluster answers there.
        """
        if self._found:
            self.wait()
        return self._workers

    def wait(self) -> None:
        """Return once jobs can be submitted; raise what went wrong otherwise."""
        self._started.wait()
        if self._error is not None:
            raise self._error

    @property
    def warm(self) -> bool:
        """True once `warm_up` has been called."""
        return self._task.started

    def warm_up(self, function: Callable[..., Any], *args: Any) -> None:
        """Let a worker beside those of the search import what `finish_with` will need."""
        self._task.warm_up(self.workers, function, *args)

    def finish_with(self, function: Callable[..., Any], *args: Any, seconds: float) -> Future[Any]:
        """Call a function in that worker, and give everything back once it has answered.

        Args:
            function: What to call.
            args: Its arguments, which travel through the object store.
            seconds: How long it may take.

        Returns:
            What will be its result, or a `Failure`; it comes whatever happens.
        """
        self._task.submit(self.workers, function, *args, seconds=seconds)
        self._give_back()
        return self._task.result

    def stop(self) -> None:
        """Give everything back, without waiting; a Ray that was running before stays."""
        self._task.cancel()
        self._give_back()

    def _give_back(self) -> None:
        if not self._over.is_set():
            # A handle of the search that is freed while Ray shuts down would end this process.
            gc.collect()
        self._over.set()

    def _live(self) -> None:
        """On Linux, Ray's processes die with the thread that started them: this one."""
        with _ALONE:
            try:
                if self._address is None:
                    self._own = start_ray(self._workers)
                    self._workers = replace(self._workers, begun=self._own)
                else:
                    self._own = _join(self._address)
                atexit.register(self._leave)  # ahead of Ray's own, which would run beside ours
                if self._found:
                    self._workers = share_out(_nodes(), *self._most, alone=self._alone)
            except BaseException as error:  # noqa: BLE001 - raised again by wait()
                self._error = error
            self._started.set()
            self._over.wait()
            self._task.settle()
            if self._own:
                daemons.end_ray()
                temporary.clear()
                environment.read_again()
            atexit.unregister(self._leave)

    def _leave(self) -> None:
        """Let Ray end before the interpreter does."""
        self.stop()
        self._thread.join(LEAVING)


def _running() -> bool:
    """Return whether this process has a Ray already, with CPUs of its own count."""
    initialized = getattr(sys.modules.get("ray"), "is_initialized", None)
    return initialized is not None and bool(initialized())  # another thread may import it still


def start_ray(workers: Workers) -> bool:
    """Start Ray on this machine, unless this process has one already.

    Returns:
        Whether it was started here, and so is to be shut down here.
    """
    with environment.quiet():
        import ray
        from ray.job_config import JobConfig

        if ray.is_initialized():
            return _init()
    config = JobConfig()
    # Ray would put the current folder ahead of what is installed in its workers. No public way.
    config._runtime_env_has_working_dir = lambda: True  # type: ignore[method-assign]  # noqa: SLF001
    with environment.of_own(), daemons.spared(), daemons.few():
        started = _init(
            address="local",
            job_config=config,
            _temp_dir=temporary.folder(),
            num_cpus=workers.slots * workers.threads,
            num_gpus=math.ceil(workers.slots * workers.gpus),
            include_dashboard=False,
            object_store_memory=_store_bytes(),
        )
    daemons.end_by_kill()
    return started


def _join(address: str) -> bool:
    """Connect to the cluster at an address; what it answers is as of `start_ray`."""
    try:
        _knock(address)
        return _init(address=address)
    except (OSError, RuntimeError, ValueError) as error:
        why = str(error).strip().splitlines()[0]
        msg = (
            f"no Ray cluster answers at --address {address} ({why}); start one with 'ray start "
            "--head', set RAY_AUTH_MODE=token if it asks for a token, or leave --address out"
        )
        raise UsageError(msg) from error


def _knock(address: str) -> None:
    """Raise OSError where nothing listens at HOST:PORT: Ray would wait for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=KNOCK_SECONDS).close()


def _init(**how: Any) -> bool:
    with environment.quiet(), driver_path_told():
        import ray

        threading.Thread(target=import_module, args=("automl.workers.engine",)).start()
        if ray.is_initialized():
            return False
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **how)
    # Workers that die are told by the search; Ray has no setting against telling it again.
    ray._private.worker._worker_logs_enabled = False  # noqa: SLF001
    return True


def _nodes() -> list[Node]:
    """The machines of the cluster that this process is connected to.

    What the task or actor holds that this process is, if it is one, is not there for its fits.
    """
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    own, here = _held()
    free = [
        {kind: many - (own.get(kind, 0) if node["NodeID"] == here else 0) for kind, many in has}
        for node in nodes
        if node["Alive"] and (has := node["Resources"].items())
    ]
    found = [
        Node(int(some["CPU"]), int(some.get("GPU", 0)), int(some["memory"]))
        for some in free
        if some.get("CPU", 0) >= 1
    ]
    if not found:
        cure = "add one ('ray start --address ...')"
        if own:
            cure = "let the task or actor that fits hold fewer (num_cpus=0)"
        msg = f"the Ray cluster has no node with a CPU left; {cure}"
        raise UsageError(msg)
    return found


def _held() -> tuple[dict[str, float], str]:
    """Resources that this task or actor of Ray holds, and its node; nothing elsewhere."""
    import ray

    context = ray.get_runtime_context()
    if context.worker.mode != ray.WORKER_MODE:
        return {}, ""
    own: dict[str, float] = context.get_assigned_resources()  # type: ignore[no-untyped-call]
    return own, context.get_node_id()


def _store_bytes() -> int:
    """Shared memory for views: a fifth of what is allowed, within what /dev/shm has free."""
    wanted = limits.memory() // 5
    with contextlib.suppress(OSError):
        wanted = min(wanted, int(shutil.disk_usage("/dev/shm").free * 0.8))  # noqa: S108 - where Ray keeps objects
    return max(wanted, 200 * 2**20)
