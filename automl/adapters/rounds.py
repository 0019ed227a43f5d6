"""The rounds of a booster in the time that is left."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from automl.errors import TooLittleTimeError

if TYPE_CHECKING:
    from automl.types import Array, Run, Task

_PLANNED_AFTER = (1, 4, 16)
"""Rounds after which the rounds to come are forecast anew; the first also has preparation in its
time, so that it tells too little to decline by."""
_SPARE = 0.95
"""Share of the time left that rounds are planned for."""
NO_TIME = 1.5
"""Steps like the last one for which there must be time, or the fit ends."""
HASTE = 2.0
"""Times its configured learning rate that a booster may take for want of time."""


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


def hastened(rate: float, enough: float, rounds: float) -> float | None:
    """The learning rate that converges in so many rounds: the configured one, or up to twice that.

    Args:
        rate: The configured learning rate.
        enough: Rounds times learning rate after which boosting has usually converged.
        rounds: Rounds that there is time for.

    Returns:
        The learning rate; None where twice the configured one would not do.
    """
    wanted = enough / max(rounds, 1.0)
    return None if wanted > HASTE * rate else max(rate, wanted)


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
        self._rate = self._used = float(settings[terms.rate])
        self._learned = 0.0
        """Sum of the learning rates of the rounds so far."""
        self._enough = terms.enough[task]
        self._report = report
        self._late = False
        self._hastened = False
        self._began = self._before = perf_counter()

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
        self._learned += self._used
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
        timed = self.seconds[1:] or self.seconds
        pace = max(sum(timed) / len(timed), 1e-9)
        return self.plan(self.seconds_left() * _SPARE / pace, pace, sure=self.done > 1)

    def plan(self, affordable: float, pace: float, *, sure: bool = True) -> dict[str, Any]:
        """Settings for the rounds to come.

        Args:
            affordable: Rounds that there is time for.
            pace: Seconds of one.
            sure: Whether to decline a fit without the time to converge.

        Raises:
            TooLittleTimeError: There is no time to converge.
        """
        missing = self._enough - self._learned
        rounds = min(self.total - self.done, affordable)
        rate = hastened(self._rate, missing, rounds)
        if rate is None and affordable < self.total - self.done:
            if sure:
                least = missing / (HASTE * self._rate)
                raise TooLittleTimeError(perf_counter() - self._began + least * pace)
            rate = HASTE * self._rate
        self._hastened = rate is not None and rate > self._rate and affordable < self.total
        self._used = rate if rate is not None and self._hastened else self._rate
        return {self._name: self._used}

    def restart(self) -> None:
        """Begin anew: the rounds so far were a trial, for an engine that cannot change settings."""
        self.seconds.clear()
        self._learned = 0.0
        self.over = self._late = False
        self._before = perf_counter()

    def close(self) -> None:
        """Tell the host if time ended or hastened the rounds; called by the adapter."""
        if self._late and self.done < self.total:
            usual = min(self._enough / self._rate, self.total)
            self._run.cut_short(min(self.done / usual, 1 - 1 / usual))
        elif self._hastened:
            self._run.cut_short(self._rate / self._used)
