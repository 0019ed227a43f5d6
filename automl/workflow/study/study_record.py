"""The points of a study under way: judged from at the end, written down meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from automl.runs.info import StudyInfo
from automl.scaling import write_study
from automl.text import listed
from automl.workflow.study.forecast import plan_lines
from automl.workflow.study.outcome import kept_from_top
from automl.workflow.study.points import points_of

if TYPE_CHECKING:
    from automl.rows.axes.base import Axis
    from automl.scaling.points import Study
    from automl.schedule.study import StudyScheduler
    from automl.workflow.state import Fit
    from automl.workflow.study.points import Scorer

WRITE_EVERY = 60.0
"""Seconds between two writings of the points."""


@dataclass(slots=True)
class StudyRecord:
    """A study as far as it has come."""

    fit: Fit
    axis: Axis
    scheduler: StudyScheduler
    scorer: Scorer
    blank: Study
    """The study without points."""
    told: bool
    """True if the plan has been told again after the first level."""
    raced: bool = False
    """True if it has been told who goes no further than the first repeat."""
    written: float = field(default_factory=time.monotonic)

    def study(self, *, terms: bool = True) -> Study:
        """All points so far.

        Args:
            terms: Whether the points get their per-row terms.
        """
        return replace(
            self.blank,
            points=points_of(self.scheduler, self.axis, self.scorer, terms=terms),
            not_reached=kept_from_top(self.scheduler, self.axis, self.fit.options.repeats),
            eliminated=self.scheduler.eliminated,
            seconds_per_row=(self.fit.info.study or StudyInfo()).seconds_per_row,
        )

    def tick(self) -> None:
        """Tell the plan again once it is measured, and who is left out; now and then write."""
        if not self.told and self._calibrated():
            self.told = True
            lines = plan_lines(self.scheduler, self.axis, self.fit, measured=True)
            for line in lines:
                self.fit.observer.say(line)
        if not self.raced and (left := self.scheduler.eliminated):
            self.raced = True
            self.fit.observer.say(f"after the first repeat validation leaves out {listed(left)}")
        now = time.monotonic()
        if now - self.written > WRITE_EVERY:
            self.written = now
            write_study(self.fit.run, self.study(terms=False))

    def _calibrated(self) -> bool:
        """Return whether every learner has been tried at the lowest level."""
        learners = [
            one for one in self.scheduler.learners.values() if one.cap >= 0 and not one.dead
        ]
        return bool(learners) and all(one.finished for one in learners)
