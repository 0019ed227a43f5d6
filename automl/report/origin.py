"""What the data were taken for, and everything needed to do it again."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from automl.report.words import NONE, seconds, share, size
from automl.units import format_duration

if TYPE_CHECKING:
    from automl.report.facts import Facts

COLUMNS = 300
"""Columns listed at most; run.json has them all."""
NOT_FLAGS = {"output", "resume", "began", "task", "seed", "seconds", "memory"}
"""Written by hand below, or not part of what was asked."""
FIT_ONLY = {
    *("test", "test_size", "trials", "preset", "allocate", "folds", "contamination", "on_error")
}
"""What `automl scale` does not ask."""
STUDY_FLAGS = {
    "axis": "--axis",
    "regimes": "--regime",
    "repeats": "--repeats",
    "anchors": "--anchors",
    "price_per_hour": "--price-per-hour",
}
"""What run.json knows of a study -> its flag."""


def data(facts: Facts) -> dict[str, Any] | str:
    """How each column was read, and why."""
    schema = facts.info.get("schema")
    if not schema:
        return "run.json holds no description of the data."
    columns = schema["columns"]
    split = facts.info.get("split", {})
    return {
        "source": str(facts.info.get("source", "")),
        "rows": f"{schema.get('rows', split.get('rows', 0)):,}",
        "dropped": schema.get("rows_dropped", 0),
        "columns": [_column(column) for column in columns[:COLUMNS]],
        "more": max(0, len(columns) - COLUMNS),
        "set_aside": sum(column["kind"] == "set_aside" for column in columns),
        "all": len(columns),
        "target": schema["target"],
        "target_reason": schema.get("target_reason", ""),
        "task": schema["task"],
        "task_reason": schema.get("task_reason", ""),
        "classes": [str(label) for label in schema.get("classes", [])],
        "notes": schema.get("notes", []),
    }


def _column(column: dict[str, Any]) -> dict[str, str]:
    missing, levels = column.get("missing", 0.0), column.get("levels", 0)
    return {
        "name": str(column["name"]),
        "kind": str(column["kind"]).replace("_", " "),
        "reason": str(column["reason"]),
        "missing": share(missing) if missing else "none",
        "levels": f"{levels:,}" if levels else NONE,
    }


# -------------------------------------------------------------------------- repeat


def repeat(facts: Facts) -> dict[str, Any] | str:
    """Commands, versions, machine and settings."""
    info = facts.info
    if not info:
        return "There is no run.json, which holds the settings."
    versions = info.get("versions", {})
    arguments = info.get("arguments", {})
    return {
        "command": command(info),
        "table": info.get("source") == "table",
        "study": facts.study,
        "exact": arguments.get("trials") is not None and arguments.get("seconds") is None,
        "install": shlex.join(["pip", "install", *(f"{n}=={v}" for n, v in versions.items())]),
        "versions": list(versions.items()),
        "machine": _machine(info.get("machine", {})),
        "split": _split(info),
        "arguments": [(key, _value(value)) for key, value in arguments.items() if key != "began"],
        "phases": _phases(info.get("phases", {})),
        "configs": _configs(facts),
        "created": info.get("created", NONE),
    }


def command(info: dict[str, Any]) -> str:
    """The command line that asks for the same fit or study."""
    arguments = dict(info.get("arguments", {}))
    study = info.get("study", {})
    words = ["automl", "scale" if study else "fit", str(info.get("source", "DATA"))]
    if info.get("target"):
        words += ["--target", str(info["target"])]
    if arguments.get("task", "auto") != "auto":
        words += ["--task", str(arguments["task"])]
    if arguments.get("seconds") is not None:
        words += ["--time-limit", format_duration(arguments["seconds"])]
    if arguments.get("memory") is not None:
        words += ["--memory", f"{arguments['memory']}B"]
    for name, value in arguments.items():
        if name not in (NOT_FLAGS | FIT_ONLY if study else NOT_FLAGS):
            words += _flag(f"--{name.replace('_', '-')}", value)
    for key, flag in STUDY_FLAGS.items():
        words += _flag(flag, study.get(key))
    return shlex.join([*words, "--seed", str(arguments.get("seed", 0))])


def _flag(flag: str, value: object) -> list[str]:
    usual = {"--preset": "balanced", "--allocate": "greedy", "--on-error": "skip"}
    if value is None or value is False or usual.get(flag) == value:
        return []
    if value is True:
        return [flag]
    if isinstance(value, list | tuple):
        return [word for item in value for word in (flag, str(item))]
    return [flag, str(value)]


def _machine(machine: dict[str, Any]) -> list[tuple[str, str]]:
    """What it ran on, in words."""
    labels = {"cpus": "CPUs used", "memory_bytes": "memory allowed"}
    return [
        (labels.get(key, key), size(value) if key == "memory_bytes" else str(value))
        for key, value in machine.items()
    ]


def _split(info: dict[str, Any]) -> list[tuple[str, str]]:
    study, split = info.get("study"), info.get("split", {})
    if study:
        return [
            ("what grows", str(study["axis"]).replace("-", " ")),
            ("its values", ", ".join(f"{level:,.6g}" for level in study["levels"])),
            ("repeats", str(study["repeats"])),
            ("rows scored in each", ", ".join(f"{rows:,}" for rows in study["scored_rows"])),
            ("fingerprint of the split", str(study["fingerprint"])),
        ]
    if not split:
        return []
    rungs = ", ".join(f"{rows:,}" for rows in split.get("rungs", {}).values())
    return [
        ("training rows", f"{split.get('rows', 0):,}"),
        ("locked test rows", f"{split.get('test_rows', 0):,}"),
        ("folds", str(split.get("folds", NONE))),
        ("rows of the steps", rungs or NONE),
        ("fingerprint of the split", str(split.get("fingerprint", NONE))),
    ]


def _value(value: object) -> str:
    if value is None or value == []:
        return NONE
    return value if isinstance(value, str) else json.dumps(value)


def _phases(phases: dict[str, float]) -> list[tuple[str, str]]:
    """Seconds that each phase took; run.json holds when it ended."""
    took, before = [], 0.0
    for name, end in phases.items():
        took.append((name, seconds(end - before)))
        before = end
    return took


def _configs(facts: Facts) -> list[tuple[str, str, str]]:
    """Learner, configuration and seed of the trials that stand for them."""
    known = {rung.trial: rung for rung in facts.rungs}
    return [
        (learner, _settings(dict(known[trial].config)), str(known[trial].seed))
        for learner, trial in facts.best.items()
        if trial in known
    ]


def _settings(config: dict[str, Any]) -> str:
    said = (f"{name}={value}" for name, value in config.items())
    return ", ".join(said) or "its defaults"
