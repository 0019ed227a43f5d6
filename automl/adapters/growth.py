"""Growing a warm-starting estimator step by step, within the time that is left."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

from automl.adapters.pace import Pace
from automl.adapters.rounds import NO_TIME

if TYPE_CHECKING:
    from automl.types import Array, Run

_FIRST_STEPS = 4
"""Most steps of the first chunk when there is a deadline."""
_FIRST_WORK = 1e7
"""Cells times outputs that the first chunk may touch before anything was timed."""
_LEAST_STEPS = 16
"""Steps of the first chunk, and fewest of any, without a deadline."""
_GROWTH = 1.5
"""Ratio of two neighbouring chunk ends without a deadline: how finely the best step is known."""


def adjust(estimator: Any, **wanted: Any) -> None:
    """Set those of the wanted parameters that the estimator has."""
    known = estimator.get_params(deep=False)
    estimator.set_params(**{key: value for key, value in wanted.items() if key in known})


@contextmanager
def quiet(threads: int) -> Iterator[None]:
    """Hold native thread pools to `threads`; a fit cut short is no news."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with threadpool_limits(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Some of scikit-learn's estimators still have the parameter, and ask to leave it alone.
        warnings.filterwarnings("ignore", "'n_jobs' has no effect", FutureWarning)
        yield


class Monitor:
    """Asks the clock after every step, and the host when there is a prediction."""

    def __init__(self, run: Run, complete: Callable[[Array], Array], total: int) -> None:
        self._run = run
        self._complete = complete
        self._total = total
        self._pace: Pace | None = None
        self._limited = math.isfinite(run.seconds_left())
        self._steps = 0
        self._late = False
        self._began = self._before = perf_counter()
        self._took = 0.0

    def __call__(self, steps: int, prediction: Array | None) -> bool:
        if prediction is not None:
            return self._run.report(steps, self._complete(prediction))
        now, self._steps = perf_counter(), steps
        self._took, self._before = now - self._before, now
        self._late = self._limited and self._run.seconds_left() < NO_TIME * self._took
        return self._late

    def paced(self, steps: int, rate: float, enough: float) -> float:
        """The learning rate for the steps to come, raised where time is short.

        Args:
            steps: Steps so far.
            rate: The configured learning rate.
            enough: Steps times learning rate after which the estimator has usually converged.

        Raises:
            TooLittleTimeError: There is no time to converge.
        """
        if self._pace is None:
            self._pace = Pace(self._run, rate, enough, self._total, self._began)
        return self._pace.plan(steps, self._took) if self._limited else rate

    def close(self) -> None:
        """Tell the host if time ended the steps, or hastened them; called by the adapter.

        Raises:
            TooLittleTimeError: Time ended them at their very beginning.
        """
        if self._pace is not None:
            self._pace.close(self._steps, late=self._late)
        elif self._late and 0 < self._steps < self._total:
            self._run.cut_short(self._steps / self._total)


def first_steps(X: Any, classes: int) -> int:
    """Steps of the first chunk under a deadline, on (n, d) `X` with so many classes."""
    work = X.shape[0] * max(1, X.shape[1]) * max(1, classes if classes > 2 else 1)
    return max(1, min(_FIRST_STEPS, int(_FIRST_WORK / work)))


def chunks(
    estimator: Any, fidelity: str, first: int, run: Run, *, watched: bool = True
) -> Iterator[int]:
    """Ends of the chunks to grow to, up to the configured number of steps.

    Without a deadline they depend on the configuration only, and are one where nobody watches.
    With one, no chunk is begun that is not expected to take at most half of the time that is
    left, or to be the last. An estimator that took fewer steps than it was given (`n_iter_`) has
    converged.
    """
    total = int(estimator.get_params(deep=False)[fidelity])
    limited = math.isfinite(run.seconds_left())
    steps, pace = 0, 0.0
    while steps < total:
        if limited:
            size = _affordable(steps or first, pace, total - steps, run)
        else:
            size = max(_LEAST_STEPS, math.ceil(steps * (_GROWTH - 1))) if watched else total
        size = min(size, total - steps)
        if size < 1:
            run.cut_short(steps / total)
            return
        started = perf_counter()
        steps += size
        yield steps
        pace = (perf_counter() - started) / size
        if _steps_taken(estimator, steps) < steps:
            return


def _affordable(size: int, pace: float, rest: int, run: Run) -> int:
    """`size` or what takes half of the time left, if less; all of the rest if there is time."""
    if not pace:
        return size
    steps = int(run.seconds_left() * 0.9 / pace)
    return rest if rest <= min(steps, size) else min(size, (steps + 1) // 2)


def _steps_taken(estimator: Any, steps: int) -> int:
    import numpy as np

    return int(np.max(getattr(estimator, "n_iter_", steps)))
