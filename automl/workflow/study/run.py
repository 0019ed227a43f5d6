"""A study, step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from automl.errors import BudgetError, UsageError
from automl.hooks.manager import applicable, get_host
from automl.report import write_report
from automl.rows.axes.catalogue import AXES
from automl.rows.repeats import MOST_TEST, fingerprint, parts_of, repeats_of
from automl.runs import reserve
from automl.runs.info import SpentInfo, StudyInfo
from automl.scaling import money, scaling_of, write_scaling, write_study
from automl.types import Cell
from automl.workflow.begin import open_run
from automl.workflow.conclude import attempt, leave
from automl.workflow.describe import describe_run
from automl.workflow.diagnose import write_advice
from automl.workflow.prepare import prepare, read
from automl.workflow.resume import warn_of_versions
from automl.workflow.state import Fit
from automl.workflow.study.outcome import outcomes
from automl.workflow.study.points import Scorer, blank_study
from automl.workflow.study.study_record import StudyRecord
from automl.workflow.study.study_schedule import study_training

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from automl.options import Options
    from automl.rows.axes.base import Axis
    from automl.scaling.points import Study
    from automl.types import Learner, Observer
    from automl.workflow.ending import Ending
    from automl.workflow.state import Prepared


def scale_run(
    options: Options, source: str | pd.DataFrame, target: str | None, observer: Observer
) -> Path:
    """Run a study and leave everything in a run directory.

    Args:
        options: Every choice.
        source: A file, `sklearn:NAME`, `openml:NAME`, what a reader plugin knows, or a table.
        target: Column to predict; None lets the data room guess.
        observer: Is told the plan, what was inferred and how it goes.

    Returns:
        The run directory, with `points.jsonl`, `scaling.json` and `report.html`.

    Raises:
        DataError: The table cannot be used as asked.
        UsageError: The options contradict each other, or those that the study began with.
        BudgetError: The budget ended before any fit did.
        KeyboardInterrupt: The user stopped it; what there is has been written.
        StoppedError: A trouble of its own stopped it; what there is has been written.
    """
    with open_run(options, source, target, observer, study=True) as fit:
        ending = _studied(fit, source, target)
    leave(ending, model=True)
    return fit.run


def _studied(fit: Fit, source: str | pd.DataFrame, target: str | None) -> Ending:
    """Read, train and judge."""
    table = read(source, fit.options.reading, target)
    fit.done("read")
    prepared, axis, blank = _prepared(fit, table, target)
    fit.done("infer")
    training, scheduler = study_training(fit, prepared, axis)
    scorer = Scorer(fit.run, prepared.metric, training.store.truth)
    for state in scheduler.learners.values():
        state.beats = scorer.beats
    begun = any(one.finished for one in scheduler.learners.values())
    record = StudyRecord(fit, axis, scheduler, scorer, blank, told=begun)
    if not begun:
        write_study(fit.run, blank)
    ending = training.run(finished=scorer.marks, tick=record.tick)
    fit.cluster.stop()
    fit.done("search")
    _conclude(record, ending)
    return ending


def _prepared(fit: Fit, table: pd.DataFrame, target: str | None) -> tuple[Prepared, Axis, Study]:
    """Everything that is decided before the first fit, written down."""
    options = fit.options
    prepared = prepare(fit, table, target)
    begun, spent = fit.info.study, fit.info.spent or SpentInfo()
    schema = prepared.data.schema
    if not prepared.supervision.supervised:
        msg = "there is no study of anomaly detectors; give --task binary where labels exist"
        raise UsageError(msg)
    most = MOST_TEST if begun is None else max(begun.scored_rows)  # as many as it began with
    repeats = repeats_of(prepared.data, options.repeats, options.seed, most)
    anchors = fit.workers.threads if options.timed else options.anchors
    axis: Axis = AXES[options.axis](prepared.data, repeats, anchors)
    if begun is not None and begun.levels != tuple(axis.levels):
        msg = f"{fit.run} was begun on other data, CPUs or repeats; resume it with the same"
        raise UsageError(msg)
    if without := schema.rows_dropped:
        fit.observer.say(f"Rows without a target: {without:,}; a study leaves them out")
    learners, skipped = _learners(options, prepared, axis)
    prepared = replace(prepared, learners=tuple(learners), skipped=skipped)
    if options.resume:
        warn_of_versions(fit)
    describe_run(fit, prepared)
    (fit.run / "model").rmdir()  # a study keeps no model
    study = StudyInfo(
        axis=options.axis,
        anchors=options.anchors,
        seed=options.seed,
        regimes=options.regimes,
        repeats=options.repeats,
        levels=tuple(axis.levels),
        rows=tuple(axis.sizes),
        scored_rows=tuple(len(repeat.test) for repeat in repeats),
        choosing_rows=tuple(len(parts_of(repeats[0], n).validation) for n in axis.sizes),
        fingerprint=fingerprint(repeats),
        price_per_hour=options.price_per_hour,
        seconds_per_row=None if begun is None else begun.seconds_per_row,
    )
    fit.write(scored_on="test", spent=spent, study=study)
    blank = blank_study(prepared.metric, options.axis, repeats)
    return prepared, axis, replace(blank, tested=options.tested)


def _learners(
    options: Options, prepared: Prepared, axis: Axis
) -> tuple[list[Learner], dict[str, str]]:
    """Those that can be trained at the lowest level; limits on rows end their curves later."""
    data = prepared.data
    unlabelled = axis.rows(Cell()).unlabelled
    found, skipped = applicable(
        get_host(),
        data.schema,
        data.schema.task,
        min(axis.sizes),
        data.schema.width,
        list(options.learner) or None,
        list(options.exclude),
        unlabelled=0 if unlabelled is None else len(unlabelled),
    )
    unfit = {learner.name: why for learner in found if (why := axis.unfit(learner))}
    left = [learner for learner in found if learner.name not in unfit]
    if unfit and all(learner.family == "baseline" for learner in left):
        msg = f"no learner here has anything to show along {options.axis}: {_reasons(unfit)}"
        raise UsageError(msg)
    return left, skipped | unfit


def _reasons(reasons: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {reason}" for name, reason in reasons.items() if reason)


def _conclude(record: StudyRecord, ending: Ending) -> None:
    """Judge what there is and write it.

    Raises:
        BudgetError: No fit ended well.
    """
    fit, options = record.fit, record.fit.options
    reserve.release(fit.run)
    fit.show("save")
    became = outcomes(record.scheduler, record.axis, options.repeats, interrupted=ending.early)
    study = record.study()
    seconds = fit.elapsed() + (fit.info.spent or SpentInfo()).seconds
    fit.write(
        learners=fit.info.learners_after(became),
        status=ending.status,
        reason=ending.reason,
        spent=SpentInfo(round(seconds, 1), _money(options, seconds)),
    )
    if not study.points:
        if ending.early:
            return
        reasons = {name: reason for name, (_, reason) in became.items()}
        msg = (
            f"no fit of the study ended ({_reasons(reasons)}); raise --time-limit or see {fit.run}"
        )
        raise BudgetError(msg)
    write_study(fit.run, study)
    scaling = scaling_of(study)
    write_scaling(fit.run, scaling.document)
    attempt(fit, "diagnostics", lambda: write_advice(fit.run, scaling.advice))
    fit.done("save")
    attempt(fit, "run.json", fit.write)
    attempt(fit, "the report", lambda: write_report(fit.run))
    fit.show("done")


def _money(options: Options, seconds: float) -> float | None:
    if options.price_per_hour is None:
        return None
    return round(money(seconds, options.price_per_hour), 4)
