"""A fit from table to model: the one way that data take through the rooms."""

from automl.workflow.fit import fit_run
from automl.workflow.options import FitOptions

__all__ = ["FitOptions", "fit_run"]
