"""The description of a run that its readers need besides the journal."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from automl.artifact import versions
from automl.data.schema import schema_to_json
from automl.files import write_array
from automl.hooks.manager import LearnerEntry, PluginStatus, get_host
from automl.rows.folds import fingerprint
from automl.runs import reserve
from automl.runs.info import FORMAT, LearnerInfo, MachineInfo, MetricInfo, RunInfo, SplitInfo
from automl.workers import limits
from automl.workflow.prepare import unweighted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from automl.types import Metric, Status
    from automl.workflow.state import Fit, Prepared


def describe_run(fit: Fit, prepared: Prepared) -> None:
    """Write `run.json` and the truth that predictions are scored against."""
    workers = fit.workers  # a cluster that does not answer leaves nothing behind
    reserve.keep(fit.run, _arrays_of_the_end(prepared))
    (fit.run / "model").mkdir(exist_ok=True)
    _write_rows(fit, prepared)
    data, now = prepared.data, versions()
    begun = fit.info.versions or now  # of the run that goes on
    fit.info = RunInfo(
        format=FORMAT,
        status="running",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        source=fit.source,
        arguments=fit.options.arguments,
        versions=begun,
        resumed_with={} if now == begun else now,
        machine=MachineInfo(
            cpus=workers.cpus,
            memory_bytes=limits.memory(),
            python=platform.python_version(),
            platform=platform.platform(),
        ),
        task=data.schema.task,
        target=data.schema.target,
        metric=_named(prepared.metric),
        choice=_named(prepared.choice),
        scored_on="crossfit" if prepared.locked is None else "test",
        split=_split(prepared),
        learners=tuple(_learner_rows(prepared)),
        schema=schema_to_json(data.schema),
        unweighted=() if data.weights is None else tuple(unweighted(prepared.learners)),
    )
    fit.write()


def _arrays_of_the_end(prepared: Prepared) -> int:
    """Bytes of the predictions of all ensembles, cross-fitted and of locked rows."""
    rows = len(prepared.data.y) + (0 if prepared.locked is None else len(prepared.locked.y))
    classes = prepared.data.schema.n_classes
    one = np.dtype((np.float32, classes) if classes else np.float64).itemsize
    return rows * one * len(get_host().ensemblers())


def _split(prepared: Prepared) -> SplitInfo:
    data, split, locked = prepared.data, prepared.split, prepared.locked
    return SplitInfo(
        fingerprint=split.fingerprint,
        content=fingerprint(data),
        test_content=None if locked is None else fingerprint(locked),
        rows=len(data.y),
        test_rows=0 if locked is None else len(locked.y),
        folds=split.n_folds,
        all_folds_at_top=split.all_folds_at_3,
        refit=split.refit,
        rungs={str(rung): rows for rung, rows in prepared.ladder.sizes.items()},
    )


def _write_rows(fit: Fit, prepared: Prepared) -> None:
    folder = fit.run / "predictions"
    folder.mkdir(parents=True, exist_ok=True)
    data, split, locked = prepared.data, prepared.split, prepared.locked
    arrays = {
        "truth": prepared.truth,
        "row_ids": np.asarray(data.X.index),
        "fold": split.fold_of,
        "half": split.half,
    }
    if prepared.answers.labels is not None:
        arrays["labels"] = prepared.answers.labels
    if data.weights is not None:
        arrays["weights"] = data.weights
    if locked is not None and locked.weights is not None:
        arrays["weights_test"] = locked.weights
    if locked is not None:
        arrays |= {"truth_test": locked.y, "row_ids_test": np.asarray(locked.X.index)}
    for name, values in arrays.items():
        write_array(folder / f"{name}.npy", values)


def _named(metric: Metric) -> MetricInfo:
    return MetricInfo(metric.name, metric.greater_is_better)


def _learner_rows(prepared: Prepared) -> Iterator[LearnerInfo]:
    host = get_host()
    entries, broken = host.learners, host.broken
    rows: list[tuple[str, Status, str]] = [
        (learner.name, "not_reached", "the run is not over") for learner in prepared.learners
    ]
    for name, reason in prepared.skipped.items():
        rows.append((name, "failed" if name in broken else "skipped", reason))
    for name, status, reason in rows:
        family = entries[name].learner.family if name in entries else ""
        plugin = _origin(entries.get(name) or broken[name])
        yield LearnerInfo(name, family, plugin, status, reason)


def _origin(source: LearnerEntry | PluginStatus) -> str:
    own = source.plugin if isinstance(source, LearnerEntry) else source.name
    return source.distribution or own
