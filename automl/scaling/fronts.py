"""Who is best for what it takes: learners that none beats at both score and cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from automl.scaling.contrast import learner_curves
from automl.scaling.cost import money, pareto

if TYPE_CHECKING:
    from automl.scaling.contrast import Pick
    from automl.scaling.points import Study


def fronts(study: Study, price_per_hour: float | None = None) -> dict[str, list[str]]:
    """Learners on the Pareto front of the score against each cost, cheapest first.

    Every learner stands for itself at the largest anchor that any reached; costs are means over
    the repeats. Energy is not among them, for it is not measured.

    Args:
        study: Points of one regime.
        price_per_hour: Of the machine; adds `money`, of training.

    Returns:
        `fit_seconds`, `predict_seconds`, `size_bytes` (and `money`) -> names.
    """
    curves = learner_curves(study)
    last = max((cell.n for curve in curves.values() for cell in curve), default=math.nan)
    found = {
        name: picks
        for name, curve in curves.items()
        if (picks := [pick for cell, pick in curve.items() if cell.n == last])
    }
    names = list(found)
    loss = [float(np.mean([study.loss(p.score) for p in found[name]])) for name in names]
    costs = {
        "fit_seconds": [float(np.mean([p.fit_seconds for p in found[n]])) for n in names],
        "predict_seconds": [float(np.mean([p.predict_seconds for p in found[n]])) for n in names],
        "size_bytes": [float(np.mean([_bytes(p) for p in found[n]])) for n in names],
    }
    if price_per_hour is not None:
        costs["money"] = [money(seconds, price_per_hour) for seconds in costs["fit_seconds"]]
    return {kind: [names[i] for i in pareto(cost, loss)] for kind, cost in costs.items()}


def _bytes(pick: Pick) -> float:
    sizes = [math.nan if point.size_bytes is None else point.size_bytes for point in pick.points]
    return float(np.mean(sizes))
