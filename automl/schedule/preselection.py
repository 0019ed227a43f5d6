"""Which learners a time limit pays for.

A net that gets a hundredth of the time it needs is no fair representative of its kind, and
what it was given is lost to the others. So the most expensive learners stay out of a short run, and
the leaderboard says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.types import Family, Resources

ROW_SECONDS = 50e-6
"""Seconds of one CPU that a fit of cost 1 takes a row, whatever the columns."""
CELL_SECONDS = 0.25e-6
"""Seconds of one CPU that a fit of cost 1 takes more for every column of a row."""
ON_GPU = 0.1
"""Time of a fit on a GPU relative to a CPU."""
LEFT_OUT = 0.25
"""Largest part of the learners that may be left out: a comparison needs company."""


def needs(
    demands: Mapping[str, Resources], rows: int, columns: int, *, gpu: bool = False
) -> dict[str, float]:
    """Seconds of one CPU that each learner wants for one good fit of all rows.

    A rough forecast from declared costs, for the choice of learners only.

    Args:
        demands: Learner -> what a fit of it takes, as declared.
        rows: Training rows at the top of the ladder.
        columns: Feature columns.
        gpu: Whether those that can use a GPU have one.
    """
    unit = rows * (ROW_SECONDS + CELL_SECONDS * columns)
    return {
        name: resources.cost * unit * (ON_GPU if gpu and resources.gpus else 1.0)
        for name, resources in demands.items()
    }


def unaffordable(
    families: Mapping[str, Family], wanted: Mapping[str, float], core_seconds: float
) -> list[str]:
    """The learners to leave out, the most expensive first.

    Learners are let in from the cheapest on, until what they want is more than there is; the
    cheapest of each family always is, and so are three quarters of all.

    Args:
        families: Learner -> its family.
        wanted: Seconds that each wants, from `needs`.
        core_seconds: Seconds of all CPUs together for one good fit of each.
    """
    order = sorted(families, key=lambda name: (wanted[name], name))
    firsts = {families[name]: name for name in reversed(order)}
    spent, expensive = 0.0, []
    for name in order:
        spent += wanted[name]
        if spent > core_seconds and name not in firsts.values():
            expensive.append(name)
    return expensive[::-1][: int(LEFT_OUT * len(order))]
