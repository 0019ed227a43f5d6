"""Training, of a fit and of a study: jobs go out; finished fits are scored, journalled and told."""

from __future__ import annotations

import math
import time
from concurrent.futures import wait as until
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from automl.errors import AutoMLError, OverdueError, StoppedError
from automl.hooks.calls import sentence
from automl.hooks.manager import get_host
from automl.metrics import score as score_of
from automl.runs.journal import Journal, damaged_lines, mend_journal, read_journal
from automl.runs.record import OVERDUE
from automl.schedule.base import TIME_LIMITED
from automl.types import TOP, Rung
from automl.workers.background import Background
from automl.workers.evaluate import FitRequest
from automl.workers.memory import MemoryBudget, needs_of, spare
from automl.workers.slots import Slots
from automl.workers.store import RowStore
from automl.workflow.ending import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from pathlib import Path
    from typing import Any

    from automl.rows.cells import RowDesign
    from automl.schedule.base import Job, Scheduler
    from automl.types import Learner, Status
    from automl.workers.evaluate import FitResult
    from automl.workers.shares import Slot
    from automl.workflow.state import Fit, Prepared

STORE_SHARE = 1 / 8
"""Part of the allowed memory that encoded rows may fill."""
ATTEMPTS = 2
"""Fits in a row that their metric could not score after which the search is given up."""
UNSCORED = "not scored: "
FIRST_MODEL = 2.0
"""Seconds of a search that the budget leaves none for, so that there is the cheapest model."""
AT_THE_END = 1.0
"""Seconds before the end of a search from which a fit ended as overdue is one that it cut off."""


def earlier_rungs(fit: Fit) -> list[Rung]:
    """The fits of the sessions that a run goes on from."""
    if not fit.options.resume:
        return []
    if damaged := damaged_lines(fit.run):
        told = f"{damaged} damaged lines of the journal do not count; what they tell starts anew"
        fit.observer.say(told)
    if mend_journal(fit.run):
        fit.observer.say("The journal's last line was torn by a kill; what it told starts anew")
    return read_journal(fit.run)


def seconds_for_training(fit: Fit, reserve: float, earlier: Sequence[Rung]) -> float | None:
    """Seconds that are left for training, enough for a first model; None without a limit.

    Args:
        fit: The run and its budget.
        reserve: Seconds to keep for what comes after.
        earlier: Fits of earlier sessions, which have spent their part.
    """
    if fit.options.seconds is None:
        return None
    spent = sum(r.fit_seconds + r.predict_seconds + r.overhead_seconds for r in earlier)
    left = fit.left() - reserve - spent / fit.workers.slots
    if left >= FIRST_MODEL or any(rung.rung >= TOP and rung.status == "ok" for rung in earlier):
        return left
    fit.observer.say("The time limit is used up before the training: only the cheapest is fitted")
    return FIRST_MODEL


@dataclass(slots=True)
class Training:
    """A fit or a study under way; the row design and the scheduler are all that tell them apart."""

    fit: Fit
    prepared: Prepared
    design: RowDesign
    scheduler: Scheduler
    store: RowStore
    budget: MemoryBudget
    """The memory of the workers."""
    journal: Journal
    learners: dict[str, Learner]
    seconds: float | None
    """Seconds of the training; None without a limit."""
    end: float = math.inf
    """`time.monotonic()` at which the training must be over."""
    unscored: int = 0
    """Fits in a row that their metric could not score."""
    observers: Background = field(default_factory=lambda: Background("observers"))
    told: Future[Any] | None = None
    """The last call of the observers."""

    @classmethod
    def begin(
        cls,
        fit: Fit,
        prepared: Prepared,
        design: RowDesign,
        scheduler: Scheduler,
        *,
        seconds: float | None,
        earlier: Sequence[Rung],
        folder: Path | None = None,
    ) -> Training:
        """Set the training up, and take the fits of earlier sessions.

        Args:
            fit: The run and what it may use.
            prepared: The learners and the metrics.
            design: Gives the rows of every cell.
            scheduler: Says what comes next.
            seconds: Seconds of the training; None without a limit.
            earlier: Fits of earlier sessions.
            folder: Where fitted encodings of models that are kept are saved.
        """
        from automl.workers import engine  # needs a Ray that is running

        allowed = fit.cluster.memory
        capacity = int(STORE_SHARE * allowed)
        store = RowStore(
            design,
            engine.put,
            prepared.learners,
            capacity=capacity,
            seed=fit.options.seed,
            folder=folder,
        )
        learners = {learner.name: learner for learner in prepared.learners}
        scheduler.replay(earlier)
        for rung in earlier:
            if rung.learner in learners:
                fit.count(rung, learners[rung.learner].family, prepared.choice)
        budget = MemoryBudget(
            fit.workers,
            0 if fit.options.address else spare(allowed, capacity),
            needs_of(learners, prepared.data.schema, design.size),
        )
        journal = Journal(fit.run)
        return cls(fit, prepared, design, scheduler, store, budget, journal, learners, seconds)

    def run(
        self,
        *,
        finished: Callable[[Rung], object] = lambda _: None,
        tick: Callable[[], None] = lambda: None,
    ) -> Ending:
        """Train until nothing is left to do, time is over, or something stops it.

        Args:
            finished: Called with every fit that ended well, once it is journalled.
            tick: Called about twice a second.

        Raises:
            AutoMLError: The run must not go on, and what it has done is not to be concluded.
        """
        from automl.workers import engine
        from automl.workers.roster import CHECK_EVERY

        def finish(job: Job, result: FitResult) -> None:
            rung = self._finish(job, result)
            if rung is not None and rung.status == "ok":
                finished(rung)

        def show() -> None:
            for line in self.fit.cluster.news():
                self.fit.observer.say(line)
            self.fit.show("search", self._running(), every=CHECK_EVERY)
            tick()

        limited = self.seconds is not None
        self.end = time.monotonic() + self.seconds if self.seconds is not None else math.inf
        try:
            try:
                engine.search(
                    self.scheduler,
                    self.store,
                    self._request,
                    finish,
                    Slots(self.fit.cluster, self.on_gpu, len(self.learners), self.budget),
                    end=self.end if limited else None,
                    tick=show,
                    patience=self.fit.elapsed(),
                )
            finally:
                self.fit.grace.concluding = True
        except KeyboardInterrupt:
            return Ending("interrupted")
        except StoppedError as error:
            return Ending.by(error)
        except AutoMLError:
            raise
        except Exception as error:  # noqa: BLE001 - what has been done is concluded
            return Ending.by(error)
        finally:
            self.store.close()
            encoding = {work: round(seconds, 2) for work, seconds in self.store.seconds.items()}
            self.fit.info = replace(self.fit.info, encoding=encoding)
            self._release_observers()
        return Ending()

    def _release_observers(self) -> None:
        """Let the observers hear of the last fits, but not wait for them without end."""
        if self.told is not None:
            done, _ = until([self.told], timeout=self.fit.patience)
            if not done:
                self.fit.observer.say(f"{get_host().observing} hangs: it is not told the last fits")
        self.observers.close()

    def _running(self) -> tuple[str, ...]:
        return tuple(f"{trial} {self.design.where(cell)}" for trial, cell in self.scheduler.running)

    @property
    def on_gpu(self) -> list[str]:
        """Learners that can use a GPU."""
        schema = self.prepared.data.schema
        return [name for name, one in self.learners.items() if one.resources(schema).gpus]

    def _request(self, job: Job, slot: Slot) -> FitRequest:
        """The request that a worker gets for a job in a slot."""
        schema = self.prepared.data.schema
        learner = self.learners[job.trial.learner]
        return FitRequest(
            learner=learner.name,
            config=self.design.config(job.trial.config, job.cell, learner),
            seed=job.trial.seed,
            task=schema.task,
            n_classes=schema.n_classes,
            metric=self.prepared.metric.name,
            threads=self.design.threads(job.cell) or slot.threads,
            device="cuda" if slot.gpus and learner.resources(schema).gpus else "cpu",
            soft_limit=job.soft_limit,
            hard_limit=job.hard_limit,
            time_left=job.time_left,
            fit_share=job.fit_share,
            memory=slot.memory,
            most_rows=learner.limits.rows,
            save=self.design.keeps_model(job.cell),
            steps=job.steps,
            plugins=self.fit.plugins,
        )

    def _finish(self, job: Job, result: FitResult) -> Rung | None:
        """Score what came back, journal it, and tell scheduler, observers and screen.

        Returns:
            The rung; None where the end of the search cut off what may be fitted another time.
        """
        if result.lost:
            self._lose(job, result)
            return None
        status = result.status
        if status == "not_reached" and not self.scheduler.declined(job, result.needed_seconds or 0):
            return None
        if status == "failed" and OVERDUE in result.reason:
            if time.monotonic() >= self.end - AT_THE_END:
                self.scheduler.drop(job)  # the end of the search is not the learner's fault
                return None
            status = self.scheduler.overdue
        rung = self._rung(job, result, status)
        self.journal.write(rung, result.predictions, result.model)
        self.scheduler.take(rung)
        self.fit.count(rung, self.learners[rung.learner].family, self.prepared.choice)
        self.told = self.observers.submit(get_host().rung_finished, rung)
        if self.unscored:
            self.fit.observer.say(f"{rung.trial} {rung.reason}")
        if self.unscored >= ATTEMPTS:
            raise StoppedError(rung.reason.removeprefix(UNSCORED))
        if rung.status != "ok":
            where = self.design.where(job.cell)
            self.fit.observer.say(f"{rung.trial} {rung.status} {where}: {rung.reason}")
            if self.fit.options.on_error == "raise":
                msg = f"{rung.trial} failed: {rung.reason} (--on-error raise)"
                raise AutoMLError(msg)
        return rung

    def _lose(self, job: Job, result: FitResult) -> None:
        """Tell that the machine did not make a fit; a run that goes on tries it anew."""
        rung = self._rung(job, result, result.status)
        self.scheduler.lose(rung)
        self.fit.observer.say(f"{rung.trial} not made {self.design.where(job.cell)}: {rung.reason}")

    def _score(self, job: Job, result: FitResult) -> tuple[float | None, str]:
        """The validation score, None where it is not defined; or why the metric gave none."""
        if "" not in result.predictions:
            return None, ""
        truth, given = self.store.truth(job.cell), result.predictions[""]
        try:
            value = score_of(self.prepared.choice, truth.validation, given, truth.weights)
        except Exception as error:  # noqa: BLE001 - a metric may raise anything
            self.unscored += ATTEMPTS if isinstance(error, OverdueError) else 1
            return None, f"{UNSCORED}{sentence(error)}"
        self.unscored = 0
        return value if math.isfinite(value) else None, ""

    def _rung(self, job: Job, result: FitResult, status: Status) -> Rung:
        """The line of a finished fit."""
        score, unscored = self._score(job, result)
        learner = self.learners[job.trial.learner]
        limited = learner.fidelity is not None
        return Rung(
            **job.cell._asdict(),
            learner=job.trial.learner,
            trial=job.trial.id,
            config=job.trial.config,
            seed=job.trial.seed,
            n=learner.limits.rows_of(self.design.size(job.cell)),
            score=score,
            fit_seconds=round(result.fit_seconds, 4),
            predict_seconds=round(result.predict_seconds, 4),
            status=status,
            reason=unscored or result.reason,
            steps=result.steps,
            size_bytes=None if result.model is None else sum(map(len, result.model.values())),
            overhead_seconds=round(result.overhead_seconds, 4),
            time_limited=limited and result.fit_seconds > TIME_LIMITED * job.soft_limit,
            censored=result.censored,
            needed_seconds=result.needed_seconds,
        )
