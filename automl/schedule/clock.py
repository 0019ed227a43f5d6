"""The clock of a search at one moment: seconds left, seconds of fits, and the limits of a job."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl.schedule.base import Job, Plan, Worker
from automl.schedule.time_model import OVERHEAD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automl.rows.ladder import Ladder
    from automl.schedule.learner_state import LearnerState
    from automl.schedule.time_model import ImportTimes
    from automl.types import Cell, Trial

LAST = 0.3
"""Seconds before the end of the search by which a fit should be over and sent back: six times
`OVERHEAD`, which is measured; how many times was chosen by hand."""
GRACE = 15.0
"""Seconds beyond four times its soft_limit after which a fit counts as hung: both chosen by hand,
not measured."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds as they stand; without a limit, declared costs stand in for them."""

    plan: Plan
    ladder: Ladder
    import_times: ImportTimes
    now: float
    worker: Worker

    @property
    def left(self) -> float:
        """Seconds until the search is over."""
        return math.inf if self.plan.seconds is None else self.plan.seconds - self.now

    def imports(self, state: LearnerState) -> float:
        """Seconds of the imports that the learner still needs in this worker."""
        if self.plan.seconds is None:
            return 0.0
        return self.import_times.seconds(set(state.learner.libraries) - self.worker.libraries)

    def fit_seconds(self, state: LearnerState, cell: Cell) -> float:
        """Seconds of a fit in a cell, or its declared cost."""
        if self.plan.seconds is None:
            return state.cost * self.ladder.share(cell)
        return OVERHEAD + state.seconds(self.ladder.rows(cell), self.plan.row_seconds)

    def wall(self, state: LearnerState, cells: Iterable[Cell]) -> float:
        """Seconds until fits in some cells will probably be over: folds run side by side.

        A forecast from few rows may err by the policy's margin, one from as many by its root; a
        learner that keeps to the time it is given needs none.
        """
        if self.plan.seconds is None:
            return 0.0
        margin, seconds = self.plan.policy.margin, self.imports(state) + LAST
        for cell in cells:
            factor = math.sqrt(margin) if state.timed(self.ladder.rows(cell)) else margin
            factor = 1.0 if state.learner.fidelity else factor
            slots = 1 if cell.fold == 0 else self.plan.slots
            seconds += factor * self.fit_seconds(state, cell) / slots
        return seconds

    def job(self, state: LearnerState, trial: Trial, cell: Cell, share: float = math.inf) -> Job:
        """The job with its limits.

        Args:
            state: The learner.
            trial: The configuration.
            cell: The place of the fit.
            share: Seconds that are set aside for it; time to converge unless given.
        """
        if self.plan.seconds is None:
            return Job(trial, cell)
        policy, expected = self.plan.policy, self.fit_seconds(state, cell)
        ample = max(policy.longest * self.left, policy.margin * expected)
        fit_share = 1 - state.predict_seconds / expected
        usable = fit_share * (self.left - LAST - self.imports(state))
        soft_limit = max(LAST, min(ample, share, usable))
        hard_limit = 4 * max(soft_limit, expected) + GRACE
        return Job(trial, cell, soft_limit, hard_limit, self.left, fit_share)
