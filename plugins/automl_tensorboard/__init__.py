"""Finished steps for TensorBoard, where `AUTOML_TENSORBOARD` names a folder.

Without the variable nothing is imported and nothing is logged.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

import automl

if TYPE_CHECKING:
    from automl_tensorboard.log import Log

api_version = 2
extra = "tensorboard"
VARIABLE = "AUTOML_TENSORBOARD"


@automl.hookimpl
def automl_rung_finished(rung: automl.Rung) -> None:
    """Write a finished step."""
    if folder := os.environ.get(VARIABLE):
        _log(folder).write(rung)


@cache
def _log(folder: str) -> Log:
    from automl_tensorboard.log import Log

    return Log(folder)
