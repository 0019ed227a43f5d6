"""What became of every learner of a study, and what it could not afford."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl.scaling.picks import ENOUGH
from automl.units import format_duration

if TYPE_CHECKING:
    from automl.types import Status
    from automl.workflow.study.axes import Axis
    from automl.workflow.study.dealer import StudyDealer
    from automl.workflow.study.lane import Lane


def outcomes(
    dealer: StudyDealer, axis: Axis, repeats: int, *, interrupted: bool = False
) -> dict[str, tuple[Status, str]]:
    """Learner -> status and what there is to say about it; no reason where all went as asked.

    Args:
        dealer: When the study is over.
        axis: Of the study.
        repeats: That were asked for.
        interrupted: Whether the user ended it.
    """
    return {
        name: _Account(lane, axis, repeats, interrupted).outcome()
        for name, lane in dealer.lanes.items()
    }


@dataclass(frozen=True, slots=True)
class _Account:
    """One learner, when the study is over."""

    lane: Lane
    axis: Axis
    repeats: int
    interrupted: bool

    def outcome(self) -> tuple[Status, str]:
        """Its status, and what there is to say."""
        lane, axis = self.lane, self.axis
        done = {(at, r) for (_, at, r), rung in lane.finished.items() if rung.status == "ok"}
        if not done:
            if lane.failure:
                return "failed", lane.failure
            return "not_reached", self._cause(0)
        counts = [sum(at == level for at, _ in done) for level in range(len(axis.levels))]
        wanted = min(ENOUGH, self.repeats)
        reached = max((at for at, count in enumerate(counts) if count >= wanted), default=-1)
        if reached < 0:
            return "ok", f"{max(counts)} of {self.repeats} repeats: {self._cause(0)}"
        told = (self._short(reached, counts[reached]), self._untuned(counts[reached], reached))
        return "ok", "; ".join(part for part in told if part)

    def _short(self, reached: int, count: int) -> str:
        """What keeps its curve from the top, or from all repeats; empty if nothing does."""
        lane, axis = self.lane, self.axis
        repeats = f"{count} of {self.repeats} repeats"
        if reached < lane.top:
            return f"stopped at {axis.label(reached)} ({repeats}): {self._cause(reached + 1)}"
        if lane.top < len(axis.levels) - 1:
            return f"stopped at {axis.label(reached)}: it is made for no more rows"
        return "" if count == self.repeats else f"{repeats}: {self._cause(reached)}"

    def _cause(self, least: int) -> str:
        """Why there are no more fits of it at a level or above."""
        lane = self.lane
        for (number, level, _), rung in sorted(lane.finished.items()):
            first = number == 0 or "default" not in lane.regimes
            if first and level >= least and rung.status != "ok":
                return rung.reason
        if self.interrupted:
            return "the study was interrupted"
        level = max(least, lane.top) if lane.finished else least
        seconds = format_duration(lane.expected(level))
        return f"the time ended; {self.axis.label(level)} would take about {seconds} a fit"

    def _untuned(self, repeats: int, reached: int) -> str:
        """In how many repeats it was tuned, or how often, where that is less than asked."""
        lane = self.lane
        if "retuned" in lane.regimes:
            cells = [(r, at) for r in range(repeats) for at in range(reached + 1)]
            every = [lane.tuning(*cell) for cell in cells]
            least = min(len(t.numbers) if t.sampler.exhausted else t.judged for t in every)
            some = least < lane.trials and not all(t.sampler.exhausted for t in every)
            return f"{least} of {lane.trials} configurations at some anchors" if some else ""
        if not {"default", "transferred"} <= set(lane.regimes):
            return ""
        tuned = sum(lane.chosen(repeat) is not None for repeat in range(repeats))
        if tuned == repeats:
            return ""
        return f"tuned in {tuned} of {repeats} repeats" if tuned else "not tuned: the time ended"
