"""A task has a worker of its own beside the search, and always an answer."""

from __future__ import annotations

import os
import time
from importlib import import_module

import numpy as np
import psutil
import pytest

from automl.workers.cluster import Cluster
from automl.workers.tasks import Failure


@pytest.fixture
def cluster(ray_here):
    """The workers of a Ray that stays."""
    cluster = Cluster(cpus=2)
    cluster.wait()
    yield cluster
    cluster.stop()


def answer(cluster, function, *args, seconds=60.0):
    return cluster.finish_with(function, *args, seconds=seconds).result(90)


def gone(pid):
    """True if a process ends within some seconds."""
    end = time.monotonic() + 20
    while psutil.pid_exists(pid) and time.monotonic() < end:
        time.sleep(0.1)
    return not psutil.pid_exists(pid)


def test_it_runs_in_a_process_that_ends_with_it(cluster):
    pid = answer(cluster, os.getpid)
    assert pid != os.getpid()
    assert gone(pid)


def test_arguments_travel_with_it(cluster):
    assert answer(cluster, np.sum, np.ones(10**6)) == 10**6


def test_its_worker_may_be_warmed_up_by_what_it_needs(cluster):
    def loaded():
        import sys

        return "colorsys" in sys.modules

    assert not cluster.warm
    cluster.warm_up(import_module, "colorsys")
    cluster.warm_up(import_module, "none the wiser")
    assert cluster.warm
    assert answer(cluster, loaded) is True


def test_a_warm_up_that_fails_costs_nothing(cluster):
    cluster.warm_up(import_module, "a_library_not_there")
    assert answer(cluster, int, "7") == 7


@pytest.mark.parametrize(
    ("function", "args", "told"),
    [
        (int, ("x",), "ValueError: invalid literal for int() with base 10: 'x'"),
        (lambda: os._exit(0), (), "its process ended itself (os._exit)"),
        (os.abort, (), "its process crashed: aborted"),
    ],
    ids=["exception", "exit", "abort"],
)
def test_a_failure_is_a_value_with_a_reason(cluster, function, args, told):
    found = answer(cluster, function, *args)
    assert isinstance(found, Failure)
    assert found.reason.startswith(told)
    assert "\n" not in found.reason


def test_a_task_that_outgrows_its_memory_is_ended(ray_here):
    def hoard():
        kept = []
        while True:
            kept.append(bytearray(b"x" * 2**20))

    cluster = Cluster(cpus=1, memory=600 * 10**6)
    cluster.wait()
    assert answer(cluster, hoard).reason.startswith("outgrew its memory: ")


def test_a_task_that_is_late_is_given_up(cluster):
    cluster.warm_up(int)
    found = answer(cluster, time.sleep, 60, seconds=0.5)
    assert found.reason.startswith("there was no time for it (not ready after ")


def test_whoever_stops_the_cluster_waits_for_no_task(cluster):
    asked = cluster.finish_with(time.sleep, 60, seconds=60)
    cluster.stop()
    assert asked.result(10) == Failure("it was cancelled")


def test_it_needs_none_of_the_cpus_that_the_search_holds(cluster):
    import ray

    class Busy:
        def ready(self):
            return True

    held = [ray.remote(num_cpus=1)(Busy).remote() for _ in range(2)]
    assert all(ray.get([one.ready.remote() for one in held]))
    assert answer(cluster, int, "7") == 7
