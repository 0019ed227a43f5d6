"""Imports that every worker needs, made as soon as its process starts."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from automl.hooks.manager import get_host
from automl.workers.daemons import listen_again
from automl.workers.paths import follow_driver

USUAL = ("numpy", "pandas", "threadpoolctl", "sklearn.base")
"""Modules that most fits need, whatever the learner."""


def preload() -> None:
    """Import them while the driver still reads the table."""
    listen_again()
    follow_driver()
    get_host()
    for name in USUAL:
        if find_spec(name.partition(".")[0]) is not None:
            import_module(name)
