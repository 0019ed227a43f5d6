"""The processes of a Ray of our own: SIGTERM spares them, for the driver needs them to conclude.

Slurm sends SIGTERM to every process of a job. A driver whose object store is gone is ended by Ray
at once (`exit_on_connection_failure` of its Plasma client), whatever it still has to write.
"""

from __future__ import annotations

import contextlib
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from automl.workers.replaced import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

UNNEEDED = ("start_api_server", "start_monitor", "start_log_monitor")
"""Methods of Ray's node; there is no public way to leave their processes out."""
_BLOCKABLE = hasattr(signal, "pthread_sigmask")
"""False on Windows, which has no SIGTERM to block."""


@contextmanager
def spared() -> Iterator[None]:
    """Let processes that this thread starts in the block inherit that SIGTERM waits."""
    if not _BLOCKABLE:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def few() -> AbstractContextManager[None]:
    """Let a Ray that starts in the block do without what watches a cluster: dashboard and the like.

    Each of them is a process of Python, and Ray waits for the first before it starts its workers.
    """
    from ray._private.node import Node

    return replaced(Node, **{name: _left_out for name in UNNEEDED if hasattr(Node, name)})


def _left_out(*_: Any, **__: Any) -> None:
    """Start nothing."""


def listen_again() -> None:
    """Let SIGTERM end this process, a worker, and what its learners start."""
    if _BLOCKABLE:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def end_by_kill() -> None:
    """Let Ray end its processes by SIGKILL: by SIGTERM it would wait a second for each."""
    for process in _started():
        process.terminate = process.kill


def end_ray() -> None:
    """Shut down the Ray of this process, and what its processes have started."""
    import psutil
    import ray

    below: list[psutil.Process] = []
    for process in _started():
        with contextlib.suppress(psutil.NoSuchProcess):
            below += psutil.Process(process.pid).children(recursive=True)
    ray.shutdown()
    for one in below:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()


def _started() -> list[Any]:
    """The processes that the Ray of this process consists of; none without one."""
    import ray

    node: Any = ray._private.worker._global_node  # noqa: SLF001 - no public way
    kinds = {} if node is None else node.all_processes
    return [info.process for infos in kinds.values() for info in infos]
