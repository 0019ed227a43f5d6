"""`automl scale`: the dedicated study of how learners scale."""

from __future__ import annotations

import json
from typing import Any

import typer

from automl.cli.options import takes_options
from automl.cli.output import emit_json, emit_rich
from automl.cli.request import Request, carry_out, read_request
from automl.cli.study_tables import study_parts


@takes_options("scale")
def scale(context: typer.Context, **given: Any) -> None:
    """Study whether deep or classical learning scales better here.

    Trains every learner on the same nested rows in several repeats, each with a fifth of the
    rows held out, and says with intervals who is ahead and who gains. Prints its plan first.
    """
    from automl.workflow.study import scale_run

    carry_out(read_request("scale", context, given), scale_run, _show, _epilogue)


def _show(request: Request) -> None:
    document = (request.run / "scaling.json").read_text(encoding="utf-8")
    if request.as_json:
        emit_json(json.loads(document))
    else:
        emit_rich(*study_parts(request.run))


def _epilogue(request: Request) -> str:
    return f"report: {request.run / 'report.html'}\nagain:  automl scaling {request.run}"
