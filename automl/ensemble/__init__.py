"""Ensembles of a run's models: candidates, weights, and what they predict together."""

from automl.ensemble.combine import ensemble
from automl.ensemble.pool import candidates, sample

__all__ = ["candidates", "ensemble", "sample"]
