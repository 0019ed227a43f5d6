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
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from automl.errors import UsageError
from automl.hooks.manager import get_host
from automl.workers import daemons, environment, limits, temporary
from automl.workers.paths import driver_path_told
from automl.workers.shares import Node, Workers, plan_workers, share_out
from automl.workers.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from concurrent.futures import Future

    from automl.workers.roster import Roster

LEAVING = 10.0
"""Seconds that Ray may take to shut down when the interpreter exits; it usually takes one."""
CLIENT = "ray://"
"""Start of the addresses of Ray Client."""
KNOCK_SECONDS = 10.0
"""Seconds that an address may take to accept a connection."""

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
        learners: Callable[[], Collection[str] | None] = lambda: None,
    ) -> None:
        """Begin to start Ray, or to find the one at an address.

        Args:
            cpus: CPUs to use; all that are allowed unless given.
            gpus: GPUs to use.
            memory: Bytes to use.
            address: A cluster that exists; None for this machine.
            alone: Whether jobs run one at a time, with as many CPUs as one machine has.
            learners: Gives those that machines must have; None for all.

        Raises:
            UsageError: The address is none that a search can run at.
        """
        if address is not None and address.startswith(CLIENT):
            msg = (
                f"--address {address} is one of Ray Client, through which Ray Tune cannot run; "
                "start the command on a node of that cluster with --address auto, or send it there "
                "with 'ray job submit'"
            )
            raise UsageError(msg)
        self._most = (cpus, gpus, memory)
        self._alone = alone
        self._address = address
        self._found = address is not None or (running() and not _ALONE.locked())
        self._workers = Workers(0, 0) if address else plan_workers(cpus, gpus, memory, alone=alone)
        self._learners = learners
        self._modules = get_host().registered if self._found else ()
        self._roster: Roster | None = None
        """The machines of a Ray that was there before."""
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

    @property
    def gone(self) -> Collection[str]:
        """Machines that are gone, by Ray's names."""
        return frozenset() if self._roster is None else self._roster.gone

    @property
    def roster(self) -> Roster | None:
        """The machines of a Ray that was there before, once it answers."""
        self.wait()
        return self._roster

    def doubt(self, node: str) -> None:
        """Do without a machine until it answers again: a worker died there."""
        if self._roster is not None:
            self._roster.doubt(node)
            self._deal()

    def news(self) -> list[str]:
        """Sentences on machines that joined, left or were set aside since the last call."""
        return [] if self._roster is None else self._roster.news()

    def wait(self) -> None:
        """Return once jobs can be submitted; raise what went wrong otherwise."""
        self._started.wait()
        if self._error is not None:
            raise self._error

    @property
    def memory(self) -> int:
        """Bytes of this machine for the run: what was asked for, of what is allowed here."""
        allowed, asked = limits.memory(), self._most[-1]
        return allowed if asked is None else min(allowed, asked)

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
        if self._roster is not None:
            self._roster.close()

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
                    self._roster = self._met()
            except BaseException as error:  # noqa: BLE001 - raised again by wait()
                self._error = error
            self._started.set()
            if self._roster is not None and self._error is None:
                self._roster.watch(self._deal)
            self._over.wait()
            self._task.settle()
            if self._own:
                daemons.end_ray()
                temporary.clear()
                environment.read_again()
            atexit.unregister(self._leave)

    def _met(self) -> Roster:
        """The machines that answered, with the workers that they have room for."""
        import ray

        from automl.workers.roster import Roster

        here = ray.get_runtime_context().get_node_id()
        roster = Roster(
            _nodes,
            here,
            modules=self._modules,
            learners=self._learners(),
            trusted=self._address is None,
        )
        roster.settle()
        if not roster.usable:
            raise UsageError(_nobody(roster))
        self._workers = share_out(roster.usable, *self._most, alone=self._alone)
        return roster

    def _deal(self) -> None:
        """Share out anew what the machines have that are there now."""
        if self._roster is None:
            return
        nodes, threads = self._roster.usable, None if self._alone else self._workers.threads
        if not nodes:
            self._workers = Workers(0, self._workers.threads)
            return
        with contextlib.suppress(UsageError):  # too little --memory for more of them
            self._workers = share_out(nodes, *self._most, alone=self._alone, threads=threads)

    def _leave(self) -> None:
        """Let Ray end before the interpreter does."""
        self.stop()
        self._thread.join(LEAVING)


def running() -> bool:
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
            num_cpus=workers.cpus,
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


def _nodes() -> dict[str, Node]:
    """The machines with a CPU left, of the cluster that this process is connected to.

    What the task or actor holds that this process is, if it is one, is not there for its fits.
    """
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    own, here = _held()
    alive = [node for node in nodes if node["Alive"]]
    addresses = [node["NodeManagerAddress"] for node in alive]
    found = {}
    for node, address in zip(alive, addresses, strict=True):
        name = node["NodeID"]
        held = own if name == here else {}
        free = {kind: many - held.get(kind, 0) for kind, many in node["Resources"].items()}
        told = address if addresses.count(address) == 1 else f"{address} ({name[:10]})"
        if free.get("CPU", 0) >= 1:
            cpus, gpus, memory = (int(free.get(kind, 0)) for kind in ("CPU", "GPU", "memory"))
            found[name] = Node(cpus, gpus, memory, name, told)
    return found


def _nobody(roster: Roster) -> str:
    """Say why no machine can be used, and what to do."""
    if roster.aside:
        told = "; ".join(
            f"{roster.machines[node].name}: {why}" for node, why in roster.aside.items()
        )
        cure = "install the same on all nodes"
        return f"no node of the Ray cluster can be used ({told}); {cure}"
    cure = "add one ('ray start --address ...')"
    if _held()[0]:
        cure = "let the task or actor that fits hold fewer (num_cpus=0)"
    return f"the Ray cluster has no node with a CPU left; {cure}"


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
