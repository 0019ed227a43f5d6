"""Ray Tune runs the jobs that a scheduler hands out."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray import tune
from ray.tune.execution.tune_controller import TuneController

from automl.hooks.bounded import bounded
from automl.workers import environment
from automl.workers.evaluate import FitRequest, FitResult
from automl.workers.faults import every_error_heard, idle_workers_kept
from automl.workers.searcher import LATE, SearchOver, TuneSearcher
from automl.workers.trainable import RungTrainable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from automl.schedule.base import Job, Scheduler
    from automl.workers.shares import Slot
    from automl.workers.slots import Slots
    from automl.workers.store import RowStore

put = ray.put
"""Puts rows where every worker can read them; gives the reference that jobs carry."""
GONE_SECONDS = 2.0
"""Seconds that giving workers back may take; it takes some hundredths."""


def search(
    scheduler: Scheduler,
    store: RowStore,
    request: Callable[[Job, Slot], FitRequest],
    finish: Callable[[Job, FitResult], None],
    slots: Slots,
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
        slots: Where they go, and the memory of all of them.
        end: `time.monotonic()` at which the search must be over; None without a limit.
        tick: Called often, for progress.
        patience: Half the seconds beyond the end that the first job may take to begin: a machine
            that was slow so far will be slow then.
    """
    with (
        environment.quiet({"TUNE_MAX_PENDING_TRIALS_PG": str(sys.maxsize)}),  # the slots decide
        tempfile.TemporaryDirectory(prefix="automl-", ignore_cleanup_errors=True) as folder,
        _quiet(),
        environment.inherited() if slots.begun else contextlib.nullcontext(),
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
            slots=slots,
            end=end,
            tick=watch,
        )
        searcher.patience = LATE + 2 * patience
        with contextlib.suppress(SearchOver), every_error_heard(), idle_workers_kept():
            try:
                _tune(searcher, folder)
            except BaseException as error:
                _let_go(error)
                raise
        if searcher.error is not None:
            raise searcher.error


def _tune(searcher: TuneSearcher, folder: str) -> None:
    """Let Tune run the jobs of a searcher."""
    tune.Tuner(
        RungTrainable,
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            num_samples=sys.maxsize,
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
                with contextlib.suppress(Exception):
                    bounded("Tune", GONE_SECONDS, manager.cleanup)
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


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

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Called by Tune once a worker has taken up a trial."""
        del iteration, trials, info
        self._searcher.begin(trial.trial_id)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Called by Tune after the searcher heard that the trial failed."""
        del iteration, trials, info
        file = trial.error_file
        told = Path(file).read_text("utf-8", "replace") if file and Path(file).exists() else ""
        self._searcher.settle_fault(trial.trial_id, told or "Tune does not say why")
