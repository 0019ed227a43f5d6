"""Ray Tune runs the jobs that the dealer deals; the only room that imports ray."""

from __future__ import annotations

import contextlib
import faulthandler
import math
import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl.search import machine
from automl.search.dealer import Dealer, Job
from automl.search.objective import Order, Outcome, run_rung

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from automl.search.rungs import RungStore

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
    "TUNE_MAX_PENDING_TRIALS_PG": "1",
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


class Cluster:
    """A Ray that starts in the background while the data are read."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._start, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Return once jobs can be submitted; raise what went wrong otherwise."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        self._thread.join()
        import ray

        ray.shutdown()

    def _start(self) -> None:
        try:
            os.environ.update({k: v for k, v in QUIET.items() if k not in os.environ})
            import ray

            if not ray.is_initialized():
                ray.init(**self._arguments())
        except BaseException as error:  # noqa: BLE001 - raised again by wait()
            self._error = error

    def _arguments(self) -> dict[str, Any]:
        common: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if self._workers.address is not None:
            return {**common, "address": self._workers.address}
        return {
            **common,
            "address": "local",
            "num_cpus": self._workers.slots * self._workers.threads,
            "num_gpus": math.ceil(self._workers.slots * self._workers.gpus),
            "include_dashboard": False,
            "_node_ip_address": "127.0.0.1",
            "object_store_memory": _store_bytes(),
        }


def _store_bytes() -> int:
    """Shared memory for views: a fifth of what is allowed, within what /dev/shm has free."""
    import shutil

    wanted = machine.memory() // 5
    with contextlib.suppress(OSError):
        wanted = min(wanted, int(shutil.disk_usage("/dev/shm").free * 0.8))
    return max(wanted, 200 * 2**20)


@dataclass(frozen=True, slots=True)
class Shipment:
    """An order and the rows for it, as one value of a Tune configuration."""

    order: Order
    data: Any
    """Reference to a `RungData` in the object store."""

    def __deepcopy__(self, _: dict[int, Any]) -> Shipment:
        return self

    def __repr__(self) -> str:
        return self.order.learner


def search(
    dealer: Dealer,
    store: RungStore,
    order: Callable[[Job], Order],
    finish: Callable[[Job, Outcome], None],
    workers: Workers,
    *,
    end: float | None,
    tick: Callable[[], None] = lambda: None,
) -> None:
    """Run jobs until the dealer has none left or time is over.

    Args:
        dealer: Deals jobs; `finish` must hand it what became of each.
        store: Rows of the jobs, made in the background.
        order: Turns a job into what a worker is asked to do.
        finish: Called on this thread with every finished job.
        workers: Slots and resources.
        end: `time.monotonic()` at which the search must be over; None without a limit.
        tick: Called often, for progress.
    """
    from ray import tune

    feed = _feed(dealer, store, order, finish, workers, end, tick)
    with tempfile.TemporaryDirectory(prefix="automl-") as folder, _quiet():
        tune.Tuner(
            tune.with_resources(
                _trainable(), {"CPU": workers.threads, "GPU": workers.gpus}
            ),
            tune_config=tune.TuneConfig(
                search_alg=feed,
                num_samples=sys.maxsize,
                max_concurrent_trials=workers.slots,
                reuse_actors=True,
                trial_name_creator=lambda trial: trial.trial_id,
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=tune.RunConfig(name="search", storage_path=folder, verbose=0),
        ).fit()
    feed.raise_error()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    import logging

    loggers = [logging.getLogger(name) for name in ("ray", "ray.tune")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _feed(
    dealer: Dealer,
    store: RungStore,
    order: Callable[[Job], Order],
    finish: Callable[[Job, Outcome], None],
    workers: Workers,
    end: float | None,
    tick: Callable[[], None],
) -> Any:
    from ray.tune.search import Searcher

    began = time.monotonic()
    ordered = end is None

    class Feed(Searcher):  # type: ignore[misc]
        """Deals jobs to Tune. Without a time limit, results go back in deal order."""

        def __init__(self) -> None:
            super().__init__()
            self.waiting: Job | None = None
            self.dealt: dict[str, tuple[int, Job, float]] = {}
            self.parked: dict[int, tuple[Job, Outcome]] = {}
            self.count = 0
            self.fed = 0
            self.error: BaseException | None = None

        def suggest(self, trial_id: str) -> Any:
            try:
                return self._suggest(trial_id)
            except BaseException as error:  # noqa: BLE001 - Tune would only log it
                self.error = self.error or error
                return Searcher.FINISHED

        def on_trial_complete(
            self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
        ) -> None:
            number, job, since = self.dealt.pop(trial_id)
            outcome = _outcome(job, result, time.monotonic() - since)
            try:
                self._take(number, job, outcome)
                tick()
            except BaseException as fault:  # noqa: BLE001 - see suggest
                self.error = self.error or fault

        def raise_error(self) -> None:
            if self.error is not None:
                raise self.error

        def save(self, checkpoint_path: str) -> None:
            """Nothing: the journal is what a run resumes from."""

        def restore(self, checkpoint_path: str) -> None:
            """Nothing: the journal is what a run resumes from."""

        def _suggest(self, trial_id: str) -> Any:
            tick()
            now = time.monotonic()
            if self.error is not None or (end is not None and now >= end):
                return Searcher.FINISHED
            job = self.waiting or self._deal(now - began)
            if job is None:
                if dealer.idle and not self.dealt and not self.parked:
                    return Searcher.FINISHED
                return None
            reference = store.get(job, wait=0.02 if self.dealt else 0.5)
            if reference is None:
                self.waiting = job
                return None
            self.waiting = None
            self.dealt[trial_id] = (self.count, job, now)
            self.count += 1
            return {"shipment": Shipment(order(job), reference)}

        def _deal(self, now: float) -> Job | None:
            if ordered and self.count - self.fed >= 2:  # two logical slots, whatever the workers
                return None
            return dealer.deal(now)

        def _take(self, number: int, job: Job, outcome: Outcome) -> None:
            if not ordered:
                finish(job, outcome)
                return
            self.parked[number] = (job, outcome)
            while self.fed in self.parked:
                finish(*self.parked.pop(self.fed))
                self.fed += 1

    return Feed()


def _outcome(job: Job, result: dict[str, Any] | None, elapsed: float) -> Outcome:
    """What came back, or why nothing did."""
    box = (result or {}).get("outcome")
    if box:
        return box.pop()  # type: ignore[no-any-return]  # Tune keeps the result; leave it empty
    if elapsed >= job.kill_after - 1.0:
        return Outcome("failed", f"ended after {elapsed:.0f} s, over its time", fit_seconds=elapsed)
    return Outcome(
        "failed", "its worker died (out of memory, a crash, or os._exit)", fit_seconds=elapsed
    )


def _trainable() -> type:
    from ray import tune

    class RungTrainable(tune.Trainable):  # type: ignore[misc]
        """Runs one order a trial; its process is used again for the next."""

        def setup(self, config: dict[str, Any]) -> None:
            self.shipment = config["shipment"]

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self.shipment = new_config["shipment"]
            return True

        def step(self) -> dict[str, Any]:
            return {"outcome": [_guarded(self.shipment)], "done": True}

    return RungTrainable


def _guarded(shipment: Shipment) -> Outcome:
    """Run the order under the worker's own watchdogs."""
    import ray

    order = shipment.order
    data = ray.get(shipment.data)
    done = threading.Event()
    if order.memory:
        threading.Thread(target=_watch_memory, args=(order.memory, done), daemon=True).start()
    if order.kill_after != math.inf:  # a thread in C: it ends even code that holds the GIL
        faulthandler.dump_traceback_later(order.kill_after, exit=True, file=sys.__stderr__)
    try:
        return run_rung(order, data)
    finally:
        faulthandler.cancel_dump_traceback_later()
        done.set()


def _watch_memory(limit: int, done: threading.Event) -> None:
    import psutil

    process = psutil.Process()
    while not done.wait(0.25):
        info = process.memory_info()
        if info.rss - getattr(info, "shared", 0) > limit:  # the views are shared, not its own
            os._exit(1)
