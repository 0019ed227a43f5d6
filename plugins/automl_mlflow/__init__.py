"""Finished steps as MLflow runs, where `AUTOML_MLFLOW` names a tracking server or a folder.

Without the variable nothing is imported and nothing is logged.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

import automl

if TYPE_CHECKING:
    from automl_mlflow.log import Log

api_version = 2
extra = "mlflow"
VARIABLE = "AUTOML_MLFLOW"


@automl.hookimpl
def automl_rung_finished(rung: automl.Rung) -> None:
    """Hand a finished step to the log, which writes it in the background."""
    if uri := os.environ.get(VARIABLE):
        _log(uri).put(rung)


@cache
def _log(uri: str) -> Log:
    from automl_mlflow.log import Log

    return Log(uri)
