"""The beginning and the end that a fit and a study have in common."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from automl.errors import StoppedError
from automl.hooks.manager import get_host
from automl.runs import directory
from automl.workers import limits
from automl.workers.cluster import Cluster, running
from automl.workers.lease import Lease, leased
from automl.workers.shares import beyond
from automl.workflow.ending import Ending, terminable
from automl.workflow.resume import begun_with
from automl.workflow.state import Fit
from automl.workflow.turn import turn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    import pandas as pd

    from automl.options import Options
    from automl.types import Observer


@contextmanager
def open_run(
    options: Options,
    source: str | pd.DataFrame,
    target: str | None,
    observer: Observer,
    *,
    study: bool = False,
) -> Iterator[Fit]:
    """Wait for one's turn, claim the run directory, wait for CPUs, start Ray; give all back.

    Args:
        options: Every choice.
        source: A file, a name or a table.
        target: Column to predict; a run that goes on must have had the same.
        observer: Is told how it goes.
        study: Whether the run is a study.

    Raises:
        UsageError: The directory is taken, or the options contradict those that it began with.
        StoppedError: The system refuses something in the block, such as room on the disk.
    """
    began = time.monotonic() if options.began is None else options.began
    with (
        terminable() as grace,
        turn(observer) as waited,
        directory.claimed(options.output, resume=options.resume) as run,
        _lease(options, observer) as lease,
    ):
        options = replace(options, resume=directory.goes_on(run, resume=options.resume))
        if options.resume:
            options = begun_with(options, run, target, study=study)
        if options.address is None:
            for line in beyond(options.cpus, options.memory):
                observer.say(line)
        cluster = Cluster(
            options.cpus if lease.cpus is None else lease.cpus,
            options.gpus,
            _memory(options, lease),
            options.address,
            alone=options.timed,
            learners=lambda: _wanted(options),
        )
        name = source if isinstance(source, str) else "table"
        try:
            yield Fit(
                options, observer, name, run, cluster, began + waited + lease.waited, grace=grace
            )
        except OSError as error:  # what was trained is on disk, and a run that goes on concludes it
            msg = f"stopped: {Ending.by(error).reason}"
            raise StoppedError(msg) from error
        finally:
            cluster.stop()


def _lease(options: Options, observer: Observer) -> AbstractContextManager[Lease]:
    """The CPUs of this machine that a fit waits for; a Ray that runs shares out its own."""
    if options.address is not None or running():
        return nullcontext(Lease())
    return leased(options.cpus, observer.say)


def _memory(options: Options, lease: Lease) -> int | None:
    """The memory that is asked for, or goes with the CPUs where others have the rest."""
    if options.memory is not None or lease.cpus is None:
        return options.memory
    return int(limits.memory() * lease.memory_share)


def _wanted(options: Options) -> set[str]:
    """Learners that may run, of all that there are."""
    return (set(options.learner) or get_host().learners.keys()) - set(options.exclude)
