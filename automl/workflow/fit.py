"""A fit, step by step."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from automl.runs import directory
from automl.workers.cluster import Cluster
from automl.workflow.conclude import conclude, told
from automl.workflow.describe import describe_run
from automl.workflow.diagnose import LEAD, warm_up
from automl.workflow.ending import terminable
from automl.workflow.fit_schedule import fit_training
from automl.workflow.prepare import admit, prepare, read
from automl.workflow.resume import begun_with, warn_of_versions
from automl.workflow.state import Fit
from automl.workflow.turn import turn

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from automl.options import Options
    from automl.types import Observer
    from automl.workflow.ending import Ending


def fit_run(
    options: Options, source: str | pd.DataFrame, target: str | None, observer: Observer
) -> Path:
    """Fit on a table and leave everything in a run directory.

    Args:
        options: Every choice.
        source: A file, `sklearn:NAME`, `openml:NAME`, what a reader plugin knows, or a table.
        target: Column to predict; None lets the data room guess.
        observer: Is told what was inferred and how it goes.

    Returns:
        The run directory.

    Raises:
        DataError: The table cannot be used as asked.
        UsageError: The options contradict each other.
        BudgetError: The budget ended before any learner produced a model.
        KeyboardInterrupt: The user stopped it; what there is has been written.
        StoppedError: A trouble of its own stopped it; what there is has been written.
    """
    began = time.monotonic() if options.began is None else options.began
    with (
        terminable() as grace,
        turn(observer) as waited,
        directory.claimed(options.output, resume=options.resume) as run,
    ):
        options = replace(options, resume=directory.goes_on(run, resume=options.resume))
        if options.resume:
            options = begun_with(options, run, target)
        cluster = Cluster(options.cpus, options.gpus, options.memory, options.address)
        name = source if isinstance(source, str) else "table"
        fit = Fit(options, observer, name, run, cluster, began + waited, grace=grace)
        try:
            ending = _fitted(fit, source, target)
        finally:
            cluster.stop()
    if ending.status == "interrupted":
        raise KeyboardInterrupt
    if ending.status == "stopped":
        raise told(ending, model=fit.info.best is not None) from ending.error
    return run


def _fitted(fit: Fit, source: str | pd.DataFrame, target: str | None) -> Ending:
    """Read, train and conclude."""
    table = read(source, fit.options.reading, target)
    fit.done("read")
    prepared = admit(fit, prepare(fit, table, target))
    if fit.options.resume:
        warn_of_versions(fit)
        begun = fit_training(fit, prepared)  # refuses other encoders before anything is written
    describe_run(fit, prepared)
    fit.done("infer")
    fit.show("search")
    training, scheduler, value = begun if fit.options.resume else fit_training(fit, prepared)

    def tick() -> None:
        if time.monotonic() > training.end - LEAD or training.seconds is None:
            warm_up(fit, prepared)

    ending = training.run(finished=value.add, tick=tick)
    fit.done("search")
    return conclude(fit, prepared, scheduler.outcomes(), ending)
