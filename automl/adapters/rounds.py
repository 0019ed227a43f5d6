"""The rounds of a booster in the time that is left."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from automl.adapters.pace import Pace

if TYPE_CHECKING:
    from automl.types import Array, Run, Task

_PLANNED_AFTER = (1, 4, 16)
"""Rounds after which the rounds to come are forecast anew; the first also has preparation in its
time, so that it tells too little to decline by."""
NO_TIME = 1.5
"""Steps like the last one for which there must be time, or the fit ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoosterTerms:
    """A library's words for the settings that the adapter minds, and where they start."""

    rounds: str
    """The setting that says how many rounds."""
    defaults: Mapping[str, Any]
    """Settings where a configuration has none: rounds and learning rate at least."""
    enough: Mapping[Task, float]
    """Rounds times learning rate after which this booster has usually converged."""
    rate: str = "learning_rate"
    """The setting that says how much a round counts."""


class BoosterRounds:
    """The rounds of one fit, counted against the clock; an engine trains until they are `over`.

    After every round it calls `tick`; if a prediction of the early-stopping rows is `due`,
    `report`; and if it can change settings on the way, it puts `changes` into effect. Where there
    is no time to converge, even at twice the learning rate, the fit is declined.
    """

    every = 5
    """Rounds from one report to the next."""

    def __init__(
        self,
        run: Run,
        total: int,
        terms: BoosterTerms,
        settings: Mapping[str, Any],
        task: Task,
        report: Callable[[int, Array], bool] | None,
    ) -> None:
        self.total = total
        """Rounds that are asked for."""
        self.over = False
        self.seconds: list[float] = []
        """Seconds of each round; of the first, preparation included."""
        self.limited = math.isfinite(run.seconds_left())
        """True if there is a deadline."""
        self._run = run
        self._name = terms.rate
        self._pace = Pace(run, float(settings[terms.rate]), terms.enough[task], total)
        self._report = report
        self._late = False
        self._before = perf_counter()

    @property
    def done(self) -> int:
        """Rounds so far."""
        return len(self.seconds)

    @property
    def due(self) -> bool:
        """True if the host waits for a prediction of the early-stopping rows."""
        return self._report is not None and (self.over or self.done % self.every == 0)

    def tick(self, *, last: bool = False) -> None:
        """Count a round; it is the last if the engine says so, by number, or for want of time."""
        now = perf_counter()
        self.seconds.append(now - self._before)
        self._before = now
        self._late = self.limited and self.seconds_left() < NO_TIME * self.seconds[-1]
        self.over = last or self._late or self.done >= self.total

    def report(self, trees: int, prediction: Array) -> None:
        """Hand over the prediction of the early-stopping rows after so many rounds that have trees.

        Args:
            trees: Not more than `done`: fewer where a round found nothing to split.
            prediction: As `BoosterEngine.predict` gives it.
        """
        if self._report is not None and self._report(max(trees - 1, 0), prediction):
            self.over = True

    def seconds_left(self) -> float:
        """Seconds until the fit must be over; `inf` without a deadline."""
        return self._run.seconds_left()

    def changes(self) -> dict[str, Any]:
        """Settings for the rounds to come, now and then where there is a deadline; else none.

        Raises:
            TooLittleTimeError: There is no time to converge.
        """
        if self.over or not self.limited or self.done not in _PLANNED_AFTER:
            return {}
        return self.plan(sure=self.done > 1)

    def plan(self, *, sure: bool = True) -> dict[str, Any]:
        """Settings for the rounds to come, from the time that those so far took.

        Args:
            sure: Whether to decline a fit without the time to converge.

        Raises:
            TooLittleTimeError: There is no time to converge.
        """
        return {self._name: self._pace.plan(self.done, self._usual_seconds, sure=sure)}

    def restart(self) -> dict[str, Any]:
        """Begin anew: the rounds so far were a trial, for an engine that cannot change settings.

        Returns:
            Settings for all rounds, of which the first is to take as long as it just did.

        Raises:
            TooLittleTimeError: There is no time to converge.
        """
        first, usual = self.seconds[0], self._usual_seconds
        self.seconds.clear()
        self.over = self._late = False
        self._before = perf_counter()
        return {self._name: self._pace.plan(0, usual, first=first)}

    def close(self) -> None:
        """Tell the host if time ended or hastened the rounds; called by the adapter.

        Raises:
            TooLittleTimeError: Time ended them at their very beginning.
        """
        self._pace.close(self.done, late=self._late)

    @property
    def _usual_seconds(self) -> float:
        """Seconds of a round, without the preparation that the first has in its time."""
        timed = self.seconds[1:] or self.seconds
        return sum(timed) / len(timed)
