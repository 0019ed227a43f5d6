"""Ray Tune runs the jobs that the dealer deals."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray import tune
from ray.tune.search import Searcher

from automl.hooks.manager import get_host
from automl.search.objective import Order, Outcome, run_rung
from automl.search.watch import OVERDUE, last_words, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from automl.search.cluster import Workers
    from automl.search.plan import Deals, Holds, Job

put = ray.put
"""Puts rows where every worker can read them; gives the reference that jobs carry."""


LATE = 10.0
"""Seconds after its end at which a search leaves jobs behind that no worker has taken up."""
CHECK_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class Shipment:
    """An order and the rows for it, as one value of a Tune configuration."""

    order: Order
    data: Any
    """Reference to a `RungData` in the object store."""
    words: Path
    """Where the worker says why it ended, if it is on this machine."""

    def __deepcopy__(self, _: dict[int, Any]) -> Shipment:
        return self

    def __repr__(self) -> str:
        return self.order.learner


def search(
    dealer: Deals,
    store: Holds,
    order: Callable[[Job], Order],
    finish: Callable[[Job, Outcome], None],
    workers: Workers,
    *,
    end: float | None,
    own: bool = False,
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
        own: Whether this Ray ends with the search, so that nothing need be given back.
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

        feed = Feed(dealer, store, order, finish, Path(folder), end=end, own=own, tick=watch)
        tune.Tuner(
            tune.with_resources(RungTrainable, {"CPU": workers.threads, "GPU": workers.gpus}),
            tune_config=tune.TuneConfig(
                search_alg=feed,
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
                callbacks=[Faults(feed)],
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        ).fit()


@contextlib.contextmanager
def _remembered() -> Iterator[threading.Event]:
    """Whether the user pressed Ctrl-C: raised where a destructor runs, the interrupt is lost."""
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


class Feed(Searcher):
    """Deals jobs to Tune and hears of their end.

    Without a time limit results go back in the order in which the jobs were dealt, with two
    jobs out at most, so that the same seed deals the same jobs whatever the workers.
    """

    def __init__(
        self,
        dealer: Deals,
        store: Holds,
        order: Callable[[Job], Order],
        finish: Callable[[Job, Outcome], None],
        folder: Path,
        *,
        end: float | None,
        own: bool,
        tick: Callable[[], None],
    ) -> None:
        super().__init__()
        self._dealer = dealer
        self._store = store
        self._order = order
        self._finish = finish
        self._folder = folder
        self._end = end
        self._own = own
        self._tick = tick
        self._began = time.monotonic()
        self._waiting: tuple[Job, float] | None = None
        """A job whose rows are not ready, and when it was dealt."""
        self._out: dict[str, tuple[int, Job, float]] = {}
        self._parked: dict[int, tuple[Job, Outcome]] = {}
        self._dealt = 0
        self._fed = 0
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
        job, dealt = (None, now) if over else self._waiting or (self._deal(now - self._began), now)
        if job is None:
            if not self._out and (over or (self._dealer.idle and not self._parked)):
                if self._own:
                    raise SearchOver
                return Searcher.FINISHED
            return None
        reference = self._store.get(job, wait=1.0)
        if reference is None:
            self._waiting = job, dealt
            return None
        self._waiting = None
        left = job.left - (time.monotonic() - dealt)
        job = replace(job, left=left, kill_after=min(job.kill_after, left))
        number = self._dealt
        self._out[trial_id] = (number, job, now)
        self._dealt += 1
        return {"shipment": Shipment(self._order(job), reference, self._words(number))}

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
        if not error:  # a fault follows with its reason, see Faults
            box = (result or {}).get("outcome") or [Outcome("failed", "its worker gave no result")]
            self.settle(trial_id, box.pop())  # Tune keeps the result; leave it empty

    def settle(self, trial_id: str, outcome: Outcome | BaseException) -> None:
        """Pass on what became of a job."""
        number, job, since = self._out.pop(trial_id)
        elapsed = time.monotonic() - since
        if isinstance(outcome, BaseException):
            outcome = _fault(job, outcome, elapsed, last_words(self._words(number)))
        outcome.overhead_seconds = elapsed - outcome.fit_seconds - outcome.predict_seconds
        try:
            self._take(number, job, outcome)
            self._tick()
        except BaseException as fault:  # noqa: BLE001 - Tune would only log it; suggest raises it
            self._error = self._error or fault

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the journal is what a run resumes from."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the journal is what a run resumes from."""

    def _words(self, number: int) -> Path:
        return self._folder / f"{number}.words"

    def _deal(self, now: float) -> Job | None:
        if (
            self._end is None and self._dealt - self._fed >= 2
        ):  # two logical slots, whatever the workers
            return None
        return self._dealer.deal(now)

    def _take(self, number: int, job: Job, outcome: Outcome) -> None:
        if self._end is not None:
            self._finish(job, outcome)
            return
        self._parked[number] = (job, outcome)
        while self._fed in self._parked:
            self._finish(*self._parked.pop(self._fed))
            self._fed += 1


def _fault(job: Job, error: BaseException, elapsed: float, words: str | None) -> Outcome:
    """Why a job ended without an outcome: its process is gone, or the host itself failed."""
    if not isinstance(error, ray.exceptions.RayActorError):
        reason = f"the host failed: {str(error).strip().splitlines()[-1]}"
    elif words is None and elapsed < min(job.kill_after, job.left) - 1.0:
        reason = "its worker died (out of memory, a crash, or os._exit)"
    elif words is None or words.startswith(OVERDUE):
        reason = f"ended after {elapsed:.0f} s, {words or OVERDUE}"
    else:
        reason = words
    return Outcome("failed", reason, fit_seconds=elapsed)


class Faults(tune.Callback):
    """Tells the feed why a trial ended without a result, and that time goes by."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Called by Tune whatever it waits for."""
        del iteration, trials, info
        self._feed.check()

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Called by Tune after the searcher heard that the trial failed."""
        del iteration, trials, info
        with Path(trial.pickled_error_file).open("rb") as file:
            self._feed.settle(trial.trial_id, ray.cloudpickle.load(file))


class RungTrainable(tune.Trainable):
    """Runs one order a trial; its process is used again for the next."""

    def setup(self, config: dict[str, Any]) -> None:
        self.shipment = config["shipment"]
        get_host()

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.shipment = new_config["shipment"]
        return True

    def step(self) -> dict[str, Any]:
        return {"outcome": [_guarded(self.shipment)], "done": True}


def _guarded(shipment: Shipment) -> Outcome:
    """Run the order under the worker's own watchdogs."""
    data = ray.get(shipment.data)
    with watched(shipment.words, shipment.order.memory) as watch:
        return run_rung(shipment.order, data, watch)
