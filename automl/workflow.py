"""A fit from table to model: the one way that data take through the rooms."""

from __future__ import annotations

import json
import math
import platform
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from automl.artifact import versions, write_artifact
from automl.ensemble import ensemble
from automl.errors import BudgetError, DataError, UsageError
from automl.hooks.manager import applicable, get_host
from automl.leaderboard import write_leaderboard
from automl.search import machine, rundir
from automl.search.dealer import Dealer, Job, Plan
from automl.search.engine import Cluster, Workers, plan_workers, search
from automl.search.journal import Journal, read_journal
from automl.search.ladder import BAG, TOP, Ladder
from automl.search.objective import Order, Outcome
from automl.search.rungs import RungStore
from automl.types import Dataset, Progress, Rung, Schema

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from automl.data.split import Split
    from automl.types import Array, Family, Learner, Metric, Observer

PRESETS: dict[str, tuple[float, int]] = {"quick": (1.0, 0), "balanced": (0.8, 4), "best": (0.6, 8)}
"""Preset -> share of the search spent on tuning, configurations bagged after it."""


@dataclass(frozen=True, slots=True)
class FitOptions:
    """Every choice of a fit, already parsed; `automl fit --help` says what each means."""

    task: str = "auto"
    metric: str | None = None
    test: str | pd.DataFrame | None = None
    test_size: float | None = None
    seconds: float | None = 300.0
    trials: int | None = None
    preset: Literal["quick", "balanced", "best"] = "balanced"
    allocate: Literal["equal", "greedy"] = "greedy"
    learner: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    folds: int | None = None
    group: str | None = None
    time: str | None = None
    drop: tuple[str, ...] = ()
    positive: str | None = None
    cpus: int | None = None
    gpus: int | None = None
    memory: int | None = None
    address: str | None = None
    seed: int = 0
    output: Path | None = None
    resume: bool = False
    on_error: Literal["skip", "raise"] = "skip"
    began: float | None = None
    """`time.monotonic()` when the command began; the budget counts from there."""


@dataclass(slots=True)
class _Fit:
    """What the steps of one fit share."""

    options: FitOptions
    observer: Observer
    began: float
    source: str
    run: Path
    workers: Workers
    phases: dict[str, float] = field(default_factory=dict)
    content: dict[str, Any] = field(default_factory=dict)
    rungs: list[Rung] = field(default_factory=list)
    best: dict[Family, tuple[str, float]] = field(default_factory=dict)
    shown: float = 0.0

    def elapsed(self) -> float:
        return time.monotonic() - self.began

    def left(self) -> float:
        limit = self.options.seconds
        return math.inf if limit is None else limit - self.elapsed()

    def done(self, phase: str) -> None:
        """Note when a phase ended, in seconds since the command began."""
        self.phases[phase] = round(self.elapsed(), 3)

    def show(self, phase: str, running: tuple[str, ...] = (), *, force: bool = True) -> None:
        now = time.monotonic()
        if not force and now - self.shown < 0.5:
            return
        self.shown = now
        failed = sum(r.status == "failed" for r in self.rungs)
        self.observer.show(
            Progress(
                phase,
                self.elapsed(),
                self.options.seconds,
                running,
                dict(self.best),
                len(self.rungs) - failed,
                failed,
            )
        )


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
    table = _read(source)
    test = _read(options.test) if options.test is not None else None
    run = rundir.create(options.output, name, resume=options.resume)
    workers = plan_workers(options.cpus, options.gpus, options.memory, options.address)
    fit = _Fit(options, observer, began, name, run, workers)
    fit.done("read")
    cluster = Cluster(workers)
    try:
        return _fit(fit, cluster, table, test, target)
    finally:
        cluster.stop()


def _fit(
    fit: _Fit, cluster: Cluster, table: pd.DataFrame, test: pd.DataFrame | None, target: str | None
) -> Path:
    data, locked = _prepare(fit, table, test, target)
    metric = _metric(fit.options.metric, data.schema)
    split = _split(fit, data)
    learners, skipped = _learners(fit.options, data)
    _describe(fit, data, locked, split, metric, learners, skipped)
    fit.done("infer")
    fit.show("search")
    dealer, interrupted = _search(fit, cluster, data, locked, split, metric, learners)
    fit.done("search")
    _conclude(fit, data.schema, metric, dealer, skipped, interrupted=interrupted)
    if interrupted:
        raise KeyboardInterrupt
    return fit.run


# -------------------------------------------------------------------------- the data


def _read(source: Any) -> pd.DataFrame:
    from automl.data.read import read_table

    if not isinstance(source, str | Path):
        return source  # type: ignore[no-any-return]
    table = get_host().read(str(source))
    return read_table(source) if table is None else table


def _prepare(
    fit: _Fit, table: pd.DataFrame, test: pd.DataFrame | None, target: str | None
) -> tuple[Dataset, Dataset | None]:
    """Typed training rows and, where asked for, typed locked rows."""
    from automl.data.schema import describe, infer_schema, schema_from_json, to_dataset
    from automl.data.split import carve_test, take

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
    from automl.metrics import default_metric, get_metric

    extra = tuple(get_host().metrics().values())
    return get_metric(name or default_metric(schema.task), schema.task, extra)


def _split(fit: _Fit, data: Dataset) -> Split:
    from automl.data.split import make_split

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
    )


def _describe(
    fit: _Fit,
    data: Dataset,
    locked: Dataset | None,
    split: Split,
    metric: Metric,
    learners: list[Learner],
    skipped: dict[str, str],
) -> None:
    """Write everything that the readers of a run need besides the journal."""
    import numpy as np

    from automl.data.schema import schema_to_json

    folder = fit.run / "predictions"
    folder.mkdir(parents=True, exist_ok=True)
    (fit.run / "model").mkdir(exist_ok=True)
    arrays = {
        "truth": data.y,
        "row_ids": np.asarray(data.X.index),
        "fold": split.fold_of,
        "half": split.half,
    }
    if locked is not None:
        arrays |= {"truth_test": locked.y, "row_ids_test": np.asarray(locked.X.index)}
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)
    arguments = {k: v for k, v in asdict(replace(fit.options, test=None)).items() if k != "began"}
    arguments["test"] = fit.options.test if isinstance(fit.options.test, str) else None
    fit.content = {
        "status": "running",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": fit.source,
        "arguments": arguments,
        "versions": versions(),
        "machine": {
            "cpus": fit.workers.slots * fit.workers.threads,
            "memory_bytes": machine.memory(),
            "python": platform.python_version(),
            "platform": platform.platform(),
        },
        "task": data.schema.task,
        "target": data.schema.target,
        "metric": {"name": metric.name, "greater_is_better": metric.greater_is_better},
        "scored_on": "crossfit" if locked is None else "test",
        "split": {
            "fingerprint": split.fingerprint,
            "rows": len(data.y),
            "test_rows": 0 if locked is None else len(locked.y),
            "folds": split.n_folds,
            "all_folds_at_top": split.all_folds_at_3,
            "rungs": {str(k): v for k, v in _ladder(split).sizes.items()},
        },
        "learners": _learner_rows(learners, skipped),
        "schema": schema_to_json(data.schema),
        "phases": fit.phases,
    }
    rundir.write(fit.run, fit.content)


def _learner_rows(learners: list[Learner], skipped: dict[str, str]) -> list[dict[str, Any]]:
    entries = get_host().learners
    rows = [(learner.name, "not_reached", "the run is not over") for learner in learners]
    rows += [(name, "skipped", reason) for name, reason in skipped.items()]
    return [
        {
            "name": name,
            "family": entries[name].learner.family,
            "plugin": entries[name].distribution or entries[name].plugin,
            "status": status,
            "reason": reason,
        }
        for name, status, reason in rows
    ]


# ------------------------------------------------------------------------ the search


def _ladder(split: Split) -> Ladder:
    sizes = {r: len(split.prefix(0, r)) for r in split.rungs if r <= TOP}
    return Ladder(sizes, split.n_folds, split.all_folds_at_3)


def _reserve(seconds: float, rows: int) -> float:
    """Seconds kept back for ensemble, leaderboard and saving."""
    return 4.0 + 0.02 * seconds + rows / 150_000


def _search(
    fit: _Fit,
    cluster: Cluster,
    data: Dataset,
    locked: Dataset | None,
    split: Split,
    metric: Metric,
    learners: list[Learner],
) -> tuple[Dealer, bool]:
    """Run the ladder; True where the user broke it off."""
    options, ladder = fit.options, _ladder(split)
    earlier = read_journal(fit.run) if options.resume else []
    spent = sum(r.fit_seconds + r.predict_seconds + r.overhead_seconds for r in earlier)
    seconds = None
    if options.seconds is not None:
        seconds = fit.left() - _reserve(options.seconds, len(data.y)) - spent / fit.workers.slots
    began = time.monotonic()
    dealer = Dealer(
        [(learner, learner.resources(data.schema).cost) for learner in learners],
        ladder,
        _plan(fit, seconds, metric),
    )
    dealer.replay(earlier)
    for rung in earlier:
        _note_best(fit, rung, learners, metric)
    fit.rungs.extend(earlier)
    journal = Journal(fit.run)
    import ray

    store = RungStore(
        data,
        split,
        ray.put,
        kinds={learner.name: learner.view for learner in learners},
        folder=fit.run / "model" / "views",
        capacity=machine.memory() // 8,
        test_X=None if locked is None else locked.X,
        seed=options.seed,
    )
    cluster.wait()
    store.prefetch(ladder.climb[: len(ladder.sizes)])
    fit.done("start")
    finish = _finisher(fit, dealer, journal, data, split, metric, learners)
    try:
        search(
            dealer,
            store,
            _orders(fit, data, metric, ladder),
            finish,
            fit.workers,
            end=None if seconds is None else began + seconds,
            tick=lambda: fit.show("search", _running(dealer), force=False),
        )
    except KeyboardInterrupt:
        return dealer, True
    finally:
        store.close()
    return dealer, False


def _plan(fit: _Fit, seconds: float | None, metric: Metric) -> Plan:
    options = fit.options
    tuning, bagged = PRESETS[options.preset]
    return Plan(
        allocate=options.allocate,
        seconds=seconds,
        trials=options.trials,
        slots=fit.workers.slots,
        seed=options.seed,
        greater_is_better=metric.greater_is_better,
        tuning_share=tuning,
        bagged=bagged,
    )


def _running(dealer: Dealer) -> tuple[str, ...]:
    return tuple(f"{trial.id} rung {step.rung}" for trial, step in dealer.running)


def _orders(
    fit: _Fit, data: Dataset, metric: Metric, ladder: Ladder
) -> Callable[[Job], Order]:
    by_hand = tuple(
        sorted({e.package for e in get_host().learners.values() if e.distribution is None})
    )

    def order(job: Job) -> Order:
        return Order(
            learner=job.trial.learner,
            config=job.trial.config,
            seed=job.trial.seed,
            task=data.schema.task,
            n_classes=len(data.schema.classes),
            metric=metric.name,
            threads=fit.workers.threads,
            device="cuda" if fit.workers.gpus else "cpu",
            allowance=job.allowance,
            kill_after=job.kill_after,
            memory=fit.workers.memory,
            save=job.step.rung >= TOP,
            plugins=by_hand,
        )

    return order


def _finisher(
    fit: _Fit,
    dealer: Dealer,
    journal: Journal,
    data: Dataset,
    split: Split,
    metric: Metric,
    learners: list[Learner],
) -> Callable[[Job, Outcome], None]:
    """Scores what came back, journals it, and tells dealer, observers and screen."""
    host = get_host()

    def finish(job: Job, outcome: Outcome) -> None:
        rung = _rung(job, outcome, data, split, metric)
        journal.write(rung, outcome.predictions, outcome.model)
        dealer.take(rung)
        fit.rungs.append(rung)
        _note_best(fit, rung, learners, metric)
        host.rung_finished(rung)
        if rung.status == "failed":
            fit.observer.say(f"{rung.trial} failed on rung {rung.rung}: {rung.reason}")
            if fit.options.on_error == "raise":
                msg = f"{rung.trial} failed: {rung.reason} (--on-error raise)"
                raise BudgetError(msg)

    return finish


def _rung(job: Job, outcome: Outcome, data: Dataset, split: Split, metric: Metric) -> Rung:
    step, trial = job.step, job.trial
    score: float | None = None
    if outcome.status == "ok":
        truth: Array = data.y[split.validation(step.fold)]
        value = float(metric.score(truth, outcome.predictions[""]))
        score = value if math.isfinite(value) else None
    return Rung(
        learner=trial.learner,
        trial=trial.id,
        config=trial.config,
        rung=step.rung,
        fold=step.fold,
        seed=trial.seed,
        n=len(split.prefix(step.fold, TOP if step.rung == BAG else step.rung)),
        score=score,
        fit_seconds=round(outcome.fit_seconds, 4),
        predict_seconds=round(outcome.predict_seconds, 4),
        status=outcome.status,
        reason=outcome.reason,
        steps=outcome.steps,
        size_bytes=None if outcome.model is None else sum(map(len, outcome.model.values())),
        overhead_seconds=round(outcome.overhead_seconds, 4),
    )


def _note_best(fit: _Fit, rung: Rung, learners: list[Learner], metric: Metric) -> None:
    family: Family | None = next((x.family for x in learners if x.name == rung.learner), None)
    if rung.score is None or rung.fold != 0 or family is None:
        return
    highest = max(r.rung for r in fit.rungs if r.fold == 0 and r.score is not None)
    rivals = [
        r for r in fit.rungs
        if r.rung == highest and r.fold == 0 and r.score is not None
    ]
    families = {x.name: x.family for x in learners}
    sign = 1.0 if metric.greater_is_better else -1.0
    fit.best = {}
    for rival in sorted(rivals, key=lambda r: sign * (r.score or 0.0)):
        fit.best[families[rival.learner]] = (rival.learner, float(rival.score or 0.0))


# --------------------------------------------------------------------------- the end


def _conclude(
    fit: _Fit,
    schema: Schema,
    metric: Metric,
    dealer: Dealer,
    skipped: dict[str, str],
    *,
    interrupted: bool,
) -> None:
    """Ensemble, leaderboard and artifact, from what is on disk."""
    outcomes = {name: dealer.outcome(name) for name in dealer.lanes}
    for row in fit.content["learners"]:
        if row["name"] in outcomes:
            row["status"], row["reason"] = outcomes[row["name"]]
    rundir.write(fit.run, fit.content)
    if not any(status == "ok" for status, _ in outcomes.values()):
        reasons = "; ".join(f"{n}: {reason}" for n, (_, reason) in outcomes.items() if reason)
        msg = f"no learner produced a model ({reasons}); raise --time-limit or see {fit.run}"
        raise BudgetError(msg)
    fit.show("ensemble")
    from automl.search.record import Record

    ensemble(fit.run, list(get_host().ensemblers().values()), metric, fit.options.seed)
    fit.done("ensemble")
    fit.show("save")
    board = write_leaderboard(fit.run, metric)
    fit.content["scored_rows"] = Record(fit.run).scored_rows
    write_artifact(fit.run, schema, read_journal(fit.run), _best_trials(fit.run, metric), metric.name)
    fit.done("save")
    fit.content["status"] = "interrupted" if interrupted else "done"
    fit.content["best"] = str(board.iloc[0]["learner"])
    rundir.write(fit.run, fit.content)
    fit.show("done")


def _best_trials(run: Path, metric: Metric) -> dict[str, str]:
    """Learner -> its best trial on all scored rows."""
    from automl.search.record import Record

    record = Record(run)
    sign = 1.0 if metric.greater_is_better else -1.0
    best = {}
    for learner, trials in record.candidates.items():
        scores = {t: sign * metric.score(record.y, record.prediction(t)) for t in trials}
        best[learner] = max(trials, key=lambda trial: scores[trial])
    return best
