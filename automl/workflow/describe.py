"""What the readers of a run need besides its journal."""

from __future__ import annotations

import platform
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.artifact import versions
from automl.data.schema import schema_to_json
from automl.data.split import fingerprint
from automl.hooks.manager import LearnerEntry, PluginStatus, get_host
from automl.search import machine, rundir

if TYPE_CHECKING:
    from automl.types import Metric
    from automl.workflow.state import Fit, Prepared


def describe_run(fit: Fit, prepared: Prepared) -> None:
    """Write `run.json` and the truth that predictions are scored against."""
    workers = fit.workers  # a cluster that does not answer leaves nothing behind
    (fit.run / "model").mkdir(exist_ok=True)
    _write_rows(fit, prepared)
    data, split, metric = prepared.data, prepared.split, prepared.metric
    fit.content = {
        "status": "running",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": fit.source,
        "arguments": _arguments(fit),
        "versions": versions(),
        "machine": {
            "cpus": workers.slots * workers.threads,
            "memory_bytes": machine.memory(),
            "python": platform.python_version(),
            "platform": platform.platform(),
        },
        "task": data.schema.task,
        "target": data.schema.target,
        "metric": _named(metric),
        "choice": _named(prepared.choice),
        "scored_on": "crossfit" if prepared.locked is None else "test",
        "split": {
            "fingerprint": split.fingerprint,
            "content": fingerprint(data),
            "test_content": None if prepared.locked is None else fingerprint(prepared.locked),
            "rows": len(data.y),
            "test_rows": 0 if prepared.locked is None else len(prepared.locked.y),
            "folds": split.n_folds,
            "all_folds_at_top": split.all_folds_at_3,
            "refit": split.refit,
            "rungs": {str(rung): rows for rung, rows in prepared.ladder.sizes.items()},
        },
        "learners": _learner_rows(prepared),
        "schema": schema_to_json(data.schema),
        "phases": fit.phases,
    }
    rundir.write(fit.run, fit.content)


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
    if prepared.metric is not prepared.choice:
        arrays["labels"] = data.y
    if locked is not None:
        arrays |= {"truth_test": locked.y, "row_ids_test": np.asarray(locked.X.index)}
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)


def _named(metric: Metric) -> dict[str, Any]:
    return {"name": metric.name, "greater_is_better": metric.greater_is_better}


def _arguments(fit: Fit) -> dict[str, Any]:
    options = asdict(replace(fit.options, test=None, began=None, left_out=None))
    test = fit.options.test
    return options | {"test": test if isinstance(test, str) else None}


def _learner_rows(prepared: Prepared) -> list[dict[str, Any]]:
    host = get_host()
    entries, broken = host.learners, host.broken
    rows = [(learner.name, "not_reached", "the run is not over") for learner in prepared.learners]
    rows += [(name, "not_reached", reason) for name, reason in prepared.left_out.items()]
    for name, reason in prepared.skipped.items():
        rows.append((name, "failed" if name in broken else "skipped", reason))
    return [
        {
            "name": name,
            "family": entries[name].learner.family if name in entries else "",
            "plugin": _origin(entries.get(name) or broken[name]),
            "status": status,
            "reason": reason,
        }
        for name, status, reason in rows
    ]


def _origin(source: LearnerEntry | PluginStatus) -> str:
    own = source.plugin if isinstance(source, LearnerEntry) else source.name
    return source.distribution or own
