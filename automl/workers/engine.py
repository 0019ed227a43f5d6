"""Ray Tune runs the jobs that a scheduler hands out."""

from __future__ import annotations

import contextlib
import logging
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

from automl.errors import ViewError
from automl.hooks.manager import get_host
from automl.schedule.base import FRESH, Worker
from automl.workers import environment
from automl.workers.evaluate import FitRequest, FitResult, run_rung
from automl.workers.faults import SystemFault, every_error_heard, judge, last_error
from automl.workers.paths import current_folder_last
from automl.workers.watchdog import exit_reason, watched

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
GONE_SECONDS = 2.0
"""Seconds that giving workers back may take; it takes some hundredths."""
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
    patience: float = 0.0,
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
        patience: Half the seconds beyond the end that the first job may take to begin: a machine
            that was slow so far will be slow then.
    """
    with (
        environment.quiet({"TUNE_MAX_PENDING_TRIALS_PG": str(workers.slots)}),
        tempfile.TemporaryDirectory(prefix="automl-", ignore_cleanup_errors=True) as folder,
        _quiet(),
        _remembered() as signalled,
    ):

        def watch() -> None:
            tick()
            if signalled:
                raise signalled[0]

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
        searcher.patience = LATE + 2 * patience
        with contextlib.suppress(SearchOver), every_error_heard():
            try:
                _tune(searcher, workers, folder)
            except BaseException as error:
                _let_go(error)
                raise
        if searcher.error is not None:
            raise searcher.error


def _tune(searcher: TuneSearcher, workers: Workers, folder: str) -> None:
    """Let Tune run the jobs of a searcher."""
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


def _let_go(error: BaseException | None) -> None:
    """Give the workers back of a search that an error left.

    Tune's controller holds them, and stays where somebody keeps the error, as an interactive
    session does; its own way out waits for workers that are gone.
    """
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if isinstance(controller := frame.f_locals.get("self"), TuneController):
                manager: Any = controller._actor_manager  # noqa: SLF001 - no public way
                _waited_for(manager.cleanup)
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def _waited_for(clean: Callable[[], object]) -> None:
    """Call a function that may hang where Ray is gone, and wait for it as long as is usual."""
    thread = threading.Thread(target=clean, name="clean", daemon=True)
    thread.start()
    thread.join(GONE_SECONDS)


@contextlib.contextmanager
def _remembered() -> Iterator[list[BaseException]]:
    """Remember Ctrl-C and SIGTERM: Python drops what is raised inside `__del__`.

    Yields:
        What the handlers raised so far.
    """
    raised: list[BaseException] = []
    if threading.current_thread() is not threading.main_thread():
        yield raised
        return
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = {int(number): handler for number, handler in found.items() if callable(handler)}

    def note(number: int, frame: FrameType | None) -> None:
        try:
            before[number](number, frame)
        except BaseException as error:
            raised.append(error)
            raise

    for number in before:
        signal.signal(number, note)
    try:
        yield raised
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if raised:
        raise raised[0]


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


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A job handed out, perhaps anew after a fault of the system."""

    number: int
    """Place in the order of the jobs."""
    job: Job
    since: float
    """`time.monotonic()` when the scheduler handed it out."""
    began: float = 0.0
    """`time.monotonic()` when it went to a worker this time."""
    alone: bool = False
    """True if it has the machine and the memory of all workers to itself."""
    faults: int = 0
    """Faults of the system that ended it so far."""

    @property
    def limited(self) -> Job:
        """The job with what is left of its time."""
        left = self.job.time_left - (self.began - self.since)
        return replace(self.job, time_left=left, hard_limit=min(self.job.hard_limit, left))

    def after(self, fault: SystemFault) -> _Attempt | None:
        """The next attempt: once anywhere, unless memory was short, and once alone."""
        if self.alone:
            return None
        return replace(self, faults=self.faults + 1, alone=fault.starved or self.faults > 0)


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
        self.patience = LATE
        """Seconds beyond the end that the first job may wait for its rows, and for a worker."""
        self._began = time.monotonic()
        self._waiting: list[tuple[Job, float]] = []
        """Jobs whose rows are not ready, and when they were handed out."""
        self._again: deque[_Attempt] = deque()
        """Jobs that a fault of the system ended, to be handed out anew."""
        self._out: dict[str, _Attempt] = {}
        self._idle: deque[Worker] = deque()
        """Workers that gave a result and have no job, the one that waits longest first."""
        self._unreturned: dict[int, tuple[Job, FitResult]] = {}
        self._started = 0
        self._fitted = 0
        """Fits that ended well."""
        self._returned = 0
        self._first = 0.0
        """`time.monotonic()` when the first job was handed out."""
        self.error: BaseException | None = None
        """The trouble on this side that ends the search."""
        self._checked = 0.0

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles its searcher to resume, we resume from the journal."""
        return {}

    def suggest(self, trial_id: str) -> Any:
        try:
            return self._suggestion(trial_id)
        except Exception as error:
            self.error = self.error or error
            raise SearchOver from error

    def _suggestion(self, trial_id: str) -> Any:
        self._tick()
        now = time.monotonic()
        if self.error is not None:
            raise SearchOver
        over = self._over(now)
        found = None if over else self._next_attempt(now)
        if found is None:
            waits = self._waiting or self._again or self._scheduler.running or self._unreturned
            if not self._out and (over or not waits):
                raise SearchOver
            return None
        attempt, reference = found
        if self._idle:
            self._idle.popleft()
        attempt = replace(attempt, began=time.monotonic())
        self._out[trial_id] = attempt
        asked = self._request(attempt.limited)
        if attempt.alone:
            asked = replace(asked, memory=asked.memory * self._slots)
        return {"payload": Payload(asked, reference, self._exit_note(attempt.number))}

    def _over(self, now: float) -> bool:
        """Return whether no further job is handed out; the first one may wait for its rows."""
        if self._end is None:
            return False
        return now >= self._end + (0.0 if self._started else self.patience)

    def _left_behind(self, now: float) -> bool:
        """Return whether jobs that no worker has taken up by now are left behind."""
        if self._end is None or not self._started:
            return self._over(now)
        return now > max(self._end, self._first) + (LATE if self._fitted else self.patience)

    def _next_attempt(self, now: float) -> tuple[_Attempt, Any] | None:
        """A job and its rows: one that is made anew goes ahead, and perhaps alone."""
        if any(attempt.alone for attempt in self._out.values()):
            return None
        if self._again:
            attempt = self._again[0]
            if attempt.alone and self._out:
                return None
            try:
                rows = self._store.get(attempt.job, wait=ROWS_WAIT)
            except ViewError as error:
                self._again.popleft()
                self._take(attempt.number, attempt.job, _lost(error))
                return self._next_attempt(now)
            return None if rows is None else (self._again.popleft(), rows)
        found = self._ready_job(now)
        if found is None:
            return None
        job, since, rows = found
        self._started += 1
        if self._started == 1:  # the first one takes as long as it takes, so that there is a model
            since = self._first = time.monotonic()
            longest = max(job.time_left, self.patience)
            job = replace(job, time_left=longest, hard_limit=max(job.hard_limit, self.patience))
        return _Attempt(self._started - 1, job, since), rows

    def _ready_job(self, now: float) -> tuple[Job, float, Any] | None:
        """A job whose rows are ready, when it was handed out, and its rows.

        While rows are made for some jobs another is handed out; without a time limit none is, for
        then the order decides.
        """
        most = 1 if self._end is None else self._slots - len(self._out) + 1
        while len(self._waiting) < most and (job := self._next_job(now)) is not None:
            self._waiting.append((job, now))
            if self._prepared(job, now, wait=0.0) is not None:
                break
        for wait in (0.0, ROWS_WAIT):
            for job, since in list(self._waiting):
                if (reference := self._prepared(job, since, wait=wait)) is not None:
                    self._waiting.remove((job, since))
                    return job, since, reference
        return None

    def _prepared(self, job: Job, since: float, *, wait: float) -> Any | None:
        """The rows of a waiting job; where they cannot be made it is over, and none comes."""
        try:
            return self._store.get(job, wait=wait)
        except ViewError as error:
            self._waiting.remove((job, since))
            self._started += 1
            self._take(self._started - 1, job, _lost(error))
            return None

    def check(self) -> None:
        """Called at every step of Tune, also while all jobs are out or wait for resources."""
        now = time.monotonic()
        if self.error is not None or self._left_behind(now):
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

    def settle_fault(self, trial_id: str, told: str) -> None:
        """Pass on that a job has no result, for the error heard last, or with what Tune tells."""
        error = last_error()
        if trial_id in self._out:
            self.settle(trial_id, error or ray.exceptions.RayError(told))

    def settle(self, trial_id: str, result: FitResult | BaseException) -> None:
        """Pass on what became of a job."""
        attempt = self._out.pop(trial_id)
        elapsed = time.monotonic() - attempt.began
        if isinstance(result, BaseException):
            note = exit_reason(self._exit_note(attempt.number))
            judged = judge(attempt.limited, result, elapsed, note)
            if isinstance(judged, SystemFault):
                if (again := attempt.after(judged)) is not None:
                    self._idle.append(FRESH)
                    self._again.append(again)
                    if not judged.starved:
                        self._store.forget(attempt.job)  # it may be the rows that are lost
                    return
                judged = _lost(judged.reason)
            result = judged
        self._fitted += result.status == "ok"
        result.overhead_seconds = elapsed - result.fit_seconds - result.predict_seconds
        self._idle.append(Worker(result.libraries))
        if result.imported:
            self._scheduler.imported(result.imported, result.import_seconds)
        try:
            self._take(attempt.number, attempt.job, result)
            self._tick()
        except BaseException as fault:  # noqa: BLE001 - Tune would only log it; search raises it
            self.error = self.error or fault

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the journal is what a run resumes from."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the journal is what a run resumes from."""

    def _exit_note(self, number: int) -> Path:
        return self._folder / f"{number}.exit"

    def _next_job(self, now: float) -> Job | None:
        if self._end is not None:
            worker = self._idle[0] if self._idle else FRESH
            elapsed = now - self._began if self._started else 0.0  # Tune's start is none of it
            return self._scheduler.next_job(elapsed, worker)
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


def _lost(why: Exception | str) -> FitResult:
    """The result of a job that the machine did not make."""
    return FitResult("not_reached", str(why), lost=True)


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
        file = trial.error_file
        told = Path(file).read_text("utf-8", "replace") if file and Path(file).exists() else ""
        self._searcher.settle_fault(trial.trial_id, told or "Tune does not say why")


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
