"""Data and settings of a run: how columns were read, and how to repeat the run."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from automl.anomaly.supervision import supervision_of
from automl.data.saved import schema_from_json
from automl.options import options_of
from automl.report.formatting import NONE, seconds, share, size
from automl.runs.info import RunInfo, SplitInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.options import Command
    from automl.report.facts import Facts
    from automl.runs.info import MachineInfo
    from automl.types import Column

COLUMNS = 300
"""Most columns listed, which add 50 kB to the page; run.json has them all."""
SESSION = {"began", "left_out"}
"""Arguments in run.json that are no choices."""


def data(facts: Facts) -> dict[str, Any] | str:
    """The columns, with the reasons for how they were read."""
    if not facts.info.schema:
        return "run.json holds no description of the data."
    schema = schema_from_json(facts.info.schema)
    columns = schema.columns
    return {
        "source": facts.info.source,
        "rows": f"{schema.rows or facts.info.split.rows:,}",
        "dropped": schema.rows_dropped,
        "columns": [_column(column) for column in columns[:COLUMNS]],
        "more": max(0, len(columns) - COLUMNS),
        "set_aside": len(columns) - len(schema.features),
        "all": len(columns),
        "target": schema.target,
        "target_reason": schema.target_reason,
        "task": schema.task,
        "task_reason": schema.task_reason,
        "supervised": supervision_of(schema.task).supervised,
        "classes": [str(label) for label in schema.classes],
        "notes": schema.notes,
    }


def _column(column: Column) -> dict[str, str]:
    return {
        "name": column.name,
        "kind": column.kind.replace("_", " "),
        "reason": column.reason,
        "missing": share(column.missing) if column.missing else "none",
        "levels": f"{column.levels:,}" if column.levels else NONE,
    }


# -------------------------------------------------------------------------- repeat


def repeat(facts: Facts) -> dict[str, Any] | str:
    """Commands, versions, machine and settings."""
    info = facts.info
    if info == RunInfo():
        return "There is no run.json, which holds the settings."
    versions, arguments = info.versions, info.arguments
    return {
        "command": command(info),
        "table": info.source == "table",
        "study": facts.study,
        "exact": arguments.get("trials") is not None and arguments.get("seconds") is None,
        "install": shlex.join(["pip", "install", *(f"{n}=={v}" for n, v in versions.items())]),
        "versions": list(versions.items()),
        "machine": _machine(info.machine),
        "split": _split(info),
        "arguments": [
            (key, _value(value)) for key, value in arguments.items() if key not in SESSION
        ],
        "phases": _phases(info.phases),
        "configs": _configs(facts),
        "created": info.created or NONE,
    }


def command(info: RunInfo) -> str:
    """The command line that repeats a fit or study."""
    name: Command = "fit" if info.study is None else "scale"
    words = ["automl", name, info.source or "DATA"]
    if info.target:
        words += ["--target", info.target]
    chosen = info.choices
    for option in options_of(name):
        value = chosen.get(option.name, option.default)
        usual = option.again == "unless usual" and value == option.default
        if option.again != "never" and not usual:
            words += option.spelled(value)
    return shlex.join(words)


def _machine(machine: MachineInfo) -> list[tuple[str, str]]:
    """Description of the machine."""
    told = [
        ("CPUs used", "" if machine.cpus is None else str(machine.cpus)),
        ("memory allowed", "" if machine.memory_bytes is None else size(machine.memory_bytes)),
        ("python", machine.python),
        ("platform", machine.platform),
    ]
    return [(label, value) for label, value in told if value]


def _split(info: RunInfo) -> list[tuple[str, str]]:
    study, split = info.study, info.split
    if study is not None:
        return [
            ("what grows", study.axis.replace("-", " ")),
            ("its values", ", ".join(f"{level:,.6g}" for level in study.levels)),
            ("repeats", str(study.repeats)),
            ("rows scored in each", ", ".join(f"{rows:,}" for rows in study.scored_rows)),
            ("fingerprint of the split", study.fingerprint),
        ]
    if split == SplitInfo():
        return []
    return [
        ("training rows", f"{split.rows:,}"),
        ("locked test rows", f"{split.test_rows:,}"),
        ("folds", str(split.folds or NONE)),
        ("rows of the steps", ", ".join(f"{rows:,}" for rows in split.rungs.values()) or NONE),
        ("fingerprint of the split", split.fingerprint or NONE),
    ]


def _value(value: object) -> str:
    if value is None or value == []:
        return NONE
    return value if isinstance(value, str) else json.dumps(value)


def _phases(phases: Mapping[str, float]) -> list[tuple[str, str]]:
    """Seconds of each phase, from the ends of the phases in run.json."""
    took, before = [], 0.0
    for name, end in phases.items():
        took.append((name, seconds(end - before)))
        before = end
    return took


def _configs(facts: Facts) -> list[tuple[str, str, str]]:
    """Learner, configuration and seed of the trials that represent learners."""
    known = {rung.trial: rung for rung in facts.rungs}
    return [
        (learner, _settings(dict(known[trial].config)), str(known[trial].seed))
        for learner, trial in facts.best.items()
        if trial in known
    ]


def _settings(config: dict[str, Any]) -> str:
    said = (f"{name}={value}" for name, value in config.items())
    return ", ".join(said) or "its defaults"
