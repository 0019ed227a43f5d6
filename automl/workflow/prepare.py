"""From a table to everything that is decided before the first fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from automl.data.committee import suspects
from automl.data.schema import describe, infer_schema, schema_from_json, to_dataset
from automl.data.split import carve_test, fingerprint, make_split, take
from automl.errors import DataError, UsageError
from automl.hooks.manager import applicable, check_names, get_host
from automl.metrics import CONSENSUS, choice_metric, default_metric, get_metric
from automl.search import rundir
from automl.search.admission import needs, unaffordable
from automl.search.ladder import TOP, Ladder
from automl.search.pacing import BREADTH_SHARE
from automl.units import format_duration
from automl.workflow.options import CONTAMINATION
from automl.workflow.state import Prepared

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from automl.data.split import Split
    from automl.types import Dataset, Learner, Metric, Schema
    from automl.workflow.options import FitOptions
    from automl.workflow.state import Fit


def read(source: str | Path | pd.DataFrame, schema: Schema | None = None) -> pd.DataFrame:
    """The table that a source names, read as a table with that schema was."""
    if not isinstance(source, str | Path):
        return source
    return get_host().read(str(source), schema.as_text if schema else ())


def _datasets(fit: Fit, table: pd.DataFrame, target: str | None) -> tuple[Dataset, Dataset | None]:
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
    if options.test is not None:
        test = read(options.test, schema)
        locked = to_dataset(schema, test)
        if left := len(test) - len(locked.y):
            why = "no answer, or a class that the training rows do not have"
            fit.observer.say(f"Test rows left out: {left:,} of {len(test):,} ({why})")
        return data, locked
    if options.test_size is None:
        return data, None
    train_rows, test_rows = carve_test(data, options.test_size, options.seed)
    return take(data, train_rows), take(data, test_rows)


def _metric(name: str | None, schema: Schema) -> Metric:
    extra = tuple(get_host().metrics().values())
    unlabelled = schema.task == "anomaly" and schema.target is None
    usual = CONSENSUS.name if unlabelled else default_metric(schema.task)
    metric = get_metric(name or usual, schema.task, extra)
    if unlabelled and metric is not CONSENSUS:
        msg = f"{metric.name} needs labels; name their column with --target, or leave --metric out"
        raise UsageError(msg)
    return metric


def _with_suspects(fit: Fit, data: Dataset, metric: Metric) -> Dataset:
    """The rows with those that a committee finds strange, where anomalies are looked for.

    Raises:
        UsageError: The share of anomalies is out of range, or given for another task.
    """
    share = fit.options.contamination
    if data.schema.task != "anomaly":
        if share is not None:
            msg = f"--contamination is for --task anomaly, and the task is {data.schema.task}"
            raise UsageError(msg)
        return data
    if share is not None and not 0 < share < 0.5:
        msg = f"--contamination is {share}; give a share of the rows between 0 and 0.5, such as 0.1"
        raise UsageError(msg)
    why = "as asked" if share is not None else "the usual guess; --contamination F takes another"
    share = CONTAMINATION if share is None else share
    scored = "" if metric is CONSENSUS else f"; {metric.name} by the labels is reported only"
    fit.observer.say(f"Anomalies: the strangest {100 * share:.3g}% of the rows ({why})")
    fit.observer.say(f"Chosen without labels, by agreement with a committee of detectors{scored}")
    return replace(data, suspects=suspects(data.X, data.schema, fit.options.seed))


def _locked(locked: Dataset | None) -> Dataset | None:
    """Test rows; of those for anomalies the labelled ones."""
    if locked is None or locked.schema.task != "anomaly":
        return locked
    rows = np.flatnonzero(locked.y >= 0)
    if not len(rows):
        msg = "--test and --test-size score labels, and no test row has one; name --target"
        raise UsageError(msg)
    return take(locked, rows)


def _same_test(fit: Fit, locked: Dataset | None) -> None:
    """Refuse to go on with other test rows than those that earlier fits were scored on."""
    now = None if locked is None else fingerprint(locked)
    if now != fit.content["split"].get("test_content", now):
        msg = f"the test rows are not those that {fit.run} was started on; resume with the same"
        raise DataError(msg)


def _split(fit: Fit, data: Dataset) -> Split:
    split = make_split(data, fit.options.folds, fit.options.seed)
    if fit.options.resume:
        begun, now = fit.content["split"], fingerprint(data)
        if (split.fingerprint, now) != (begun["fingerprint"], begun.get("content", now)):
            msg = f"the rows are not those that {fit.run} was started on; resume with the same data"
            raise DataError(msg)
    return split


def _scored_first(split: Split, data: Dataset, metric: Metric) -> Split:
    """The split with a fold first whose rows the metric is defined on: the search stands on it.

    Raises:
        DataError: There is no such fold.
    """
    truth = data.y if data.suspects is None else data.suspects
    k = data.schema.n_classes
    for fold in range(split.n_folds):
        rows = split.validation(fold)
        any_ = np.full((len(rows), k), 1 / k) if k else np.ones(len(rows))
        if np.isfinite(metric.score(truth[rows], any_)):
            return split.with_first(fold)
    what = "the last fifth" if data.times is not None else "any fold"
    msg = (
        f"{metric.name} is not defined on the rows of {what}, which are all of one kind; take "
        "another --metric, such as log_loss, or leave out --time or --group"
    )
    raise DataError(msg)


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


def prepare(fit: Fit, table: pd.DataFrame, target: str | None) -> Prepared:
    """Infer and split; which learners take part is decided elsewhere.

    Raises:
        DataError: The table cannot be used as asked.
        UsageError: The options contradict each other, or name what does not exist.
    """
    check_names(get_host(), fit.options.learner, fit.options.exclude)
    data, locked = _datasets(fit, table, target)
    metric = _metric(fit.options.metric, data.schema)
    data = _with_suspects(fit, data, metric)
    choice = choice_metric(metric, data.schema.task)
    locked = _locked(locked)
    if fit.options.resume:
        _same_test(fit, locked)
    split = _scored_first(_split(fit, data), data, choice)
    sizes = {r: len(split.prefix(0, r)) for r in split.rungs if r <= TOP}
    whole = data.suspects is None  # the scale of a detector's scores needs rows it has not seen
    ladder = Ladder(sizes, split.n_folds, split.all_folds_at_3, split.refit, whole)
    return Prepared(
        data=data,
        locked=locked,
        metric=metric,
        choice=choice,
        split=split,
        ladder=ladder,
    )


def admit(fit: Fit, prepared: Prepared) -> Prepared:
    """Choose the learners, and say what rows without a target are for.

    Those that time is too short for are left out: a quarter at most, and none where learners
    were named.

    Raises:
        UsageError: No learner applies.
    """
    data = prepared.data
    learners, skipped = _learners(fit.options, data)
    if line := _unlabelled(data, learners):
        fit.observer.say(line)
    left_out = _left_out(fit, data, prepared.ladder, learners)
    taking_part = tuple(learner for learner in learners if learner.name not in left_out)
    return replace(prepared, learners=taking_part, skipped=skipped, left_out=left_out)


def _left_out(
    fit: Fit, data: Dataset, ladder: Ladder, learners: Sequence[Learner]
) -> dict[str, str]:
    """The learners that the time does not pay for; none where learners were named."""
    if fit.options.seconds is None or fit.options.learner:
        return {}
    demands = {learner.name: learner.resources(data.schema) for learner in learners}
    families = {learner.name: learner.family for learner in learners}
    workers = fit.workers
    wanted = needs(demands, ladder.sizes[TOP], data.X.shape[1], gpu=workers.gpus > 0)
    dear = unaffordable(families, wanted, BREADTH_SHARE * workers.slots * fit.options.seconds)
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
