"""A study, step by step."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from automl.errors import BudgetError, UsageError
from automl.hooks.manager import applicable, get_host
from automl.report import write_report
from automl.scaling import money, scaling_of, write_scaling, write_study
from automl.search import rundir
from automl.search.cluster import Cluster
from automl.workflow.describe import describe_run
from automl.workflow.diagnose import write_advice
from automl.workflow.prepare import prepare, read
from automl.workflow.resume import begun_with
from automl.workflow.state import Fit
from automl.workflow.study.catalogue import AXES
from automl.workflow.study.design import fingerprint, parts_of, repeats_of
from automl.workflow.study.outcome import outcomes
from automl.workflow.study.points import blank_study
from automl.workflow.study.train import Training, train_study

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from automl.scaling.points import Study
    from automl.types import Learner, Observer
    from automl.workflow.state import Prepared
    from automl.workflow.study.axes import Axis
    from automl.workflow.study.options import StudyOptions


def scale_run(
    options: StudyOptions, source: str | pd.DataFrame, target: str | None, observer: Observer
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
    """
    own = options.fit
    began = time.monotonic() if own.began is None else own.began
    name = source if isinstance(source, str) else "table"
    run = rundir.create(own.output, name, resume=own.resume)
    if own.resume:
        own = begun_with(own, run, target, study=True)
        options = _same_study(replace(options, fit=own), run)
    cluster = Cluster(own.cpus, own.gpus, own.memory, own.address, alone=options.timed)
    fit = Fit(own, observer, name, run, cluster, began)
    try:
        table = read(source)
        fit.done("read")
        prepared, axis, blank = _prepared(fit, options, table, target)
        fit.done("infer")
        training, interrupted = train_study(fit, options, prepared, axis, blank)
        cluster.stop()
        fit.done("search")
        _conclude(fit, options, training, interrupted=interrupted)
    finally:
        cluster.stop()
        if not any(run.iterdir()):
            run.rmdir()  # bad input leaves nothing behind
    if interrupted:
        raise KeyboardInterrupt
    return run


def _same_study(options: StudyOptions, run: Path) -> StudyOptions:
    """The options of a study that goes on: as many repeats at least, and otherwise as it was begun.

    Raises:
        UsageError: Another study was begun.
    """
    begun = rundir.read(run)["study"]
    for key, value in options.description.items():
        if begun[key] != value:
            msg = f"{run} was begun with --{key} {begun[key]}; resume it with the same"
            raise UsageError(msg)
    regimes = options.regimes if options.named else tuple(begun["regimes"])
    if lost := [regime for regime in begun["regimes"] if regime not in regimes]:
        msg = f"{run} was begun with --regime {lost[0]}; resume it with the same"
        raise UsageError(msg)
    price = options.price_per_hour
    return replace(
        options,
        regimes=regimes,
        repeats=max(options.repeats, begun["repeats"]),
        price_per_hour=begun.get("price_per_hour") if price is None else price,
    )


def _prepared(
    fit: Fit, options: StudyOptions, table: pd.DataFrame, target: str | None
) -> tuple[Prepared, Axis, Study]:
    """Everything that is decided before the first fit, written down."""
    prepared = prepare(fit, table, target)
    begun, spent = fit.content.get("study", {}), fit.content.get("spent", {"seconds": 0.0})
    schema = prepared.data.schema
    if schema.task == "anomaly":
        msg = "there is no study of anomaly detectors; give --task binary where labels exist"
        raise UsageError(msg)
    repeats = repeats_of(prepared.data, options.repeats, options.fit.seed)
    anchors = fit.workers.threads if options.timed else options.anchors
    axis: Axis = AXES[options.axis](prepared.data, repeats, anchors)
    if begun and begun["levels"] != list(axis.levels):
        msg = f"{fit.run} was begun on other data, CPUs or repeats; resume it with the same"
        raise UsageError(msg)
    if without := schema.rows_dropped:
        fit.observer.say(f"Rows without a target: {without:,}; a study leaves them out")
    learners, skipped = _learners(options, prepared, axis)
    prepared = replace(prepared, learners=tuple(learners), skipped=skipped)
    describe_run(fit, prepared)
    (fit.run / "model").rmdir()  # a study keeps no model
    fit.content |= {
        "kind": "study",
        "scored_on": "test",
        "spent": spent,
        "study": options.description
        | {
            "regimes": list(options.regimes),
            "repeats": options.repeats,
            "levels": list(axis.levels),
            "rows": list(axis.sizes),
            "scored_rows": [len(repeat.scored) for repeat in repeats],
            "choosing_rows": [len(parts_of(repeats[0], n).choose) for n in axis.sizes],
            "fingerprint": fingerprint(repeats),
            "price_per_hour": options.price_per_hour,
            "seconds_per_row": begun.get("seconds_per_row"),
        },
    }
    rundir.write(fit.run, fit.content)
    return prepared, axis, blank_study(prepared.metric, options.axis, repeats)


def _learners(
    options: StudyOptions, prepared: Prepared, axis: Axis
) -> tuple[list[Learner], dict[str, str]]:
    """Those that can be trained at the lowest level; limits on rows end their curves later."""
    data = prepared.data
    unlabelled = axis.cell(0, 0).unlabelled
    found, skipped = applicable(
        get_host(),
        data.schema,
        data.schema.task,
        min(axis.sizes),
        data.X.shape[1],
        list(options.fit.learner) or None,
        list(options.fit.exclude),
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


def _conclude(fit: Fit, options: StudyOptions, training: Training, *, interrupted: bool) -> None:
    """Judge what there is and write it.

    Raises:
        BudgetError: No fit ended well.
    """
    fit.show("save")
    became = outcomes(training.dealer, training.axis, options.repeats, interrupted=interrupted)
    for row in fit.content["learners"]:
        if row["name"] in became:
            row["status"], row["reason"] = became[row["name"]]
    study = training.study()
    seconds = fit.elapsed() + fit.content["spent"]["seconds"]
    fit.content |= {
        "status": "interrupted" if interrupted else "done",
        "spent": {"seconds": round(seconds, 1), "money": _money(options, seconds)},
    }
    rundir.write(fit.run, fit.content)
    if not study.points:
        if interrupted:
            return
        reasons = {name: reason for name, (_, reason) in became.items()}
        msg = (
            f"no fit of the study ended ({_reasons(reasons)}); raise --time-limit or see {fit.run}"
        )
        raise BudgetError(msg)
    write_study(fit.run, study)
    scaling = scaling_of(study)
    write_scaling(fit.run, scaling.document)
    write_advice(fit.run, scaling.advice)
    fit.done("save")
    rundir.write(fit.run, fit.content)
    write_report(fit.run)
    fit.show("done")


def _money(options: StudyOptions, seconds: float) -> float | None:
    if options.price_per_hour is None:
        return None
    return round(money(seconds, options.price_per_hour), 4)
