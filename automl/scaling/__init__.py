"""Does deep learning scale better here? Curves, verdicts with intervals, and advice.

A `Study` of `Point`s goes in, whoever trained what they speak of; `scaling_of` judges it. The
room needs no learner, no Ray and no torch. docs/scaling.md says how to read what comes out.
"""

from automl.scaling.conformal import FACTORS, half_width, scale
from automl.scaling.contrast import Contrast, contrasts
from automl.scaling.cost import Cost, cost_of, money, pareto
from automl.scaling.curve import KINDS, Curves, fit_curves, window
from automl.scaling.document import (
    best_first,
    compared_at,
    furthest_first,
    scaling_document,
    write_scaling,
)
from automl.scaling.estimate import Estimate, Series
from automl.scaling.ladder import study_of_run
from automl.scaling.points import (
    Point,
    Study,
    append_points,
    read_study,
    study_from_table,
    write_study,
)
from automl.scaling.verdict import Crossover, crossover, decide, decide_rate, holm
from automl.scaling.view import Scaling, read_scaling, scaling_of

__all__ = [
    "FACTORS",
    "KINDS",
    "Contrast",
    "Cost",
    "Crossover",
    "Curves",
    "Estimate",
    "Point",
    "Scaling",
    "Series",
    "Study",
    "append_points",
    "best_first",
    "compared_at",
    "contrasts",
    "cost_of",
    "crossover",
    "decide",
    "decide_rate",
    "fit_curves",
    "furthest_first",
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
