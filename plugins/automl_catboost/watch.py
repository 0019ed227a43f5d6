"""Between CatBoost and the host: the clock after every round, predictions now and then."""

from __future__ import annotations

import math
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import automl


class Watch:
    """A metric that takes what CatBoost predicts for the stop rows, and a callback that reports it.

    CatBoost has no other way to hand over the predictions that it keeps up to date. The metric is
    also asked for the training rows; stop rows are told by their weight.
    """

    MARK = 2.0
    """Weight of every stop row; training rows have none."""

    def __init__(self, run: automl.Run, shaped: Callable[[Any], Any], rounds: int) -> None:
        self._run = run
        self._rounds = rounds
        self._shaped = shaped
        self._limited = math.isfinite(run.seconds_left())
        self._margins: Any = None
        self._times: list[float] = [perf_counter()]

    def __deepcopy__(self, memo: Any) -> Watch:
        """Itself: CatBoost works on a copy of its settings, and the host waits here."""
        return self

    @property
    def first(self) -> float:
        """When the first round was over."""
        return self._times[min(1, len(self._times) - 1)]

    @property
    def pace(self) -> float:
        """Seconds a round, the first one with its preparations left out if there are others."""
        times = self._times[1:] if len(self._times) > 2 else self._times
        return max((times[-1] - times[0]) / max(len(times) - 1, 1), 1e-6)

    def evaluate(self, approxes: Any, _target: Any, weight: Any) -> tuple[float, float]:
        """CatBoost's call for a metric; there is none to give."""
        if weight is not None and len(weight) and weight[0] == self.MARK:
            self._margins = np.array([np.asarray(values) for values in approxes])
        return 0.0, 1.0

    @staticmethod
    def is_max_optimal() -> bool:
        """Asked by CatBoost; nothing depends on it."""
        return False

    @staticmethod
    def get_final_error(error: float, _weight: float) -> float:
        """Asked by CatBoost; nothing depends on it."""
        return error

    def after_iteration(self, info: Any) -> bool:
        """CatBoost's call after every round; False ends the fit."""
        self._times.append(perf_counter())
        took = self._times[-1] - self._times[-2]
        over = self._limited and self._run.seconds_left() < 1.5 * took
        if over and info.iteration < self._rounds:
            self._run.cut_short(info.iteration / self._rounds)
        if self._margins is not None:
            over |= self._run.report(info.iteration - 1, self._shaped(self._margins))
            self._margins = None
        return not over
