"""The rounds of a booster in the time that is left."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl.types import Array, Run, Task

_PLANNED_AFTER = (1, 4, 16)
"""Rounds after which the rounds to come are forecast anew."""
_SPARE = 0.95
"""Share of the time left that rounds are planned for."""
NO_TIME = 1.5
"""Steps like the last one for which there must be time, or the fit ends."""
_FASTEST = 0.3
"""Learning rate never raised above this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoosterTerms:
    """A library's words for the settings that the adapter minds, and where they start."""

    rounds: str
    """The setting that says how many rounds."""
    defaults: Mapping[str, Any]
    """Settings where a configuration has none: rounds, learning rate and `held_back` at least."""
    enough: Mapping[Task, float]
    """Rounds times learning rate after which this booster has usually converged."""
    rate: str = "learning_rate"
    """The setting that says how much a round counts."""
    held_back: Mapping[str, float]
    """Settings that hold leaves back, and the least of each when the learning rate is raised;
    without that larger steps overfit at once."""

    def paced(self, settings: Mapping[str, Any], task: Task, rounds: float) -> dict[str, Any]:
        """The learning rate, never below the configured one, and `held_back` for so few rounds."""
        own = {name: settings[name] for name in (self.rate, *self.held_back)}
        rate = min(_FASTEST, self.enough[task] / max(rounds, 1.0))
        if rate <= own[self.rate]:
            return own
        held = {name: max(least, own[name]) for name, least in self.held_back.items()}
        return {self.rate: rate, **held}


class BoosterRounds:
    """The rounds of one fit, counted against the clock; an engine trains until they are `over`.

    After every round it calls `tick`; if a prediction of the early-stopping rows is `due`,
    `report`; and if it can change settings on the way, it puts `changes` into effect.
    """

    every = 5
    """Rounds from one report to the next."""

    def __init__(
        self,
        run: Run,
        total: int,
        paced: Callable[[float], dict[str, Any]],
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
        self._paced = paced
        self._report = report
        self._late = False
        self._affordable = math.inf
        """Rounds that there is time for in all, where that made steps larger."""
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
        """Settings for the rounds to come, now and then where there is a deadline; else none."""
        if self.over or not self.limited or self.done not in _PLANNED_AFTER:
            return {}
        pace = sum(self.seconds) / self.done
        return self.plan(self.seconds_left() * _SPARE / max(pace, 1e-9))

    def plan(self, affordable: float) -> dict[str, Any]:
        """Settings for the rounds to come if there is time for so many more."""
        settings = self._paced(min(self.total - self.done, affordable))
        hastened = settings != self._paced(math.inf)
        self._affordable = self.done + affordable if hastened else math.inf
        return settings

    def restart(self) -> None:
        """Begin anew: the rounds so far were a trial, for an engine that cannot change settings."""
        self.seconds.clear()
        self.over = self._late = False
        self._before = perf_counter()

    def close(self) -> None:
        """Tell the host if time ended or hastened the rounds; called by the adapter."""
        if (self._late and self.done < self.total) or self._affordable < self.total:
            self._run.cut_short(self.done / self.total)
