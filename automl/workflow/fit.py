"""A fit, step by step."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from automl.runs import directory
from automl.workers.cluster import Cluster
from automl.workflow.conclude import conclude
from automl.workflow.describe import describe_run
from automl.workflow.diagnose import LEAD, warm_up
from automl.workflow.fit_schedule import fit_training
from automl.workflow.prepare import admit, prepare, read
from automl.workflow.resume import begun_with
from automl.workflow.state import Fit
from automl.workflow.turn import turn

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from automl.options import Options
    from automl.types import Observer


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
    """
    began = time.monotonic() if options.began is None else options.began
    with turn(observer) as waited:
        return _run(options, source, target, observer, began + waited)


def _run(
    options: Options,
    source: str | pd.DataFrame,
    target: str | None,
    observer: Observer,
    began: float,
) -> Path:
    name = source if isinstance(source, str) else "table"
    run = directory.create(options.output, resume=options.resume)
    if options.resume:
        options = begun_with(options, run, target)
    cluster = Cluster(options.cpus, options.gpus, options.memory, options.address)
    fit = Fit(options, observer, name, run, cluster, began)
    try:
        table = read(source, options.reading, target)
        fit.done("read")
        prepared = admit(fit, prepare(fit, table, target))
        describe_run(fit, prepared)
        fit.done("infer")
        fit.show("search")
        training, scheduler, value = fit_training(fit, prepared)

        def tick() -> None:
            if time.monotonic() > training.end - LEAD or training.seconds is None:
                warm_up(fit, prepared)

        interrupted = training.run(finished=value.add, tick=tick)
        fit.done("search")
        conclude(fit, prepared, scheduler.outcomes(), interrupted=interrupted)
    finally:
        cluster.stop()
        if not any(run.iterdir()):
            run.rmdir()  # bad input leaves nothing behind
    if interrupted:
        raise KeyboardInterrupt
    return run
