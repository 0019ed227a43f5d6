"""Ray Tune runs the jobs that a scheduler hands out."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray import tune
from ray.tune.execution.tune_controller import TuneController
from ray.tune.search import Searcher

from automl.hooks.manager import get_host
from automl.runs.record import OVERDUE
from automl.schedule.base import FRESH, Worker
from automl.workers.evaluate import FitRequest, FitResult, run_rung
from automl.workers.paths import current_folder_last
from automl.workers.watchdog import DIED, exit_reason, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from automl.schedule.base import Job, Scheduler
    from automl.workers.cluster import Workers
    from automl.workers.store import RowStore

put = ray.put
"""Puts rows where every worker can read them; gives the reference that jobs carry."""


LATE = 10.0
"""Seconds after its end at which a search leaves jobs behind that no worker has taken up."""
CHECK_EVERY = 0.5
"""Seconds between two looks at the clock."""
ROWS_WAIT = 0.1
"""Seconds to wait for rows before looking at what else goes on."""
SLOTS = 2
"""Logical slots without a time limit, whatever the workers."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A request and the rows for it, as one value of a Tune configuration."""

    request: FitRequest
    data: Any
    """Reference to a `RungData` in the object store."""
    exit_note: Path
    """File in which the worker says why it ended, if it is on this machine."""

    def __deepcopy__(self, _: dict[int, Any]) -> Payload:
        return self

    def __repr__(self) -> str:
        return self.request.learner


def search(
    scheduler: Scheduler,
    store: RowStore,
    request: Callable[[Job], FitRequest],
    finish: Callable[[Job, FitResult], None],
    workers: Workers,
    *,
    end: float | None,
    tick: Callable[[], None] = lambda: None,
) -> None:
    """Run jobs until the scheduler has none left or time is over.

    Tune is left at once, and its workers are given back.

    Args:
        scheduler: Hands out jobs; `finish` must hand it what became of each.
        store: Rows of the jobs, made in the background.
        request: Turns a job into the request that a worker gets.
        finish: Called on this thread with every finished job.
        workers: Slots and resources.
        end: `time.monotonic()` at which the search must be over; None without a limit.
        tick: Called often, for progress.
    """
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(workers.slots)
    with (
        tempfile.TemporaryDirectory(prefix="automl-", ignore_cleanup_errors=True) as folder,
        _quiet(),
        _remembered() as interrupted,
        contextlib.suppress(SearchOver),
    ):

        def watch() -> None:
            tick()
            if interrupted.is_set():
                raise KeyboardInterrupt

        try:
            searcher = TuneSearcher(
                scheduler,
                store,
                request,
                finish,
                Path(folder),
                slots=workers.slots,
                end=end,
                tick=watch,
            )
            tune.Tuner(
                tune.with_resources(RungTrainable, {"CPU": workers.threads, "GPU": workers.gpus}),
                tune_config=tune.TuneConfig(
                    search_alg=searcher,
                    num_samples=sys.maxsize,
                    max_concurrent_trials=workers.slots,
                    reuse_actors=True,
                    trial_name_creator=lambda trial: trial.trial_id,
                    trial_dirname_creator=lambda trial: trial.trial_id,
                ),
                run_config=tune.RunConfig(
                    name="search",
                    storage_path=folder,
                    verbose=0,
                    callbacks=[ErrorCallback(searcher)],
                    checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                ),
            ).fit()
        except BaseException as error:
            _let_go(error)
            raise


def _let_go(error: BaseException | None) -> None:
    """Give the workers back of a search that an error left.

    Tune's controller holds them, and stays where somebody keeps the error, as an interactive
    session does; its own way out waits for workers that are gone.
    """
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if isinstance(controller := frame.f_locals.get("self"), TuneController):
                manager: Any = controller._actor_manager  # noqa: SLF001 - no public way
                manager.cleanup()
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


@contextlib.contextmanager
def _remembered() -> Iterator[threading.Event]:
    """Remember Ctrl-C: Python drops a KeyboardInterrupt that is raised inside `__del__`."""
    pressed = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield pressed
        return

    def note(number: int, frame: FrameType | None) -> None:
        pressed.set()
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed.is_set():
        raise KeyboardInterrupt


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("ray", "ray.tune")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class SearchOver(BaseException):
    """Leaves Tune at once; its own way out waits five seconds for workers that were ended."""


class TuneSearcher(Searcher):
    """Hands jobs to Tune and hears of their end.

    Without a time limit results go back in the order in which the jobs were handed out, each when
    all logical slots are taken or nothing else can start, so that the same seed gives the same
    jobs however long each takes.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        store: RowStore,
        request: Callable[[Job], FitRequest],
        finish: Callable[[Job, FitResult], None],
        folder: Path,
        *,
        slots: int,
        end: float | None,
        tick: Callable[[], None],
    ) -> None:
        super().__init__()
        self._scheduler = scheduler
        self._store = store
        self._request = request
        self._finish = finish
        self._folder = folder
        self._slots = slots
        self._end = end
        self._tick = tick
        self._began = time.monotonic()
        self._waiting: list[tuple[Job, float]] = []
        """Jobs whose rows are not ready, and when they were handed out."""
        self._out: dict[str, tuple[int, Job, float]] = {}
        self._idle: deque[Worker] = deque()
        """Workers that gave a result and have no job, the one that waits longest first."""
        self._unreturned: dict[int, tuple[Job, FitResult]] = {}
        self._started = 0
        self._returned = 0
        self._error: BaseException | None = None
        self._checked = 0.0

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles its searcher to resume, we resume from the journal."""
        return {}

    def suggest(self, trial_id: str) -> Any:
        self._tick()
        now = time.monotonic()
        if self._error is not None:
            raise self._error
        over = self._end is not None and now >= self._end
        found = None if over else self._ready_job(now)
        if found is None:
            waits = self._waiting or self._scheduler.running or self._unreturned
            if not self._out and (over or not waits):
                raise SearchOver
            return None
        job, since, reference = found
        if self._idle:
            self._idle.popleft()
        left = job.time_left - (time.monotonic() - since)
        job = replace(job, time_left=left, hard_limit=min(job.hard_limit, left))
        number = self._started
        self._out[trial_id] = (number, job, now)
        self._started += 1
        return {"payload": Payload(self._request(job), reference, self._exit_note(number))}

    def _ready_job(self, now: float) -> tuple[Job, float, Any] | None:
        """A job whose rows are ready, when it was handed out, and its rows.

        While rows are made for some jobs another is handed out; without a time limit none is, for
        then the order decides.
        """
        most = 1 if self._end is None else self._slots - len(self._out) + 1
        while len(self._waiting) < most and (job := self._next_job(now)) is not None:
            self._waiting.append((job, now))
            if self._store.get(job, wait=0.0) is not None:
                break
        for wait in (0.0, ROWS_WAIT):
            for job, since in self._waiting:
                if (reference := self._store.get(job, wait=wait)) is not None:
                    self._waiting.remove((job, since))
                    return job, since, reference
        return None

    def check(self) -> None:
        """Called at every step of Tune, also while all jobs are out or wait for resources."""
        now = time.monotonic()
        if self._end is not None and now > self._end + LATE:
            raise SearchOver
        if now >= self._checked + CHECK_EVERY:
            self._checked = now
            self._tick()

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        if not error:  # a fault follows with its reason, see ErrorCallback
            box = (result or {}).get("fit") or [FitResult("failed", "its worker gave no result")]
            self.settle(trial_id, box.pop())  # Tune keeps the result; leave it empty

    def settle(self, trial_id: str, result: FitResult | BaseException) -> None:
        """Pass on what became of a job."""
        number, job, since = self._out.pop(trial_id)
        elapsed = time.monotonic() - since
        if isinstance(result, BaseException):
            result = _fault(job, result, elapsed, exit_reason(self._exit_note(number)))
        result.overhead_seconds = elapsed - result.fit_seconds - result.predict_seconds
        self._idle.append(Worker(result.libraries))
        if result.imported:
            self._scheduler.imported(result.imported, result.import_seconds)
        try:
            self._take(number, job, result)
            self._tick()
        except BaseException as fault:  # noqa: BLE001 - Tune would only log it; suggest raises it
            self._error = self._error or fault

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the journal is what a run resumes from."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the journal is what a run resumes from."""

    def _exit_note(self, number: int) -> Path:
        return self._folder / f"{number}.exit"

    def _next_job(self, now: float) -> Job | None:
        if self._end is not None:
            worker = self._idle[0] if self._idle else FRESH
            return self._scheduler.next_job(now - self._began, worker)
        self._return_results()
        if self._started - self._returned >= SLOTS:
            return None
        job = self._scheduler.next_job(now - self._began)
        if job is None and self._return_result():
            return self._next_job(now)
        return job

    def _take(self, number: int, job: Job, result: FitResult) -> None:
        if self._end is not None:
            self._finish(job, result)
            return
        self._unreturned[number] = (job, result)
        self._return_results()

    def _return_results(self) -> None:
        """Give results back while all logical slots are taken, so that none comes too early."""
        while self._started - self._returned >= SLOTS and self._return_result():
            pass

    def _return_result(self) -> bool:
        """Give back the result of the earliest job; False while it is not there."""
        if self._returned not in self._unreturned:
            return False
        self._finish(*self._unreturned.pop(self._returned))
        self._returned += 1
        return True


def _fault(job: Job, error: BaseException, elapsed: float, note: str | None) -> FitResult:
    """The result of a job that gave none: its process is gone, or the host itself failed."""
    if not isinstance(error, ray.exceptions.RayActorError):
        reason = f"the host failed: {str(error).strip().splitlines()[-1]}"
    elif note is None and elapsed < min(job.hard_limit, job.time_left) - 1.0:
        reason = DIED
    elif note is None or note.startswith(OVERDUE):
        reason = f"ended after {elapsed:.0f} s, {note or OVERDUE}"
    else:
        reason = note
    return FitResult("failed", reason, fit_seconds=elapsed)


class ErrorCallback(tune.Callback):
    """Tells the searcher why a trial ended without a result, and that time goes by."""

    def __init__(self, searcher: TuneSearcher) -> None:
        self._searcher = searcher

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Called by Tune whatever it waits for."""
        del iteration, trials, info
        self._searcher.check()

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Called by Tune after the searcher heard that the trial failed."""
        del iteration, trials, info
        with Path(trial.pickled_error_file).open("rb") as file:
            self._searcher.settle(trial.trial_id, ray.cloudpickle.load(file))


class RungTrainable(tune.Trainable):
    """Runs one request a trial; its process is used again for the next."""

    def setup(self, config: dict[str, Any]) -> None:
        current_folder_last()  # Ray may have put it first
        self.payload = config["payload"]
        get_host()

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.payload = new_config["payload"]
        return True

    def step(self) -> dict[str, Any]:
        return {"fit": [_guarded(self.payload)], "done": True}


def _guarded(payload: Payload) -> FitResult:
    """Run the request under the worker's own watchdogs."""
    data = ray.get(payload.data)
    with watched(payload.exit_note, payload.request.memory) as watch:
        return run_rung(payload.request, data, watch)
