"""The budget of memory: needs that are declared, measured and carried on, and who waits."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ray.exceptions import ActorDiedError

from automl.schedule.base import Job
from automl.types import Cell, Trial
from automl.workers.evaluate import FitRequest, FitResult
from automl.workers.memory import LEAST_MEMORY, MemoryBudget, Needs, Taken
from automl.workers.searcher import TuneSearcher
from automl.workers.shares import Workers
from automl.workers.slots import Slots

GB = 10**9
SIZES = st.integers(1, 10**7)


def job_of(number):
    return Job(Trial("tree", number, {}), Cell(), time_left=60.0)


def budget_of(needs, *, total=16 * GB, share=4 * GB, slots=2):
    """A budget of jobs that need so many bytes, by their numbers; 0 is not known."""

    def told(job):
        return Needs(lambda rows: max(needs[job.trial.number] - LEAST_MEMORY, 0)), 1

    return MemoryBudget(Workers(slots, 1, memory=share), total, told)


# -------------------------------------------------------------------------- needs


def test_a_need_is_declared_until_it_is_measured():
    needs = Needs(lambda rows: 1_000 * rows)
    assert needs.at(10**6) == LEAST_MEMORY + GB
    needs.take(10**5, Taken(before=GB, growth=2 * 10**7))  # a fifth of what was declared
    assert needs.at(10**6) == GB + 2 * 10**8
    assert needs.at(10**5) == GB + 2 * 10**7


def test_a_learner_that_declares_nothing_is_known_by_its_fits():
    needs = Needs(lambda rows: 0)
    assert needs.at(10**6) == 0
    needs.take(10**5, Taken(before=GB, growth=LEAST_MEMORY + GB))
    assert needs.at(10**6) == GB + LEAST_MEMORY + 10 * GB
    needs.take(10**6, Taken(before=2 * GB, growth=3 * GB))
    assert needs.at(10**6) == 4 * GB


@given(SIZES, SIZES, SIZES, st.integers(0, 10**10), st.integers(0, 10**4))
def test_more_rows_never_need_less(measured, few, many, growth, declared):
    needs = Needs(lambda rows: declared * rows)
    needs.take(measured, Taken(GB, growth))
    few, many = sorted((max(few, measured), max(many, measured)))
    assert GB <= needs.at(few) <= needs.at(many)


# ------------------------------------------------------------------------- budget


def test_a_job_that_would_never_fit_is_refused_with_the_figures():
    budget = budget_of([24 * GB, 10 * GB, 0])
    assert budget.refusal(job_of(0)) == "needs about 24 GB, 16 GB allowed"
    assert not budget.refusal(job_of(1))
    assert not budget.refusal(job_of(2))


def test_a_large_job_waits_for_others_and_gets_what_they_leave():
    budget = budget_of([5 * GB, 12 * GB, GB])
    assert budget.grant(0, job_of(0)).allowed == 16 * GB
    assert budget.grant(1, job_of(1)) is None
    assert budget.grant(2, job_of(2)).allowed == 4 * GB
    budget.release(0)
    assert budget.grant(1, job_of(1)).allowed == 15 * GB


@given(st.lists(st.integers(0, 20 * GB), min_size=1, max_size=12), st.integers(1, 4))
def test_what_runs_at_once_is_within_the_budget(needs, slots):
    budget = budget_of(needs, slots=slots)
    out = {}
    for number in range(len(needs)):
        if len(out) == slots or (granted := budget.grant(number, job_of(number))) is None:
            for other in out:
                budget.release(other)
            out.clear()
            granted = budget.grant(number, job_of(number))
        assert granted is not None  # alone everything may run
        out[number] = granted.held
        assert sum(out.values()) <= 16 * GB


def test_without_known_machines_nothing_is_held_back():
    budget = budget_of([99 * GB, 99 * GB], total=0)
    assert not budget.refusal(job_of(0))
    assert [budget.grant(n, job_of(n)).allowed for n in range(2)] == [4 * GB, 4 * GB]


# ------------------------------------------------------------------------- search


class Dealer:
    """Hands out so many jobs."""

    def __init__(self, jobs):
        self.jobs, self.out = jobs, []

    @property
    def running(self):
        return self.out

    def next_job(self, now, worker=None):
        if len(self.out) == self.jobs:
            return None
        self.out.append(len(self.out))
        return job_of(self.out[-1])


class Ready:
    def get(self, job, wait):
        return job


def asked_of(job, slot):
    return FitRequest("tree", {"number": job.trial.number}, 0, "binary", 2, "auc", memory=4 * GB)


@pytest.fixture
def search(tmp_path):
    """Begin a search with a budget; its results, and what starts a job and tells of it."""

    def begin(budget, jobs):
        results = []
        searcher = TuneSearcher(
            Dealer(jobs),
            Ready(),
            asked_of,
            lambda job, result: results.append((job.trial.number, result.status, result.reason)),
            tmp_path,
            slots=Slots(SimpleNamespace(workers=budget.workers, gone=()), budget=budget),
            end=time.monotonic() + 60,
            tick=lambda: None,
        )

        def start(name):
            asked = searcher.suggest(name)
            if asked is None:
                return None
            request = asked["payload"].request
            return request.config["number"], request.memory // GB

        return searcher, start, results

    return begin


def test_a_job_is_held_back_until_others_end(search):
    searcher, start, results = search(budget_of([5 * GB, 12 * GB, GB]), jobs=3)
    assert start("a") == (0, 16)
    assert start("b") is None  # job 1 waits, and no other goes ahead of it
    searcher.settle("a", FitResult("ok"))
    assert start("b") == (1, 16)
    assert start("c") == (2, 4)
    assert [number for number, *_ in results] == [0]


def test_what_never_fits_is_skipped_and_costs_the_others_nothing(search):
    searcher, start, results = search(budget_of([24 * GB, GB]), jobs=2)
    assert start("a") == (1, 4)
    assert results == [(0, "skipped", "needs about 24 GB, 16 GB allowed")]
    searcher.settle("a", FitResult("ok"))
    assert results[1] == (1, "ok", "")


def test_the_memory_of_a_fit_corrects_the_need_of_the_next(search):
    needs = Needs(lambda rows: 0)
    budget = MemoryBudget(Workers(2, 1, memory=4 * GB), 16 * GB, lambda job: (needs, 1))
    searcher, start, results = search(budget, jobs=2)
    assert start("a") == (0, 4)
    searcher.settle("a", FitResult("ok", memory=Taken(before=GB, growth=19 * GB)))
    assert start("b") is None
    assert results[1][1:] == ("skipped", "needs about 20 GB, 16 GB allowed")


def test_a_fit_that_needs_more_than_was_told_gets_all_memory_once(search, tmp_path):
    searcher, start, results = search(budget_of([GB]), jobs=1)
    for name, allowed in (("a", 4), ("b", 16)):
        assert start(name) == (0, allowed)
        (tmp_path / "0.exit").write_text(f"outgrew its memory: 99,000 MB of the {allowed},000 MB")
        searcher.settle(name, ActorDiedError())
    assert results == [(0, "failed", "outgrew its memory: 99,000 MB of the 16,000 MB")]


def test_a_learner_of_unknown_need_that_outgrows_its_share_is_at_fault(search, tmp_path):
    searcher, start, results = search(budget_of([0]), jobs=1)
    assert start("a") == (0, 4)
    (tmp_path / "0.exit").write_text("outgrew its memory: 9,000 MB of the 4,000 MB allowed")
    searcher.settle("a", ActorDiedError())
    assert [status for _, status, _ in results] == ["failed"]
