"""A fit, step by step."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from automl.data.frames import give_back
from automl.workflow.begin import open_run
from automl.workflow.conclude import conclude, leave
from automl.workflow.describe import describe_run
from automl.workflow.diagnose import LEAD, warm_up
from automl.workflow.fit_schedule import fit_training
from automl.workflow.prepare import admit, prepare, read
from automl.workflow.resume import warn_of_versions
from automl.workflow.state import Fit

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
    with open_run(options, source, target, observer) as fit:
        ending = _fitted(fit, source, target)
    leave(ending, model=fit.info.best is not None)
    return fit.run


def _fitted(fit: Fit, source: str | pd.DataFrame, target: str | None) -> Ending:
    """Read, train and conclude."""
    table = read(source, fit.options.reading, target)
    fit.done("read")
    prepared = admit(fit, prepare(fit, table, target), subsets=True)
    del table
    give_back()
    if fit.options.resume:
        warn_of_versions(fit)
        begun = fit_training(fit, prepared)  # refuses other encoders before anything is written
    describe_run(fit, prepared)
    fit.done("split")
    fit.show("search")
    training, scheduler, value = begun if fit.options.resume else fit_training(fit, prepared)

    def tick() -> None:
        late = training.seconds is None or time.monotonic() > training.end - LEAD
        if late and fit.best.keys() - {"baseline"}:  # a model that it can be asked of
            warm_up(fit, prepared)

    ending = training.run(finished=value.add, tick=tick)
    fit.done("search")
    return conclude(fit, prepared, scheduler.outcomes(), ending)
