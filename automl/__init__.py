"""Deep and classical learners on one table, under one budget, compared honestly."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl.api import AutoML
    from automl.errors import (
        ArtifactError,
        AutoMLError,
        BudgetError,
        DataError,
        PluginError,
        UsageError,
    )
    from automl.hooks.estimator import sklearn_learner
    from automl.hooks.spec import hookimpl
    from automl.space import Choice, Float, Int
    from automl.types import (
        Ensembler,
        Learner,
        Limits,
        Metric,
        Model,
        Resources,
        Run,
        Rung,
        Schema,
        TensorBlock,
        View,
    )

__version__ = "0.1.0"

_HOMES = {
    "AutoML": "automl.api",
    "hookimpl": "automl.hooks.spec",
    "sklearn_learner": "automl.hooks.estimator",
    **dict.fromkeys(("Float", "Int", "Choice"), "automl.space"),
    **dict.fromkeys(
        ("AutoMLError", "DataError", "UsageError", "PluginError", "BudgetError", "ArtifactError"),
        "automl.errors",
    ),
    **dict.fromkeys(
        (
            "Ensembler",
            "Learner",
            "Limits",
            "Metric",
            "Model",
            "Resources",
            "Run",
            "Rung",
            "Schema",
            "TensorBlock",
            "View",
        ),
        "automl.types",
    ),
}

__all__ = [
    "ArtifactError",
    "AutoML",
    "AutoMLError",
    "BudgetError",
    "Choice",
    "DataError",
    "Ensembler",
    "Float",
    "Int",
    "Learner",
    "Limits",
    "Metric",
    "Model",
    "PluginError",
    "Resources",
    "Run",
    "Rung",
    "Schema",
    "TensorBlock",
    "UsageError",
    "View",
    "__version__",
    "hookimpl",
    "sklearn_learner",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    msg = f"module 'automl' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
