"""Ray, started in the background or found at an address."""

from __future__ import annotations

import contextlib
import gc
import math
import os
import shutil
import threading
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from automl.search import machine

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "1000000",
}
MEMORY_SHARE = 0.7
"""Part of the allowed memory that all workers together may fill."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Who does the fits."""

    slots: int
    """Jobs at once."""
    threads: int
    """CPUs a job."""
    gpus: float = 0.0
    """GPUs a job."""
    memory: int = 0
    """Bytes a worker may fill before it ends itself; 0 for no limit."""
    address: str | None = None
    """A Ray cluster that exists; None for this machine."""


def plan_workers(
    cpus: int | None = None,
    gpus: int | None = None,
    memory: int | None = None,
    address: str | None = None,
) -> Workers:
    """Slots and threads for the CPUs, GPUs and bytes allowed here."""
    allowed = cpus or machine.cpus()
    threads = max(1, allowed // 8)
    slots = max(1, allowed // threads)
    devices = machine.gpus() if gpus is None else gpus
    share = int((memory or machine.memory()) * MEMORY_SHARE / slots)
    return Workers(slots, threads, devices / slots if devices else 0.0, share, address)


_ALONE = threading.Lock()
"""Held by the cluster that started the Ray of this process, until it is gone."""


class Cluster:
    """A Ray that starts in the background while the data are read, and ends there too."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self.own = False
        """Whether Ray was started here, once `wait` has returned."""
        self._error: BaseException | None = None
        self._started = threading.Event()
        self._over = threading.Event()
        threading.Thread(target=self._live, name="ray", daemon=True).start()

    def wait(self) -> None:
        """Return once jobs can be submitted; raise what went wrong otherwise."""
        self._started.wait()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Give the workers back, without waiting; a Ray that was running before stays."""
        if not self._over.is_set():
            gc.collect()  # a handle that is freed while Ray shuts down ends this process
        self._over.set()

    def _live(self) -> None:
        """On Linux, Ray's processes die with the thread that started them: this one."""
        with _ALONE:
            try:
                self.own = start_ray(self._workers)
            except BaseException as error:  # noqa: BLE001 - raised again by wait()
                self._error = error
            self._started.set()
            self._over.wait()
            if self.own:
                import ray

                ray.shutdown()


def start_ray(workers: Workers) -> bool:
    """Start Ray, or connect to the address, unless this process has one already.

    Returns:
        Whether it was started here, and so is to be shut down here.
    """
    if workers.address is None:
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # loopback only
    pending = {"TUNE_MAX_PENDING_TRIALS_PG": str(workers.slots)}
    os.environ.update({k: v for k, v in (QUIET | pending).items() if k not in os.environ})
    import ray

    threading.Thread(target=import_module, args=("automl.search.engine",)).start()
    if ray.is_initialized():
        return False
    common: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if workers.address is not None:
        ray.init(address=workers.address, **common)
        return True
    ray.init(
        address="local",
        num_cpus=workers.slots * workers.threads,
        num_gpus=math.ceil(workers.slots * workers.gpus),
        include_dashboard=False,
        object_store_memory=_store_bytes(),
        **common,
    )
    return True


def _store_bytes() -> int:
    """Shared memory for views: a fifth of what is allowed, within what /dev/shm has free."""
    wanted = machine.memory() // 5
    with contextlib.suppress(OSError):
        wanted = min(wanted, int(shutil.disk_usage("/dev/shm").free * 0.8))  # noqa: S108 - where Ray keeps objects
    return max(wanted, 200 * 2**20)
