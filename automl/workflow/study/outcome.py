"""Status of every learner of a study, and the reason where its curve is incomplete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl.rows.repeats import ENOUGH
from automl.units import format_duration

if TYPE_CHECKING:
    from automl.rows.axes.base import Axis
    from automl.schedule.study import StudyScheduler
    from automl.schedule.study_state import StudyLearner
    from automl.types import Status


def outcomes(
    scheduler: StudyScheduler, axis: Axis, repeats: int, *, interrupted: bool = False
) -> dict[str, tuple[Status, str]]:
    """Learner -> status and what there is to say about it; no reason where all went as asked.

    Args:
        scheduler: When the study is over.
        axis: Of the study.
        repeats: That were asked for.
        interrupted: Whether the user ended it.
    """
    return {
        name: _Account(state, axis, repeats, interrupted).outcome()
        for name, state in scheduler.learners.items()
    }


def kept_from_top(scheduler: StudyScheduler, axis: Axis, repeats: int) -> tuple[str, ...]:
    """Learners that time kept from the last anchor that they are made for, by name."""
    accounts = {
        name: _Account(state, axis, repeats, False) for name, state in scheduler.learners.items()
    }
    return tuple(sorted(name for name, account in accounts.items() if account.late))


@dataclass(frozen=True, slots=True)
class _Account:
    """One learner, when the study is over."""

    state: StudyLearner
    axis: Axis
    repeats: int
    interrupted: bool

    def outcome(self) -> tuple[Status, str]:
        """Its status, and what there is to say."""
        state = self.state
        counts, reached = self._counts, self._reached
        if not any(counts):
            if state.failure:
                return "failed", state.failure
            return "not_reached", self._cause(0)
        if reached < 0:
            return "ok", f"{max(counts)} of {self.repeats} repeats: {self._cause(0)}"
        told = (self._short(reached, counts[reached]), self._untuned(counts[reached], reached))
        return "ok", "; ".join(part for part in told if part)

    @property
    def late(self) -> bool:
        """True if time, and no fault of its own, keeps it from the last level it is made for."""
        state, reached = self.state, self._reached
        faults = [at for (_, at, _), rung in state.finished.items() if rung.status == "failed"]
        return reached < state.top and max(faults, default=-1) <= reached

    @property
    def _counts(self) -> list[int]:
        """Repeats in which it has each level."""
        finished = self.state.finished.items()
        done = {(at, r) for (_, at, r), rung in finished if rung.status == "ok"}
        return [sum(at == level for at, _ in done) for level in range(len(self.axis.levels))]

    @property
    def _reached(self) -> int:
        """The last level that it has in enough repeats; -1 for none."""
        wanted = min(ENOUGH, self.repeats) if self.state.chance else 1
        return max((at for at, n in enumerate(self._counts) if n >= wanted), default=-1)

    def _short(self, reached: int, count: int) -> str:
        """Reason why its curve ends below the top or lacks repeats; empty if it does not."""
        state, axis = self.state, self.axis
        repeats = f"{count} of {self.repeats} repeats"
        if reached < state.top:
            return f"stopped at {axis.label(reached)} ({repeats}): {self._cause(reached + 1)}"
        if state.top < len(axis.levels) - 1:
            return f"stopped at {axis.label(reached)}: it is made for no more rows"
        if not state.chance:
            return f"{repeats}: validation put others first in the first"
        return "" if count == self.repeats else f"{repeats}: {self._cause(reached)}"

    def _cause(self, least: int) -> str:
        """Why there are no more fits of it at a level or above."""
        state = self.state
        for (number, level, _), rung in sorted(state.finished.items()):
            first = number == 0 or "default" not in state.regimes
            if first and level >= least and rung.status != "ok":
                return rung.reason
        if self.interrupted:
            return "the study was interrupted"
        level = max(least, state.top) if state.finished else least
        seconds = format_duration(state.expected(level))
        return f"the time ended; {self.axis.label(level)} would take about {seconds} a fit"

    def _untuned(self, repeats: int, reached: int) -> str:
        """In how many repeats it was tuned, or how often, where that is less than asked."""
        state = self.state
        if "retuned" in state.regimes:
            cells = [(r, at) for r in range(repeats) for at in range(reached + 1)]
            every = [state.tuning(*cell) for cell in cells]
            least = min(len(t.numbers) if t.sampler.exhausted else t.judged for t in every)
            some = least < state.trials and not all(t.sampler.exhausted for t in every)
            return f"{least} of {state.trials} configurations at some anchors" if some else ""
        if not state.chance or not {"default", "transferred"} <= set(state.regimes):
            return ""
        tuned = sum(state.chosen(repeat) is not None for repeat in range(repeats))
        if tuned == repeats:
            return ""
        return f"tuned in {tuned} of {repeats} repeats" if tuned else "not tuned: the time ended"
