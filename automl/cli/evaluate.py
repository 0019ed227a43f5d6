"""`automl evaluate`: score a run on labelled rows."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl.cli.output import emit_json, emit_rich, plain_table
from automl.errors import DataError, UsageError
from automl.progress import note

if TYPE_CHECKING:
    import pandas as pd

    from automl.artifact import Predictor
    from automl.types import Array, Schema


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that 'automl fit' wrote.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="Rows with the target column.")],
    target: Annotated[
        str | None,
        typer.Option(
            "-t", "--target", metavar="COL", help="Labels of anomalies, where fit knew of none."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list of rows.")] = False,
) -> None:
    """Score a run on labelled rows."""
    from automl.artifact import Predictor
    from automl.data.apply import with_images
    from automl.data.saved import layout_of
    from automl.hooks.manager import get_host

    predictor = Predictor.load(run)
    table = get_host().read(data, predictor.schema.reading)
    for line in layout_of(table).notes:
        note(line)
    rows = scores(predictor, with_images(predictor.schema, table, note), target)
    if as_json:
        emit_json(rows)
        return
    note(f"'automl predict' uses {predictor.default} unless another is named")
    names = list(rows[0])
    emit_rich(plain_table(names, ([row[name] for name in names] for row in rows)))


def scores(
    predictor: Predictor, table: pd.DataFrame, target: str | None = None
) -> list[dict[str, Any]]:
    """Every metric of the task, for the ensemble and each saved learner.

    Rows without a label, or with a class that training did not have, are left out.

    Args:
        predictor: The run.
        table: Labelled rows.
        target: The column of labels, for anomalies that were found without labels.

    Returns:
        One dict per learner: `learner`, `rows`, then metric name to value (nan where these rows
        do not define the metric).

    Raises:
        DataError: The table has no target column, or no labelled row.
    """
    from automl.data.apply import weights_of
    from automl.data.schema import encode_target

    schema = _schema(predictor, table, target)
    if schema.target not in table.columns:
        msg = f"the data have no column {schema.target!r}, which holds the labels"
        raise DataError(msg)
    y, known = encode_target(schema, table[schema.target])
    if not known.any():
        msg = f"no row has a known label in column {schema.target!r}"
        raise DataError(msg)
    if not known.all():
        note(f"{(~known).sum():,} rows left out: no label, or a class that training did not have")
    rows, truth, weights = table[known], y[known], weights_of(schema, table)
    weights = None if weights is None else weights[known]
    if weights is not None and not weights.any():
        msg = f"no row has a weight above 0 in column {schema.weight!r}"
        raise DataError(msg)
    return [
        {"learner": name, "rows": len(rows), **_metrics(predictor, rows, truth, weights, name)}
        for name in predictor.names
    ]


def _schema(predictor: Predictor, table: pd.DataFrame, target: str | None) -> Schema:
    """The schema by which labels are read."""
    from automl.data.schema import labelled

    schema = predictor.schema
    if target is None and schema.target is None:
        msg = "fit knew of no labels; name their column with --target"
        raise UsageError(msg)
    if target is None or target == schema.target:
        return schema
    if schema.target is not None:
        msg = f"the labels are in {schema.target!r}, as in training; leave --target out"
        raise UsageError(msg)
    return labelled(schema, table, target)


def _metrics(
    predictor: Predictor, table: pd.DataFrame, y: Array, weights: Array | None, learner: str
) -> dict[str, float]:
    from automl.hooks.manager import get_host
    from automl.metrics import BUILTIN, score

    schema = predictor.schema
    prediction = predictor.raw(table, learner)
    found = {}
    for metric in (*BUILTIN, *get_host().metrics().values()):
        if schema.task in metric.tasks and metric is not predictor.supervision.criterion:
            try:
                found[metric.name] = score(metric, y, prediction, weights)
            except DataError:  # such as rmsle where a target is below 0
                found[metric.name] = math.nan
    return found
