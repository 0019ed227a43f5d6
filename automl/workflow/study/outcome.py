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


def kept_from_top(dealer: StudyDealer, axis: Axis, repeats: int) -> tuple[str, ...]:
    """Learners that time kept from the last anchor that they are made for, by name."""
    accounts = {name: _Account(lane, axis, repeats, False) for name, lane in dealer.lanes.items()}
    return tuple(sorted(name for name, account in accounts.items() if account.late))


@dataclass(frozen=True, slots=True)
class _Account:
    """One learner, when the study is over."""

    lane: Lane
    axis: Axis
    repeats: int
    interrupted: bool

    def outcome(self) -> tuple[Status, str]:
        """Its status, and what there is to say."""
        lane = self.lane
        counts, reached = self._counts, self._reached
        if not any(counts):
            if lane.failure:
                return "failed", lane.failure
            return "not_reached", self._cause(0)
        if reached < 0:
            return "ok", f"{max(counts)} of {self.repeats} repeats: {self._cause(0)}"
        told = (self._short(reached, counts[reached]), self._untuned(counts[reached], reached))
        return "ok", "; ".join(part for part in told if part)

    @property
    def late(self) -> bool:
        """Whether time, and no fault of its own, keeps it from the last level it is made for."""
        lane, reached = self.lane, self._reached
        faults = [at for (_, at, _), rung in lane.finished.items() if rung.status == "failed"]
        return reached < lane.top and max(faults, default=-1) <= reached

    @property
    def _counts(self) -> list[int]:
        """Repeats in which it has each level."""
        finished = self.lane.finished.items()
        done = {(at, r) for (_, at, r), rung in finished if rung.status == "ok"}
        return [sum(at == level for at, _ in done) for level in range(len(self.axis.levels))]

    @property
    def _reached(self) -> int:
        """The last level that it has in enough repeats; -1 for none."""
        wanted = min(ENOUGH, self.repeats)
        return max((at for at, n in enumerate(self._counts) if n >= wanted), default=-1)

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
