"""`automl scaling`: verdicts on scaling of a fit or a study, in sentences and a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl.cli.output import emit_json, emit_rich, plain_table
from automl.cli.run_files import read_run, read_rungs
from automl.cli.study_tables import study_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automl.types import Rung

COLUMNS = ("learner", "n", "score", "seconds", "configurations")


def curves(rungs: Iterable[Rung], *, greater_is_better: bool) -> list[dict[str, Any]]:
    """The best configuration by validation score, for each learner and rung of fold 0.

    All points are scored on the validation rows of that fold.

    Returns:
        Rows of `COLUMNS`, ordered by learner and `n` (training rows); `seconds` is the training
        time of the best configuration.
    """
    points: dict[tuple[str, int], list[Rung]] = {}
    for rung in rungs:
        if rung.fold == 0 and rung.status == "ok" and rung.score is not None:
            points.setdefault((rung.learner, rung.n), []).append(rung)
    from automl.metrics import loss_sign

    sign = loss_sign(greater_is_better=greater_is_better)
    rows = []
    for (learner, n), found in sorted(points.items()):
        best = min(found, key=lambda rung: sign * (rung.score or 0.0))
        rows.append(
            dict(zip(COLUMNS, (learner, n, best.score, best.fit_seconds, len(found)), strict=True))
        )
    return rows


def scaling(
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="A folder that 'automl fit' or 'automl scale' wrote."),
    ],
    equal_seconds: Annotated[
        bool,
        typer.Option(
            "--equal-seconds",
            help="Ask of a study who is ahead in equal seconds, not who is when done.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print scaling.json, made anew.")] = False,
) -> None:
    """Say how scores and times grow with rows, and who gains."""
    info = read_run(run)
    if info.study is not None and not as_json:
        emit_rich(*study_parts(run, equal_seconds=equal_seconds))
        return
    rungs = read_rungs(run)
    from automl.hooks.manager import get_host
    from automl.scaling import read_scaling

    metric = info.judged_by(get_host().metrics().values())
    found = read_scaling(run, metric, equal_seconds=equal_seconds)
    if as_json:
        emit_json(found.document)
        return
    rows = curves(rungs, greater_is_better=metric.greater_is_better)
    better = "higher" if metric.greater_is_better else "lower"
    emit_rich(
        *(f"{sentence}\n" for sentence in found.sentences),
        f"{metric.name} ({better} is better) on the validation rows of fold 0,"
        " best configuration per number of training rows",
        plain_table(COLUMNS, ([row[name] for name in COLUMNS] for row in rows)),
    )
