"""The learners that could lead: validation alone says which of them are tested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from automl.rows.repeats import ENOUGH
from automl.scaling.picks import learner_curves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.scaling.contrast import Contrast
    from automl.scaling.points import Study


def could_lead(study: Study, found: Sequence[Contrast]) -> frozenset[str]:
    """The deep learners that validation puts first at the last anchor of the families.

    There are `study.tested` of them, or fewer where fewer came to it in enough repeats. Test rows
    have no say, so the choice costs no test its level.

    Args:
        study: Points of one regime.
        found: Its contrasts.
    """
    named = frozenset(one.deep for one in found if one.kind == "learner")
    family = next((one for one in found if one.kind == "family"), None)
    if family is None or len(named) <= study.tested:
        return named
    last = float(family.gap.n[-1])
    losses = {name: own for name, own in _seen(study, last).items() if name in named}
    best: dict[int, float] = {}
    for own in losses.values():
        best |= {repeat: min(loss, best.get(repeat, loss)) for repeat, loss in own.items()}
    behind = {
        name: float(np.mean([loss - best[repeat] for repeat, loss in own.items()]))
        for name, own in losses.items()
        if len(own) >= min(ENOUGH, family.gap.repeats)
    }
    known = [name for name in sorted(behind) if not np.isnan(behind[name])]
    if not known:
        return named  # of results without validation scores
    return frozenset(sorted(known, key=lambda name: behind[name])[: study.tested])


def _seen(study: Study, n: float) -> dict[str, dict[int, float]]:
    """Learner -> repeat -> its best loss on validation rows at an anchor."""
    found: dict[str, dict[int, float]] = {}
    for name, curve in learner_curves(study).items():
        for cell, one in curve.items():
            if cell.n == n:
                seen = [point.score_val[part] for part, point in enumerate(one.points)]
                found.setdefault(name, {})[cell.repeat] = study.sign * float(np.mean(seen))
    return found
