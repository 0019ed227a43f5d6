"""Tune's searcher: it asks a scheduler for jobs, and passes on what becomes of them."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ray
from ray.tune.search import Searcher

from automl.errors import StoppedError, ViewError
from automl.schedule.base import FRESH, Worker
from automl.workers.attempt import Attempt, lost
from automl.workers.evaluate import FitRequest, FitResult
from automl.workers.faults import SystemFault, judge, last_error
from automl.workers.roster import CHECK_EVERY, PATIENCE
from automl.workers.trainable import Payload
from automl.workers.watchdog import exit_reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from automl.schedule.base import Job, Scheduler
    from automl.workers.shares import Slot
    from automl.workers.slots import Slots
    from automl.workers.store import RowStore

LATE = 10.0
"""Seconds after its end at which a search leaves jobs behind that no worker has taken up; before
it, seconds until such a job goes to another machine, for others use the CPUs of this one."""
ROWS_WAIT = 0.1
"""Seconds to wait for rows before looking at what else goes on."""
SLOTS = 2
"""Logical slots without a time limit, whatever the workers."""


_NodeDiedError: Any = ray.exceptions.NodeDiedError


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
        request: Callable[[Job, Slot], FitRequest],
        finish: Callable[[Job, FitResult], None],
        folder: Path,
        *,
        slots: Slots,
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
        self._budget = slots.budget
        self.patience = LATE
        """Seconds beyond the end that the first job may wait for its rows, and for a worker."""
        self._began = time.monotonic()
        self._waiting: list[tuple[Job, float]] = []
        """Jobs whose rows are not ready, and when they were handed out."""
        self._again: deque[Attempt] = deque()
        """Jobs that a fault of the system ended, to be handed out anew."""
        self._held_back: tuple[Attempt, Any] | None = None
        """A job that waits for memory, and its rows; it is the next one."""
        self._out: dict[str, Attempt] = {}
        self._inhabited = time.monotonic()
        """The last time that there was a machine."""
        self._missed: dict[str, float] = {}
        """Jobs whose machine is gone, and since when that is known."""
        self._begun: set[str] = set()
        """Jobs that a worker has taken up."""
        self._given_up: dict[str, Slot] = {}
        """Jobs that are made elsewhere, as others used the CPUs of their slots."""
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
        self._look_around(now)
        over = self._over(now)
        found = None if over else self._candidate(now)
        granted = found and self._budget.grant(found[0].number, found[0].job, alone=found[0].alone)
        if found is not None:
            self._held_back = None if granted else found[:2]
        if found is None or granted is None:
            waits = self._waiting or self._again or self._scheduler.running or self._unreturned
            if not self._out and (over or not waits):
                raise SearchOver
            return None
        attempt, reference, slot = found
        self._slots.take(slot, whole=attempt.alone)
        attempt = replace(attempt, began=time.monotonic(), slot=slot, allowed=granted.allowed)
        self._out[trial_id] = attempt
        asked = self._request(attempt.limited, slot)
        if self._budget.limited:
            asked = replace(asked, memory=granted.allowed)
        elif attempt.alone:
            asked = replace(asked, memory=asked.memory * self._slots.on(slot.node))
        return {"payload": Payload(asked, reference, self._exit_note(attempt.number), slot)}

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

    def _candidate(self, now: float) -> tuple[Attempt, Any, Slot] | None:
        """The job that waits for memory, if one does, or another; its rows and its slot."""
        if self._held_back is None:
            return self._next_attempt(now)
        attempt, rows = self._held_back
        slot = self._slot_of(attempt)
        return None if slot is None else (attempt, rows, slot)

    def _slot_of(self, attempt: Attempt) -> Slot | None:
        """A free slot for a job that was handed out before."""
        if attempt.alone:
            return self._slots.whole_node()
        return self._slots.slot_for(attempt.job.trial.learner)

    def _next_attempt(self, now: float) -> tuple[Attempt, Any, Slot] | None:
        """A job, its rows and its slot: one that is made anew goes ahead, and perhaps alone."""
        if self._again:
            attempt = self._again[0]
            slot = self._slot_of(attempt)
            if slot is not None:
                return self._anew(attempt, slot, now)
        found = self._ready_job(now)
        if found is None:
            return None
        job, since, rows, slot = found
        self._started += 1
        if self._started == 1:  # the first one takes as long as it takes, so that there is a model
            since = self._first = time.monotonic()
            longest = max(job.time_left, self.patience)
            job = replace(job, time_left=longest, hard_limit=max(job.hard_limit, self.patience))
        return Attempt(self._started - 1, job, since), rows, slot

    def _anew(self, attempt: Attempt, slot: Slot, now: float) -> tuple[Attempt, Any, Slot] | None:
        """A job that is made anew, unless its rows have yet to be."""
        try:
            rows = self._store.get(attempt.job, wait=ROWS_WAIT)
        except ViewError as error:
            self._again.popleft()
            self._slots.release()
            self._take(attempt.number, attempt.job, lost(error))
            return self._next_attempt(now)
        return None if rows is None else (self._again.popleft(), rows, slot)

    def _ready_job(self, now: float) -> tuple[Job, float, Any, Slot] | None:
        """A job whose rows are ready, when it was handed out, its rows and its slot.

        While rows are made for some jobs another is handed out; without a time limit none is, for
        then the order decides.
        """
        if not self._slots.offered():
            return None
        most = 1 if self._end is None else self._slots.size - len(self._out) + 1
        while len(self._waiting) < most and (job := self._next_job(now)) is not None:
            if why := self._budget.refusal(job):
                self._started += 1
                self._take(self._started - 1, job, FitResult("skipped", why, lost=True))
                continue
            self._waiting.append((job, now))
            if self._prepared(job, now, wait=0.0) is not None:
                break
        for wait in (0.0, ROWS_WAIT):
            for job, since in list(self._waiting):
                slot = self._slots.slot_for(job.trial.learner)
                if slot is None:
                    continue
                if (reference := self._prepared(job, since, wait=wait)) is not None:
                    self._waiting.remove((job, since))
                    return job, since, reference, slot
        return None

    def _prepared(self, job: Job, since: float, *, wait: float) -> Any | None:
        """The rows of a waiting job; where they cannot be made it is over, and none comes."""
        try:
            return self._store.get(job, wait=wait)
        except ViewError as error:
            self._waiting.remove((job, since))
            self._started += 1
            self._take(self._started - 1, job, lost(error))
            return None

    def check(self) -> None:
        """Called at every step of Tune, also while all jobs are out or wait for resources."""
        now = time.monotonic()
        if self.error is not None or self._left_behind(now):
            raise SearchOver
        if now >= self._checked + CHECK_EVERY:
            self._checked = now
            self._tick()
            self._look_around(now)

    def _look_around(self, now: float) -> None:
        """Take up machines that joined; take back the jobs of those that are gone."""
        self._slots.refresh()
        if self._slots.size:
            self._inhabited = now
        elif self._end is None and now > self._inhabited + PATIENCE:
            self.error = self.error or StoppedError("no machine of the Ray cluster is left")
            raise SearchOver
        for trial_id, attempt in list(self._out.items()):
            if attempt.slot is None:
                continue
            if attempt.slot.node in self._slots.gone:
                missed = self._missed.setdefault(trial_id, now)
                if now > missed + CHECK_EVERY:  # of a job without a worker nobody tells
                    self.settle(trial_id, _NodeDiedError("its machine is gone"))
            elif self._waits_for_others(trial_id, attempt, now):
                self._again.append(self._out.pop(trial_id))
                self._given_up[trial_id] = attempt.slot

    def _waits_for_others(self, trial_id: str, attempt: Attempt, now: float) -> bool:
        """Return whether others use the CPUs of a job's slot, and it may go elsewhere."""
        begun = trial_id in self._begun or attempt.alone or not self._slots.several
        return not begun and now > attempt.began + LATE

    def begin(self, trial_id: str) -> None:
        """Hear that a worker has taken up a job."""
        self._begun.add(trial_id)

    def _give_back(self, attempt: Attempt, worker: Worker) -> None:
        if attempt.slot is not None:
            self._slots.give_back(attempt.slot, worker)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        if not error:  # a fault follows with its reason, see ErrorCallback
            box = (result or {}).get("fit") or [FitResult("failed", "its worker gave no result")]
            self.settle(trial_id, box.pop())  # Tune keeps the result; leave it empty

    def settle_fault(self, trial_id: str, told: str) -> None:
        """Pass on that a job has no result, for the error heard last, or with what Tune tells."""
        error = last_error()
        if trial_id in self._out or trial_id in self._given_up:
            self.settle(trial_id, error or ray.exceptions.RayError(told))

    def settle(self, trial_id: str, result: FitResult | BaseException) -> None:
        """Pass on what became of a job."""
        if (slot := self._given_up.pop(trial_id, None)) is not None:
            self._slots.give_back(slot, FRESH)  # others have left it
        if trial_id not in self._out:
            return  # taken back meanwhile
        attempt = self._out.pop(trial_id)
        self._budget.release(attempt.number)
        self._missed.pop(trial_id, None)
        elapsed = time.monotonic() - attempt.began
        if isinstance(result, BaseException):
            note = exit_reason(self._exit_note(attempt.number))
            whole = not self._budget.may_have_more(attempt.job, attempt.allowed)
            judged = judge(attempt.limited, result, elapsed, note, whole=whole)
            if isinstance(judged, SystemFault):
                again = attempt.after(judged, self._slots.gone, several=self._slots.several)
                if again is not None:
                    self._give_back(attempt, FRESH)
                    self._slots.doubt(attempt.slot)
                    self._again.append(again)
                    if not (judged.starved or isinstance(result, _NodeDiedError)):
                        self._store.forget(attempt.job)  # it may be the rows that are lost
                    return
                judged = lost(judged.reason)
            result = judged
        self._fitted += result.status == "ok"
        self._budget.learn(attempt.job, result.memory)
        result.overhead_seconds = elapsed - result.fit_seconds - result.predict_seconds
        self._give_back(attempt, Worker(result.libraries))
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
            elapsed = now - self._began if self._started else 0.0  # Tune's start is none of it
            for worker in self._slots.offered():
                if (found := self._scheduler.next_job(elapsed, worker)) is not None:
                    return found
            return None
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
