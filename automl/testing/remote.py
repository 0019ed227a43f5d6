"""Functions that the kit's processes run; arguments and results travel between processes."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from automl.testing.checks import BY_NAME
from automl.testing.contract import describe_error, judge
from automl.testing.fixture import Fixture
from automl.testing.global_state import Restored
from automl.testing.learner_reference import LearnerReference, unpack
from automl.testing.parts import ENSEMBLER_CHECKS, METRIC_CHECKS, READER_CHECKS
from automl.testing.round_trip import RoundTrip, load_and_compare

if TYPE_CHECKING:
    from automl.testing.contract import Outcome
    from automl.types import Task

PARTS = {check.name: check for check in (*METRIC_CHECKS, *ENSEMBLER_CHECKS, *READER_CHECKS)}


def run_check(
    reference: LearnerReference, name: str, task: Task
) -> tuple[Outcome, RoundTrip | None]:
    """Run one check of a learner; a round trip that it returns is completed by another process."""
    with Restored():
        return judge(BY_NAME[name], _fixture(reference, task), reference.name, task)


@lru_cache(maxsize=2)
def _fixture(reference: LearnerReference, task: Task) -> Fixture:
    return Fixture(reference.learner(), task, reference.package)


def run_part_check(packed: bytes) -> Outcome:
    """Run one check of a metric, an ensembler or a reader."""
    name, on, subject, task = unpack(packed)
    with Restored():
        return judge(PARTS[name], on, subject, task)[0]


def warm_reader() -> None:
    """Import the libraries that loading a model needs, which may take seconds."""
    import_module("skops.io")


def warm_worker() -> None:
    """Start Ray, with one worker."""
    from automl.workers.cluster import start_ray
    from automl.workers.shares import Workers

    start_ray(Workers(slots=1, threads=1))


def load_here(reference: LearnerReference, trip: RoundTrip) -> str:
    """Load a saved model in this process; empty if it predicts as expected, else the failure."""
    return load_and_compare(trip, reference.learner())


def load_in_worker(reference: LearnerReference, trip: RoundTrip, limit: float) -> str:
    """Fit, save and load in a Ray worker; empty if all is well, else the failure."""
    import ray

    from automl.workers.daemons import end_ray

    warm_worker()
    work: Any = ray.remote(max_retries=0)(_in_worker)
    try:
        return str(ray.get(work.remote(reference, trip), timeout=limit))
    except ray.exceptions.GetTimeoutError:
        end_ray()
        return f"no end within {limit:g} s"
    except ray.exceptions.RayError as error:
        return f"the worker died: {describe_error(error)}"


def _in_worker(reference: LearnerReference, trip: RoundTrip) -> str:
    from dataclasses import replace

    from automl.workers.evaluate import run_rung

    if trip.request is None or trip.data is None:
        return "there is nothing to fit"
    reference.register()
    done = run_rung(replace(trip.request, save=True), trip.data, lambda _: None)
    if done.status != "ok" or done.model is None:
        return f"the fit in the worker failed: {done.reason}"
    saved = replace(trip, files=done.model, expected=done.predictions[""])
    return load_and_compare(saved, reference.learner())
