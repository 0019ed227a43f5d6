"""Faults of the system and of the learner told apart, and what becomes of the jobs."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray import exceptions

from automl.errors import ArtifactError, ViewError
from automl.schedule.base import Job
from automl.types import Cell, Trial
from automl.workers.evaluate import FitRequest, FitResult
from automl.workers.faults import AttentiveManager, SystemFault, judge, last_error
from automl.workers.searcher import SearchOver, TuneSearcher
from automl.workers.shares import Workers
from automl.workers.slots import Slots
from automl.workers.watchdog import DIED, EXITED, KILLED

JOB = Job(Trial("tree", 0, {}), Cell(), hard_limit=10.0, time_left=60.0)
DEAD = exceptions.ActorDiedError()


def wrapped(cause):
    return exceptions.RayTaskError("step", "Traceback", cause).as_instanceof_cause()


@pytest.mark.parametrize(
    ("error", "elapsed", "note"),
    [
        (exceptions.OutOfMemoryError("killed"), 1.0, ""),
        (exceptions.OutOfMemoryError("killed"), 1.0, "outgrew its memory"),
        (exceptions.ObjectLostError("ab", "", ""), 1.0, None),
        (exceptions.OwnerDiedError("ab", "", ""), 1.0, None),
        (wrapped(exceptions.ObjectStoreFullError("full")), 1.0, None),
        (wrapped(exceptions.ObjectLostError("ab", "", "")), 1.0, None),
        (wrapped(ModuleNotFoundError("No module named 'automl'")), 1.0, None),
        (exceptions.NodeDiedError("gone"), 1.0, None),
        (exceptions.WorkerCrashedError(), 1.0, None),
        (exceptions.RuntimeEnvSetupError("no room"), 1.0, None),
        (exceptions.ActorUnavailableError("away", b"0" * 16), 1.0, None),
        (exceptions.RayError("of a kind to come"), 1.0, None),
        (DEAD, 1.0, None),
        (DEAD, 1.0, KILLED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_fault_of_the_system_is_no_fault_of_the_learner(error, elapsed, note):
    judged = judge(JOB, error, elapsed, note)
    assert isinstance(judged, SystemFault)
    assert judged.reason
    assert "\n" not in judged.reason


@pytest.mark.parametrize(
    ("elapsed", "note", "reason"),
    [
        (1.0, EXITED, EXITED),
        (1.0, "its process crashed: aborted", "its process crashed: aborted"),
        (1.0, "outgrew its memory: 9 MB", "outgrew its memory: 9 MB"),
        (9.0, "over its time in a.py:3", "ended after 9 s, over its time in a.py:3"),
        (9.9, None, "ended after 10 s, over its time"),
    ],
)
def test_an_exit_of_its_own_is_a_fault_of_the_learner(elapsed, note, reason):
    judged = judge(JOB, DEAD, elapsed, note)
    assert isinstance(judged, FitResult)
    assert (judged.status, judged.reason) == ("failed", reason)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exceptions.OutOfMemoryError("killed"), "actor"),
        (DEAD, "actor"),
        (exceptions.ObjectLostError("ab", "", ""), "task"),
        (exceptions.RayError("of a kind to come"), "task"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_every_class_of_error_reaches_the_job(error, kind):
    settled = []
    manager = AttentiveManager(resource_manager=SimpleNamespace())
    manager._cleanup_actor = lambda tracked_actor: settled.append("actor")
    actor = SimpleNamespace(actor_id=1, _on_error=None)
    task = SimpleNamespace(_tracked_actor=actor, _on_error=lambda *_: settled.append("task"))
    manager._actor_task_failed(task, error)
    assert last_error() is error
    assert last_error() is None
    assert settled == (["actor", "task"] if kind == "actor" else ["task"])


# ------------------------------------------------------------------------------- searcher


class Dealer:
    """Hands out so many jobs, each for a minute."""

    def __init__(self, jobs=9):
        self.jobs, self.out = jobs, []

    @property
    def running(self):
        return self.out

    def next_job(self, now, worker=None):
        if self.jobs == len(self.out) or now > 100:
            return None
        self.out.append(len(self.out))
        return Job(Trial("tree", self.out[-1], {}), Cell(), time_left=60.0)

    def imported(self, libraries, seconds):
        raise AssertionError


class Shelf:
    """Rows that are there, but for those of the jobs in `broken`."""

    def __init__(self, broken=()):
        self.broken, self.forgotten = dict.fromkeys(broken, ViewError("no matrix today")), []

    def get(self, job, wait):
        if job.trial.number in self.broken:
            raise self.broken[job.trial.number]
        return job

    def forget(self, job):
        self.forgotten.append(job.trial.number)


def searcher(dealer, shelf, taken, *, slots=2, end=60.0):
    def request(job, slot):
        return FitRequest("tree", {}, job.trial.number, "binary", 2, "roc_auc", memory=100)

    return TuneSearcher(
        dealer,
        shelf,
        request,
        lambda job, result: taken.append((job.trial.number, result)),
        Path("/nowhere"),
        slots=Slots(SimpleNamespace(workers=Workers(slots, 1), gone=())),
        end=None if end is None else time.monotonic() + end,
        tick=lambda: None,
    )


def asked(searcher, trial):
    given = searcher.suggest(trial)
    return None if given is None else given["payload"].request


@pytest.mark.parametrize("end", [60.0, None])
def test_a_lost_job_is_tried_again_elsewhere_then_alone_with_more_memory(end):
    taken, shelf = [], Shelf()
    one = searcher(Dealer(2), shelf, taken, end=end)
    assert [asked(one, "a").seed, asked(one, "b").seed] == [0, 1]
    one.settle("a", exceptions.ObjectLostError("ab", "", ""))
    assert shelf.forgotten == [0]
    again = asked(one, "c")
    assert (again.seed, again.memory) == (0, 100)
    one.settle("c", DEAD)
    assert asked(one, "d") is None  # the other one has not ended
    one.settle("b", FitResult("ok"))
    alone = asked(one, "e")
    assert (alone.seed, alone.memory) == (0, 200)
    assert asked(one, "f") is None
    one.settle("e", DEAD)
    one._scheduler.out, one._scheduler.jobs = [], 0
    with pytest.raises(SearchOver):
        one.suggest("g")  # without a time limit results are given back here
    results = dict(taken)
    assert (results[0].status, results[0].lost, results[0].reason) == ("not_reached", True, DIED)
    assert results[1].status == "ok"
    assert len(taken) == 2


def test_where_memory_was_short_the_next_attempt_is_alone():
    taken = []
    one = searcher(Dealer(1), Shelf(), taken)
    asked(one, "a")
    one.settle("a", exceptions.OutOfMemoryError("killed"))
    assert asked(one, "b").memory == 200
    one.settle("b", FitResult("ok"))
    assert taken[0][1].status == "ok"


def test_what_a_retried_job_may_take_is_what_is_left_of_its_time():
    one = searcher(Dealer(1), Shelf(), [])
    asked(one, "a")
    one._out["a"] = one._out["a"].__class__(0, one._out["a"].job, time.monotonic() - 50, 0.0)
    one.settle("a", exceptions.NodeDiedError("gone"))
    asked(one, "b")
    assert one._out["b"].limited.time_left < 11
    assert one._out["b"].limited.hard_limit < 11


@pytest.mark.parametrize("end", [60.0, None])
def test_a_view_that_cannot_be_made_costs_its_jobs_alone(end):
    taken = []
    one = searcher(Dealer(3), Shelf(broken=[0, 2]), taken, end=end)
    assert asked(one, "a").seed == 1
    one.settle("a", FitResult("ok"))
    one._scheduler.out, one._scheduler.jobs = [], 0
    with pytest.raises(SearchOver):
        one.suggest("b")
    found = {number: (result.status, result.reason) for number, result in taken}
    assert found[0] == ("not_reached", "no matrix today")
    assert found[1] == ("ok", "")


def test_another_encoder_ends_the_search():
    shelf = Shelf()
    shelf.broken = {0: ArtifactError("encoded otherwise")}
    one = searcher(Dealer(3), shelf, [])
    with pytest.raises(SearchOver):
        one.suggest("a")
    assert isinstance(one.error, ArtifactError)


def test_a_trouble_of_the_driver_ends_the_search_with_its_error():
    one = searcher(Dealer(3), Shelf(), [])

    def full(job, result):
        msg = "full"
        raise OSError(msg)

    one._finish = full
    asked(one, "a")
    one.settle("a", FitResult("ok"))
    with pytest.raises(SearchOver):
        one.suggest("b")
    assert str(one.error) == "full"


def test_the_first_job_may_wait_for_its_rows_beyond_the_end():
    one = searcher(Dealer(2), Shelf(), [], end=-1.0)
    assert asked(one, "a").seed == 0
    assert one._out["a"].limited.time_left > 59
    assert asked(one, "b") is None
    patient = searcher(Dealer(2), Shelf(), [], end=-1.0)
    patient.patience = 300.0
    asked(patient, "a")
    assert patient._out["a"].limited.time_left > 299
    slow = searcher(Dealer(2), Shelf(), [])
    slow._began -= 200  # Tune took so long to start
    assert asked(slow, "a").seed == 0
    assert asked(slow, "b") is None
    late = searcher(Dealer(2), Shelf(), [], end=-100.0)
    with pytest.raises(SearchOver):
        late.suggest("a")
