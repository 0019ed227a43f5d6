"""From a table to everything that is decided before the first fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from automl.data.read import read_table
from automl.data.schema import describe, infer_schema, schema_from_json, to_dataset
from automl.data.split import carve_test, make_split, take
from automl.errors import DataError, UsageError
from automl.hooks.manager import applicable, get_host
from automl.metrics import default_metric, get_metric
from automl.search import rundir
from automl.search.admission import needs, unaffordable
from automl.search.ladder import TOP, Ladder
from automl.search.pacing import BREADTH_SHARE
from automl.units import format_duration
from automl.workflow.state import Prepared

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from automl.data.split import Split
    from automl.types import Dataset, Learner, Metric, Schema
    from automl.workflow.options import FitOptions
    from automl.workflow.state import Fit


def read(source: str | Path | pd.DataFrame) -> pd.DataFrame:
    """The table that a source names; plugins are asked first."""
    if not isinstance(source, str | Path):
        return source
    table = get_host().read(str(source))
    return read_table(source) if table is None else table


def _datasets(
    fit: Fit, table: pd.DataFrame, test: pd.DataFrame | None, target: str | None
) -> tuple[Dataset, Dataset | None]:
    """Typed training rows and, where asked for, typed locked rows."""
    options = fit.options
    if options.test is not None and options.test_size is not None:
        msg = "--test and --test-size both lock rows; give one of them"
        raise UsageError(msg)
    if options.resume:
        fit.content = rundir.read(fit.run)
        schema = schema_from_json(fit.content["schema"])
    else:
        schema = infer_schema(
            table,
            target=target,
            task=options.task,
            drop=options.drop,
            positive=options.positive,
            group=options.group,
            time=options.time,
        )
        for line in describe(schema):
            fit.observer.say(line)
    data = to_dataset(schema, table)
    if test is not None:
        return data, to_dataset(schema, test)
    if options.test_size is None:
        return data, None
    train_rows, test_rows = carve_test(data, options.test_size, options.seed)
    return take(data, train_rows), take(data, test_rows)


def _metric(name: str | None, schema: Schema) -> Metric:
    extra = tuple(get_host().metrics().values())
    return get_metric(name or default_metric(schema.task), schema.task, extra)


def _split(fit: Fit, data: Dataset) -> Split:
    split = make_split(data, fit.options.folds, fit.options.seed)
    if fit.options.resume and split.fingerprint != fit.content["split"]["fingerprint"]:
        msg = f"the rows are not those that {fit.run} was started on; resume with the same data"
        raise DataError(msg)
    return split


def _learners(options: FitOptions, data: Dataset) -> tuple[list[Learner], dict[str, str]]:
    return applicable(
        get_host(),
        data.schema,
        data.schema.task,
        len(data.y),
        data.X.shape[1],
        list(options.learner) or None,
        list(options.exclude),
        unlabelled=0 if data.unlabelled is None else len(data.unlabelled),
    )


def _unlabelled(data: Dataset, learners: Sequence[Learner]) -> str:
    """What becomes of rows without a target; empty where every row has one."""
    without, rows = data.schema.rows_dropped, data.unlabelled
    if not without:
        return ""
    named = f"Rows without a target: {without:,}"
    if rows is None:
        why = ", for they may be later than rows that are scored" if data.times is not None else ""
        return f"{named}; left out by all learners{why}"
    users = [learner.name for learner in learners if learner.uses_unlabelled]
    if not users:
        return f"{named}; left out, as no learner here can use them"
    some = "" if len(rows) == without else f" ({len(rows):,} of them, of groups of their own)"
    others = len(learners) - len(users)
    rest = f"; the other {others} learners leave them out" if others else ""
    return f"{named}; used{some} by {', '.join(users)}{rest}"


def prepare(
    fit: Fit, table: pd.DataFrame, test: pd.DataFrame | None, target: str | None
) -> Prepared:
    """Infer, split and choose the learners.

    Raises:
        DataError: The table cannot be used as asked.
        UsageError: The options contradict each other, or name what does not exist.
    """
    data, locked = _datasets(fit, table, test, target)
    metric = _metric(fit.options.metric, data.schema)
    split = _split(fit, data)
    learners, skipped = _learners(fit.options, data)
    if line := _unlabelled(data, learners):
        fit.observer.say(line)
    sizes = {r: len(split.prefix(0, r)) for r in split.rungs if r <= TOP}
    ladder = Ladder(sizes, split.n_folds, split.all_folds_at_3, split.refit)
    left_out = _left_out(fit, data, ladder, learners)
    taking_part = tuple(learner for learner in learners if learner.name not in left_out)
    return Prepared(data, locked, metric, split, ladder, taking_part, skipped, left_out)


def _left_out(
    fit: Fit, data: Dataset, ladder: Ladder, learners: Sequence[Learner]
) -> dict[str, str]:
    """The learners that the time does not pay for; none where learners were named."""
    if fit.options.seconds is None or fit.options.learner:
        return {}
    lanes = [(learner, learner.resources(data.schema).cost) for learner in learners]
    workers = fit.workers
    wanted = needs(lanes, ladder.sizes[TOP], data.X.shape[1], gpu=workers.gpus > 0)
    dear = unaffordable(lanes, wanted, BREADTH_SHARE * workers.slots * fit.options.seconds)
    if dear:
        fit.observer.say(
            f"Left out for want of time: {', '.join(dear)} (a longer --time-limit lets them in, "
            "--learner NAME takes them anyway)"
        )
    limit = format_duration(fit.options.seconds)
    return {
        name: (
            f"left out: {limit} are too few for a good fit of about "
            f"{format_duration(wanted[name])} beside the others"
        )
        for name in dear
    }
