"""`automl metrics`: the metrics that `--metric` accepts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from automl.cli.output import emit_json, emit_rich, plain_table

COLUMNS = ("name", "tasks", "greater_is_better", "default_for")


def metrics(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list.")] = False,
) -> None:
    """List the metrics that --metric accepts."""
    rows = _rows()
    if as_json:
        emit_json(rows)
        return
    cells = (
        [
            row["name"],
            ", ".join(row["tasks"]),
            "higher" if row["greater_is_better"] else "lower",
            ", ".join(row["default_for"]),
        ]
        for row in rows
    )
    emit_rich(plain_table(("name", "tasks", "better", "default for"), cells))


def _rows() -> list[dict[str, Any]]:
    from automl.hooks.manager import get_host
    from automl.metrics import BUILTIN, default_metric

    rows = []
    for metric in (*BUILTIN, *get_host().metrics().values()):
        tasks = sorted(metric.tasks)
        default_for = [task for task in tasks if default_metric(task) == metric.name]
        values = (metric.name, tasks, metric.greater_is_better, default_for)
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows
