"""The learning rate of a booster against the clock."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from automl.errors import TooLittleTimeError

if TYPE_CHECKING:
    from automl.types import Run

HASTE = 2.0
"""Times its configured learning rate that a booster may take for want of time."""
SPARE = 0.95
"""Share of the time left that rounds are planned for."""


class Pace:
    """The configured learning rate, or up to twice that where there is time for few rounds.

    Where that would not do either, the fit is declined.
    """

    def __init__(
        self, run: Run, rate: float, enough: float, total: int, began: float | None = None
    ) -> None:
        """Begin at the configured rate.

        Args:
            run: Knows the time that is left.
            rate: The configured learning rate.
            enough: Rounds times learning rate after which boosting has usually converged.
            total: Rounds that are asked for.
            began: `perf_counter()` when the fit began; now unless given.
        """
        self.rate = rate
        """The learning rate in use."""
        self._run = run
        self._own = rate
        self._enough = enough
        self._total = total
        self._began = perf_counter() if began is None else began
        self._counted = 0
        self._sure = False
        """True once rounds were timed well enough to decline by."""
        self._learned = 0.0
        """Sum of the learning rates of the rounds counted."""

    def plan(self, done: int, seconds: float, *, first: float = 0.0, sure: bool = True) -> float:
        """Settle the learning rate of the rounds to come.

        Args:
            done: Rounds so far.
            seconds: Seconds of a round.
            first: Seconds that go by before the next one.
            sure: Whether to decline a fit that has no time to converge.

        Returns:
            The learning rate.

        Raises:
            TooLittleTimeError: There is no time to converge.
        """
        if done < self._counted:
            self._counted, self._learned = 0, 0.0  # the rounds so far were a trial
        self._learned += self.rate * (done - self._counted)
        self._counted = done
        self._sure |= sure
        seconds = max(seconds, 1e-9)
        affordable = max(0.0, SPARE * self._run.seconds_left() - first) / seconds
        missing = self._enough - self._learned
        wanted = missing / max(affordable, 1.0)
        if affordable >= self._total - done or wanted <= self._own:
            self.rate = self._own  # rounds that were not asked for are no want of time
        elif wanted > HASTE * self._own and sure:
            least = first + seconds * missing / (HASTE * self._own)
            raise TooLittleTimeError(perf_counter() - self._began + least / SPARE)
        else:
            self.rate = min(wanted, HASTE * self._own)
        return self.rate

    def close(self, done: int, *, late: bool) -> None:
        """Tell the host if time ended the rounds, or hastened them.

        Args:
            done: Rounds so far.
            late: Whether it was time that ended them.

        Raises:
            TooLittleTimeError: Time ended them before a round could be timed. How much they need
                is then unknown; twice as long is the next thing to try.
        """
        if late and not self._sure and done * self._own * HASTE < self._enough:
            raise TooLittleTimeError(2 * (perf_counter() - self._began))
        if late and done < self._total:
            usual = min(self._enough / self._own, self._total)
            self._run.cut_short(min(done / usual, 1 - 1 / usual))
        elif self.rate > self._own:
            self._run.cut_short(self._own / self.rate)
