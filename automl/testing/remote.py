"""What the kit's processes are asked to do; arguments and results travel between them."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from automl.testing.bench import Bench
from automl.testing.checks import LEARNER_CHECKS
from automl.testing.outcome import judge, told
from automl.testing.parcel import Parcel, deliver
from automl.testing.parts import ENSEMBLER_CHECKS, METRIC_CHECKS, READER_CHECKS
from automl.testing.state import Restored
from automl.testing.subject import Subject, unpack

if TYPE_CHECKING:
    from automl.testing.outcome import Outcome
    from automl.types import Task

BY_NAME = {check.name: check for check in LEARNER_CHECKS}
PARTS = {check.name: check for check in (*METRIC_CHECKS, *ENSEMBLER_CHECKS, *READER_CHECKS)}


def run_check(subject: Subject, name: str, task: Task) -> tuple[Outcome, Parcel | None]:
    """Run one check of a learner; a parcel that comes of it is to be delivered elsewhere."""
    with Restored():
        return judge(BY_NAME[name], _bench(subject, task), subject.name, task)


@lru_cache(maxsize=2)
def _bench(subject: Subject, task: Task) -> Bench:
    return Bench(subject.learner(), task, subject.package)


def answer(question: bytes) -> Outcome:
    """Run one check of a metric, an ensembler or a reader."""
    name, on, subject, task = unpack(question)
    with Restored():
        return judge(PARTS[name], on, subject, task)[0]


def warm_reader() -> None:
    """Import what loading a model needs, which may take seconds."""
    import_module("skops.io")


def warm_worker() -> None:
    """Start Ray, with one worker."""
    from automl.search.cluster import Workers, start_ray

    start_ray(Workers(slots=1, threads=1))


def open_parcel(subject: Subject, parcel: Parcel) -> str:
    """Load a saved model here; nothing if it predicts as expected, else what went wrong."""
    return deliver(parcel, subject.learner())


def visit_worker(subject: Subject, parcel: Parcel, limit: float) -> str:
    """Fit, save and load in a worker of Ray; nothing if all is well, else what went wrong."""
    import ray

    warm_worker()
    work: Any = ray.remote(max_retries=0)(_in_worker)
    try:
        return str(ray.get(work.remote(subject, parcel), timeout=limit))
    except ray.exceptions.GetTimeoutError:
        ray.shutdown()
        return f"no end within {limit:g} s"
    except ray.exceptions.RayError as error:
        return f"the worker died: {told(error)}"


def _in_worker(subject: Subject, parcel: Parcel) -> str:
    from dataclasses import replace

    from automl.search.objective import run_rung

    if parcel.order is None or parcel.data is None:
        return "there is nothing to fit"
    subject.register()
    done = run_rung(replace(parcel.order, save=True), parcel.data, lambda _: None)
    if done.status != "ok" or done.model is None:
        return f"the fit in the worker failed: {done.reason}"
    files = replace(parcel, files=done.model, expected=done.predictions[""])
    return deliver(files, subject.learner())
