"""`automl learners`: the learners, and the reasons of those that are not available."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl.cli.learner_pages import memory_samples, memory_text
from automl.cli.output import emit_json, emit_rich, pairs_table, plain_table
from automl.errors import UsageError
from automl.hooks.declarations import unsound
from automl.space import Choice
from automl.text import hint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.hooks.manager import LearnerEntry
    from automl.types import Learner

COLUMNS = ("name", "family", "tasks", "package", "extra", "available", "reason")


def learners(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="One learner: its search space, defaults, limits."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    pages: Annotated[
        Path | None,
        typer.Option("--pages", metavar="DIR", help="Write a page about each into this folder."),
    ] = None,
) -> None:
    """List the learners, or describe one."""
    from automl.hooks.manager import get_host

    entries = get_host().learners
    if pages is not None:
        write_pages(pages, [_entry(entries, name)] if name else list(entries.values()))
        return
    if name is not None:
        details = _details(_entry(entries, name))
        if as_json:
            emit_json(details)
        else:
            emit_rich(pairs_table(_readable(details)))
        return
    rows = [_row(entry) for _, entry in sorted(entries.items())]
    if as_json:
        emit_json(rows)
    else:
        emit_rich(plain_table(COLUMNS, (_cells(row) for row in rows)))


def write_pages(folder: Path, entries: Sequence[LearnerEntry]) -> None:
    """Write `NAME.md` for each learner, and `README.md` where there are several."""
    from automl.cli.learner_pages import index_page, learner_page

    folder.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        (folder / f"{entry.learner.name}.md").write_text(learner_page(entry), encoding="utf-8")
    if len(entries) > 1:
        (folder / "README.md").write_text(index_page(entries), encoding="utf-8")


def _entry(entries: Mapping[str, LearnerEntry], name: str) -> LearnerEntry:
    if name not in entries:
        msg = f"there is no learner {name!r}: {hint(name, sorted(entries))}"
        raise UsageError(msg)
    return entries[name]


def _row(entry: LearnerEntry) -> dict[str, Any]:
    learner = entry.learner
    values = (
        learner.name,
        learner.family,
        sorted(learner.tasks),
        entry.package,
        learner.extra,
        entry.available,
        entry.reason,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _cells(row: dict[str, Any]) -> list[Any]:
    return [", ".join(row[name]) if name == "tasks" else row[name] for name in COLUMNS]


def _details(entry: LearnerEntry) -> dict[str, Any]:
    learner = entry.learner
    return {
        **_row(entry),
        "summary": learner.summary,
        "source": learner.source,
        "good_when": learner.good_when,
        "view": learner.view,
        "limits": asdict(learner.limits),
        "fidelity": learner.fidelity,
        "space": {key: {"kind": type(d).__name__, **asdict(d)} for key, d in learner.space.items()},
        "defaults": [dict(config) for config in learner.defaults],
        "distribution": entry.distribution,
        "api_version": learner.api_version,
        **_needs(learner),
    }


def _needs(learner: Learner) -> dict[str, Any]:
    """Fields of plugin API 2; none of an unsound declaration, whose reason names the fault."""
    if unsound(learner):
        return {}
    return {
        "libraries": list(learner.libraries),
        "memory": memory_samples(learner),
        "prior": None if learner.prior is None else asdict(learner.prior),
        "weights": learner.weights,
        "warm_start": learner.warm_start,
        "refits": learner.refits,
        "scale_out": learner.scale_out,
    }


def _readable(details: dict[str, Any]) -> dict[str, Any]:
    limits = ", ".join(f"{n:,} {what}" for what, n in details["limits"].items() if n is not None)
    lines = {key: details[key] for key in ("name", "summary", "family", "view", "package")}
    lines |= {
        "tasks": ", ".join(details["tasks"]),
        "available": details["available"] or details["reason"],
        "limits": limits or "none",
    }
    lines |= {
        label: details[key]
        for label, key in (("good when", "good_when"), ("source", "source"))
        if details[key]
    }
    if "libraries" in details:
        lines |= _needs_lines(details)
    for key, dimension in details["space"].items():
        lines[f"space {key}"] = _dimension(dimension)
    for number, config in enumerate(details["defaults"]):
        text = ", ".join(f"{key}={value}" for key, value in config.items())
        lines[f"default {number}"] = text or "as the library has it"
    return lines


def _needs_lines(details: dict[str, Any]) -> dict[str, Any]:
    prior = details["prior"]
    return {
        "libraries": ", ".join(details["libraries"]) or "none declared",
        "memory": memory_text(details["memory"]) if details["memory"] else "not declared",
        "prior": f"{prior['share']:.0%}: {prior['source']}" if prior else "that of its family",
        "weights": details["weights"],
        "warm start": details["warm_start"],
        "refits": details["refits"],
        "scale out": details["scale_out"] or "no",
    }


def _dimension(dimension: dict[str, Any]) -> str:
    if dimension["kind"] == Choice.__name__:
        return " | ".join(map(str, dimension["options"]))
    scale = ", log scale" if dimension["log"] else ""
    return f"{dimension['kind']} {dimension['low']:g} to {dimension['high']:g}{scale}"
