"""A fit, step by step."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from automl.search import rundir
from automl.search.cluster import Cluster
from automl.workflow.conclude import conclude
from automl.workflow.describe import describe_run
from automl.workflow.prepare import admit, prepare, read
from automl.workflow.resume import begun_with
from automl.workflow.state import Fit
from automl.workflow.train import train

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from automl.types import Observer
    from automl.workflow.options import FitOptions


def fit_run(
    options: FitOptions, source: str | pd.DataFrame, target: str | None, observer: Observer
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
    name = source if isinstance(source, str) else "table"
    run = rundir.create(options.output, name, resume=options.resume)
    if options.resume:
        options = begun_with(options, run, target)
    cluster = Cluster(options.cpus, options.gpus, options.memory, options.address)
    fit = Fit(options, observer, name, run, cluster, began)
    try:
        table = read(source)
        fit.done("read")
        prepared = admit(fit, prepare(fit, table, target))
        describe_run(fit, prepared)
        fit.done("infer")
        fit.show("search")
        dealer, interrupted = train(fit, prepared)
        cluster.stop()
        fit.done("search")
        conclude(fit, prepared, dealer, interrupted=interrupted)
    finally:
        fit.helper.stop()
        cluster.stop()
        if not any(run.iterdir()):
            run.rmdir()  # bad input leaves nothing behind
    if interrupted:
        raise KeyboardInterrupt
    return run
