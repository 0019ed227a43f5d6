"""What plugins with boosters share: frames as numbers, classes, rounds in the time that is left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl.types import Array, Run

_PLANNED_AFTER = (1, 4, 16)
"""Rounds after which the rounds to come are forecast anew."""
_SPARE = 0.95
"""Share of the time left that rounds are planned for."""
_FASTEST = 0.3
"""Learning rate never raised above this."""


class RoundClock:
    """Counts the rounds of a booster against the time left; make it right before the first one."""

    def __init__(self, run: Run, rounds: int) -> None:
        self.done = 0
        self.hastened = False
        """Whether the rounds to come learn faster than configured, for want of time."""
        self._run = run
        self._rounds = rounds
        self._limited = math.isfinite(run.seconds_left())
        self._started = self._before = perf_counter()
        self._took = 0.0
        self._late = False
        self._affordable = math.inf
        """Rounds that there is time for in all."""

    def tick(self) -> bool:
        """Count a round; True if it was the last, by number or because time is over."""
        self.done += 1
        now = perf_counter()
        self._took, self._before = now - self._before, now
        self._late = self._limited and self._run.seconds_left() < 1.5 * self._took
        return self._late or self.done >= self._rounds

    def close(self) -> None:
        """Tell the host if time ended or hastened the rounds; to be called after the last one."""
        late = self._late and self.done < self._rounds
        if late or (self.hastened and self._affordable < self._rounds):
            self._run.cut_short(self.done / self._rounds)

    def forecast(self) -> float | None:
        """Rounds to come, told after rounds 1, 4 and 16 where there is a deadline; else None."""
        if not self._limited or self.done not in _PLANNED_AFTER:
            return None
        whole = (self._before - self._started) / self.done
        pace = self._took if self.done == 1 else whole
        affordable = self._run.seconds_left() * _SPARE / max(pace, 1e-9)
        self._affordable = self.done + affordable
        return max(1.0, min(self._rounds - self.done, affordable))


def hastened(rate: float, rounds: float, enough: float) -> float:
    """The learning rate that so few rounds call for, never below the configured one.

    Args:
        rate: The configured learning rate.
        rounds: Rounds that there is time for.
        enough: Rounds times learning rate after which this booster has usually converged.
    """
    return max(rate, min(_FASTEST, enough / max(rounds, 1.0)))


def category_levels(frame: Any) -> list[int]:
    """Levels of each column of a `frame` view; 0 for numbers."""
    return [len(t.categories) if hasattr(t, "categories") else 0 for t in frame.dtypes]


def coded_matrix(frame: Any, levels: Sequence[int]) -> Array:
    """A `frame` view as (n, d) float32: numbers, and codes of categories.

    Args:
        frame: The rows.
        levels: `category_levels` of the training rows; missing and later levels become NaN.
    """
    import numpy as np

    if not any(levels):
        return np.asarray(frame.to_numpy(np.float32))
    out = np.empty(frame.shape, np.float32)
    numeric = [i for i, count in enumerate(levels) if not count]
    out[:, numeric] = frame.iloc[:, numeric].to_numpy(np.float32)
    for i, count in enumerate(levels):
        if count:
            codes = frame.iloc[:, i].cat.codes.to_numpy()
            out[:, i] = np.where((codes < 0) | (codes >= count), np.nan, codes)
    return out


def spread_classes(some: Array, seen: Sequence[int], n_classes: int) -> Array:
    """Probabilities of the classes seen, (n, len(seen)), as (n, n_classes): 0 for all others."""
    import numpy as np

    if len(seen) == n_classes:
        return some
    every = np.zeros((len(some), n_classes), some.dtype)
    every[:, list(seen)] = some
    return every
