"""From a table to everything that is decided before the first fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from automl.anomaly.supervision import supervision_of
from automl.data.images.remarks import remarks
from automl.data.saved import layout_of
from automl.data.schema import IN_FILE, describe, infer_schema, schema_from_json, to_dataset
from automl.errors import DataError, UsageError
from automl.hooks.bounded import guarded
from automl.hooks.manager import applicable, check_names, get_host
from automl.metrics import default_metric, get_metric
from automl.rows.folds import carve_test, fingerprint, make_split, take
from automl.rows.ladder import Ladder
from automl.runs import directory
from automl.types import TOP
from automl.workflow.state import Prepared

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from automl.anomaly.supervision import Supervision
    from automl.options import Options
    from automl.rows.folds import Split
    from automl.types import Array, Dataset, Learner, Metric, Reading, Schema
    from automl.workflow.state import Fit


def read(
    source: str | Path | pd.DataFrame, how: Reading, target: str | None = None
) -> pd.DataFrame:
    """The table that a source names.

    Args:
        source: A file, a name or a table.
        how: Read it as it was asked for, or as the training file was.
        target: Read this column as it is written: it may hold labels.
    """
    if not isinstance(source, str | Path):
        return source
    if target is not None:
        how = replace(how, as_text=(*how.as_text, target.strip()))
    table = get_host().read(str(source), how)
    table.attrs[IN_FILE] = True
    return table


def _datasets(fit: Fit, table: pd.DataFrame, target: str | None) -> tuple[Dataset, Dataset | None]:
    """Typed training rows and, where asked for, typed locked rows."""
    options = fit.options
    if options.resume:
        fit.info = directory.read(fit.run)
        schema = schema_from_json(fit.info.schema)
    else:
        schema = infer_schema(
            table,
            target=target,
            task=options.task,
            drop=options.drop,
            ids=options.ids,
            positive=options.positive,
            group=options.group,
            time=options.time,
            weight=options.weight,
            image=options.image or "",
        )
        if schema.weight is not None and schema.task == "anomaly":
            msg = "--weight is for tasks with a target; leave it out with --task anomaly"
            raise UsageError(msg)
        for line in describe(schema):
            fit.observer.say(line)
    data = to_dataset(schema, table)
    for line in remarks(schema, table, data.X):
        fit.observer.say(line)
    if options.test is not None:
        test = read(options.test, schema.reading)
        for line in layout_of(test).notes:
            fit.observer.say(f"Test rows: {line}")
        locked = to_dataset(schema, test, fit.observer.say)
        if left := len(test) - len(locked.y):
            why = "no answer, or a class that the training rows do not have"
            fit.observer.say(f"Test rows left out: {left:,} of {len(test):,} ({why})")
        return data, locked
    if options.test_size is None:
        return data, None
    train_rows, test_rows = carve_test(data, options.test_size, options.seed)
    return take(data, train_rows), take(data, test_rows)


def _metric(name: str | None, schema: Schema, supervision: Supervision, seconds: float) -> Metric:
    """The metric of honest scores; without any label it is the one that chooses.

    Raises:
        UsageError: There is no such metric, or it needs labels that are not there.
    """
    extra = tuple(guarded(one, seconds) for one in get_host().metrics().values())
    only = supervision.criterion if schema.target is None else None
    usual = default_metric(schema.task) if only is None else only.name
    metric = get_metric(usual if name is None else name, schema.task, extra)
    if only is not None and metric is not only:
        msg = f"{metric.name} needs labels; name their column with --target, or leave --metric out"
        raise UsageError(msg)
    return metric


def _tell(fit: Fit, supervision: Supervision, metric: Metric) -> None:
    """Say what is flagged and how configurations are chosen, where no target does it."""
    share = supervision.contamination
    if share is None:
        return
    asked = fit.options.contamination is not None
    why = "as asked" if asked else "the usual guess; --contamination F takes another"
    scored = f"; {metric.name} by the labels is reported only"
    if metric is supervision.criterion:
        scored = ""
    fit.observer.say(f"Anomalies: the {100 * share:.3g}% of the rows that score highest ({why})")
    fit.observer.say(f"Chosen without labels, by agreement with reference detectors{scored}")


def _locked(locked: Dataset | None, supervision: Supervision) -> Dataset | None:
    """Test rows that scores can stand on: those with a label, where labels only score."""
    if locked is None or supervision.supervised:
        return locked
    rows = np.flatnonzero(locked.y >= 0)
    if not len(rows):
        msg = "--test and --test-size score labels, and no test row has one; name --target"
        raise UsageError(msg)
    return take(locked, rows)


def _same_test(fit: Fit, locked: Dataset | None) -> None:
    """Refuse to go on with other test rows than those that earlier fits were scored on."""
    now = None if locked is None else fingerprint(locked)
    if now != fit.info.split.test_content:
        msg = f"the test rows are not those that {fit.run} was started on; resume with the same"
        raise DataError(msg)


def _split(fit: Fit, data: Dataset) -> Split:
    rows, folds = len(data.y), fit.options.folds
    if folds is not None and folds > rows:
        msg = f"{rows:,} rows cannot be dealt into {folds:,} folds; ask for fewer with --folds"
        raise UsageError(msg)
    split = make_split(data, fit.options.folds, fit.options.seed)
    if fit.options.resume:
        begun = fit.info.split
        if (split.fingerprint, fingerprint(data)) != (begun.fingerprint, begun.content):
            msg = f"the rows are not those that {fit.run} was started on; resume with the same data"
            raise DataError(msg)
    return split


def _scored_first(split: Split, data: Dataset, truth: Array, metric: Metric) -> Split:
    """The split with a fold first whose rows the metric is defined on: the search stands on it.

    Raises:
        DataError: There is no such fold.
    """
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


def _learners(
    options: Options, data: Dataset, *, subsets: bool
) -> tuple[list[Learner], dict[str, str]]:
    return applicable(
        get_host(),
        data.schema,
        data.schema.task,
        None if subsets else len(data.y),
        data.schema.width,
        list(options.learner) or None,
        list(options.exclude),
        unlabelled=0 if data.unlabelled is None else len(data.unlabelled),
    )


def _unlabelled(data: Dataset, learners: Sequence[Learner]) -> str:
    """Sentence on the use of rows without a target; empty where every row has one."""
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


def unweighted(learners: Sequence[Learner]) -> list[str]:
    """Names of the learners that fit as if all rows counted alike."""
    return [learner.name for learner in learners if not learner.weights]


def _weighing(data: Dataset, metric: Metric, learners: Sequence[Learner]) -> str:
    """Sentence on what counts rows by their weights; empty where all count alike."""
    if data.weights is None:
        return ""
    told = f"Rows count by {data.schema.weight}, in fits and in scores"
    if metric.weighted is None:
        told = f"Rows count by {data.schema.weight} in fits; {metric.name} scores them alike"
    left_out = unweighted(learners)
    return f"{told}; not in fits of {', '.join(left_out)}" if left_out else told


def prepare(fit: Fit, table: pd.DataFrame, target: str | None) -> Prepared:
    """Infer and split; which learners take part is decided elsewhere.

    Raises:
        DataError: The table cannot be used as asked.
        UsageError: The options contradict each other, or name what does not exist.
    """
    check_names(get_host(), fit.options.learner, fit.options.exclude)
    data, locked = _datasets(fit, table, target)
    fit.done("infer")
    supervision = supervision_of(data.schema.task, fit.options.contamination)
    metric = _metric(fit.options.metric, data.schema, supervision, fit.patience)
    _tell(fit, supervision, metric)
    data = supervision.with_pseudo_labels(data, fit.options.seed)
    answers, choice = supervision.answers(data, metric), supervision.choice_of(metric)
    locked = _locked(locked, supervision)
    if fit.options.resume:
        _same_test(fit, locked)
    split = _scored_first(_split(fit, data), data, answers.truth, choice)
    sizes = {r: len(split.subset(0, r)) for r in split.rungs if r <= TOP}
    whole = supervision.supervised  # the scale of a detector's scores needs rows it has not seen
    ladder = Ladder(sizes, split.n_folds, split.all_folds_at_3, split.refit, whole, split.growth)
    return Prepared(
        data=data,
        locked=locked,
        supervision=supervision,
        answers=answers,
        metric=metric,
        choice=choice,
        split=split,
        ladder=ladder,
    )


def admit(fit: Fit, prepared: Prepared, *, subsets: bool = False) -> Prepared:
    """Choose the learners that apply, and say what rows without a target are for.

    Args:
        fit: The run.
        prepared: What is decided so far.
        subsets: Whether learners with a limit on rows take part of more.

    Raises:
        UsageError: No learner applies.
    """
    data = prepared.data
    learners, skipped = _learners(fit.options, data, subsets=subsets)
    for line in (_unlabelled(data, learners), _weighing(data, prepared.metric, learners)):
        if line:
            fit.observer.say(line)
    return replace(prepared, learners=tuple(learners), skipped=skipped)
