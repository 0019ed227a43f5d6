"""A fit from table to model: the one way that data take through the rooms."""

from automl.workflow.fit import fit_run

__all__ = ["fit_run"]
