"""Scaling of deep against classical learning: curves, verdicts with intervals, and advice.

`scaling_of` judges a `Study` of `Point`s, from whatever source. The package needs no learner, no
Ray and no torch. docs/scaling.md explains the verdicts.
"""

from automl.scaling.conformal import FACTOR, HORIZON, half_width, scale
from automl.scaling.content import ScalingContent
from automl.scaling.contrast import Contrast, contrasts
from automl.scaling.cost import Cost, cost_of, money, pareto
from automl.scaling.curve import POWER_LAW, CurveFamily, Curves, fit_curves, window
from automl.scaling.document import scaling_document, write_scaling
from automl.scaling.estimate import Estimate, Series
from automl.scaling.from_fit import study_of_run
from automl.scaling.points import (
    Point,
    Study,
    append_points,
    read_study,
    study_from_table,
    write_study,
)
from automl.scaling.presentation import Scaling, read_scaling, scaling_of
from automl.scaling.verdict import Crossover, crossover, decide, decide_rate, holm

__all__ = [
    "FACTOR",
    "HORIZON",
    "POWER_LAW",
    "Contrast",
    "Cost",
    "Crossover",
    "CurveFamily",
    "Curves",
    "Estimate",
    "Point",
    "Scaling",
    "ScalingContent",
    "Series",
    "Study",
    "append_points",
    "contrasts",
    "cost_of",
    "crossover",
    "decide",
    "decide_rate",
    "fit_curves",
    "half_width",
    "holm",
    "money",
    "pareto",
    "read_scaling",
    "read_study",
    "scale",
    "scaling_document",
    "scaling_of",
    "study_from_table",
    "study_of_run",
    "window",
    "write_scaling",
    "write_study",
]
