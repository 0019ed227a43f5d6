"""Every hook on one page.

A plugin is an importable module named in the entry-point group `automl`; it implements any
of these functions under `@automl.hookimpl`. A hook may be called many times and must be
cheap: declare here, import what is heavy where a model is fitted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

from automl.types import Ensembler, Learner, Metric, Rung

if TYPE_CHECKING:
    import pandas as pd

PROJECT = "automl"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def automl_learners() -> Iterable[Learner]:
    """Declare learners. Called once per process, on the driver and on every worker."""
    raise NotImplementedError


@hookspec
def automl_metrics() -> Iterable[Metric]:
    """Declare metrics, chosen with `--metric NAME`. Called once per process."""
    raise NotImplementedError


@hookspec
def automl_ensemblers() -> Iterable[Ensembler]:
    """Declare ways to combine the members of a run. Called once, after the search."""
    raise NotImplementedError


@hookspec(firstresult=True)
def automl_read(source: str) -> pd.DataFrame | None:
    """Read a format or an address that the host does not know; None leaves it to others.

    Called before the built-in readers, with `source` exactly as the user gave it.
    """


@hookspec
def automl_rung_finished(rung: Rung) -> None:
    """Observe a rung that was just written to the journal. Called on the driver."""
