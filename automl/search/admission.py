"""Which learners a time limit pays for.

A net that gets a hundredth of the time it needs is no fair representative of its kind, and
what it was given is lost to the others. So the dearest learners stay out of a short run, and
the leaderboard says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.types import Learner

ROW_SECONDS = 50e-6
"""Seconds of one CPU that a fit of cost 1 takes a row, whatever the columns."""
CELL_SECONDS = 0.25e-6
"""The same for every column of a row."""
ON_GPU = 0.1
"""Time of a fit on a GPU relative to a CPU."""
LEFT_OUT = 0.25
"""Largest part of the learners that may be left out: a comparison needs company."""


def needs(
    lanes: Sequence[tuple[Learner, float]], rows: int, columns: int, *, gpu: bool = False
) -> dict[str, float]:
    """Seconds of one CPU that each learner wants for one good fit of all rows.

    A rough forecast from declared costs, for the choice of learners only.

    Args:
        lanes: Learners, each with its declared cost.
        rows: Training rows at the top of the ladder.
        columns: Feature columns.
        gpu: Whether those that can use a GPU have one.
    """
    unit = rows * (ROW_SECONDS + CELL_SECONDS * columns)
    return {
        learner.name: cost * unit * (ON_GPU if gpu and learner.family == "deep" else 1.0)
        for learner, cost in lanes
    }


def unaffordable(
    lanes: Sequence[tuple[Learner, float]], wanted: dict[str, float], core_seconds: float
) -> list[str]:
    """The learners to leave out, dearest first.

    Learners are let in from the cheapest on, until what they want is more than there is; the
    cheapest of each family always is, and so are three quarters of all.

    Args:
        lanes: Learners, each with its declared cost.
        wanted: Seconds that each wants, from `needs`.
        core_seconds: Seconds of all CPUs together for one good fit of each.
    """
    order = sorted(lanes, key=lambda lane: (wanted[lane[0].name], lane[0].name))
    firsts = {learner.family: learner.name for learner, _ in reversed(order)}
    spent, dear = 0.0, []
    for learner, _ in order:
        spent += wanted[learner.name]
        if spent > core_seconds and learner.name not in firsts.values():
            dear.append(learner.name)
    return dear[::-1][: int(LEFT_OUT * len(order))]
