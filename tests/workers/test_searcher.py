from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from automl.schedule.base import Job
from automl.types import Cell, Trial
from automl.workers.evaluate import FitResult
from automl.workers.searcher import SearchOver, TuneSearcher
from automl.workers.shares import Workers
from automl.workers.slots import Slots


class Planned:
    """A scheduler that minds what it knows: every job is named by the results taken so far."""

    overdue = "failed"

    def __init__(self, jobs):
        self.jobs, self.taken, self.log, self.out = jobs, [], [], []

    @property
    def running(self):
        return self.out

    def next_job(self, now, worker=None):
        # every third job waits for the result before it
        if len(self.log) >= self.jobs or (len(self.log) % 3 == 2 and self.out):
            return None
        number = len(self.log)
        self.log.append((number, tuple(self.taken)))
        self.out.append(number)
        return Job(Trial("planned", number, {}), Cell())


class Ready:
    def get(self, job, wait):
        return job


class Unready:
    """Has the rows of all jobs but the first."""

    def get(self, job, wait):
        return job if job.trial.number else None


class Eager(Planned):
    """Hands out whatever is asked for."""

    def next_job(self, now, worker=None):
        self.out.append(len(self.log))
        self.log.append(worker)
        return Job(Trial("eager", len(self.log) - 1, {}), Cell(), time_left=60.0)


def fixed(slots):
    return Slots(SimpleNamespace(workers=Workers(slots, 1), gone=()))


def searcher_of(scheduler, store, slots):
    """A searcher whose jobs are named by their numbers, with a minute left."""
    return TuneSearcher(
        scheduler,
        store,
        lambda job, slot: job.trial.number,
        lambda job, result: None,
        Path("/nowhere"),
        slots=fixed(slots),
        end=time.monotonic() + 60,
        tick=lambda: None,
    )


def test_a_job_whose_rows_are_not_ready_holds_up_no_other():
    searcher = searcher_of(Eager(10), Unready(), slots=2)
    given = [searcher.suggest(f"t{number}")["payload"].request for number in range(2)]
    assert given == [1, 2]


def test_a_job_is_planned_for_the_worker_that_idles():
    eager = Eager(10)
    searcher = searcher_of(eager, Ready(), slots=1)
    heard = []
    eager.imported = lambda libraries, seconds: heard.append((set(libraries), seconds))
    searcher.suggest("t0")
    libraries = frozenset({"torch"})
    done = FitResult("ok", libraries=libraries, imported=libraries, import_seconds=3.5)
    searcher.settle("t0", done)
    searcher.suggest("t1")
    assert [worker.libraries for worker in eager.log] == [frozenset(), libraries]
    assert heard == [({"torch"}, 3.5)]


@settings(max_examples=50)
@given(st.integers(1, 12), st.randoms(use_true_random=False))
def test_without_a_time_limit_jobs_do_not_depend_on_when_results_come(jobs, chance):
    def search(chance):
        planned, waiting, number = Planned(jobs), [], 0

        def finish(job, result):
            planned.taken.append(job.trial.number)
            planned.out.remove(job.trial.number)

        searcher = TuneSearcher(
            planned,
            Ready(),
            lambda job, slot: job,
            finish,
            Path("/nowhere"),
            slots=fixed(2),
            end=None,
            tick=lambda: None,
        )
        while True:
            if waiting and chance.random() < 0.5:
                trial = waiting.pop(chance.randrange(len(waiting)))
                searcher.settle(trial, FitResult("ok"))
                continue
            try:
                asked = searcher.suggest(f"t{number}")
            except SearchOver:
                return planned.log, planned.taken
            if asked is not None:
                waiting.append(f"t{number}")
            number += 1

    assert search(chance) == search(chance)
    assert search(chance)[1] == list(range(jobs))
