"""Deep and classical learners on one table, under one budget, compared honestly."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl import scaling
    from automl.adapters.boosting import BoosterEngine, BoosterModel, BoosterProblem
    from automl.adapters.frame import category_levels, coded_matrix
    from automl.adapters.rounds import BoosterRounds, BoosterTerms
    from automl.adapters.sklearn import sklearn_learner
    from automl.api import AutoML
    from automl.errors import (
        ArtifactError,
        AutoMLError,
        BudgetError,
        DataError,
        PluginError,
        TooLittleTimeError,
        UsageError,
    )
    from automl.hooks.spec import hookimpl
    from automl.policy import Policy
    from automl.space import Choice, Dimension, Float, Int, Size, Value
    from automl.types import (
        Array,
        Config,
        Ensembler,
        Factory,
        Family,
        Learner,
        Limits,
        Metric,
        Model,
        Prior,
        Resources,
        Run,
        Rung,
        Schema,
        Task,
        TensorBlock,
        View,
        ViewKind,
    )

__version__ = "0.1.0"

_HOMES = {
    "AutoML": "automl.api",
    "hookimpl": "automl.hooks.spec",
    "Policy": "automl.policy",
    "scaling": "automl.scaling",
    "sklearn_learner": "automl.adapters.sklearn",
    **dict.fromkeys(
        ("BoosterEngine", "BoosterModel", "BoosterProblem"), "automl.adapters.boosting"
    ),
    **dict.fromkeys(("BoosterRounds", "BoosterTerms"), "automl.adapters.rounds"),
    **dict.fromkeys(("category_levels", "coded_matrix"), "automl.adapters.frame"),
    **dict.fromkeys(("Float", "Int", "Choice", "Dimension", "Size", "Value"), "automl.space"),
    **dict.fromkeys(
        (
            "AutoMLError",
            "DataError",
            "UsageError",
            "PluginError",
            "BudgetError",
            "ArtifactError",
            "TooLittleTimeError",
        ),
        "automl.errors",
    ),
    **dict.fromkeys(
        (
            "Array",
            "Config",
            "Ensembler",
            "Factory",
            "Family",
            "Learner",
            "Limits",
            "Metric",
            "Model",
            "Prior",
            "Resources",
            "Run",
            "Rung",
            "Schema",
            "Size",
            "Task",
            "TensorBlock",
            "View",
            "ViewKind",
        ),
        "automl.types",
    ),
}

__all__ = [
    "Array",
    "ArtifactError",
    "AutoML",
    "AutoMLError",
    "BoosterEngine",
    "BoosterModel",
    "BoosterProblem",
    "BoosterRounds",
    "BoosterTerms",
    "BudgetError",
    "Choice",
    "Config",
    "DataError",
    "Dimension",
    "Ensembler",
    "Factory",
    "Family",
    "Float",
    "Int",
    "Learner",
    "Limits",
    "Metric",
    "Model",
    "PluginError",
    "Policy",
    "Prior",
    "Resources",
    "Run",
    "Rung",
    "Schema",
    "Size",
    "Task",
    "TensorBlock",
    "TooLittleTimeError",
    "UsageError",
    "Value",
    "View",
    "ViewKind",
    "__version__",
    "category_levels",
    "coded_matrix",
    "hookimpl",
    "scaling",
    "sklearn_learner",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name in _HOMES:
        home = import_module(_HOMES[name])
        return home if home.__name__ == f"{__name__}.{name}" else getattr(home, name)
    msg = f"module 'automl' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
