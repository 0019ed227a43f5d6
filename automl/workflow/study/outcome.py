"""What became of every learner of a study, and what it could not afford."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.units import format_duration

if TYPE_CHECKING:
    from automl.types import Status
    from automl.workflow.study.axes import Axis
    from automl.workflow.study.dealer import StudyDealer
    from automl.workflow.study.lane import Lane


def outcomes(dealer: StudyDealer, axis: Axis, repeats: int) -> dict[str, tuple[Status, str]]:
    """Learner -> status and what there is to say about it; no reason where all went as asked.

    Args:
        dealer: When the study is over.
        axis: Of the study.
        repeats: That were asked for.
    """
    return {name: _outcome(lane, axis, repeats) for name, lane in dealer.lanes.items()}


def _outcome(lane: Lane, axis: Axis, repeats: int) -> tuple[Status, str]:
    done = {(at, r) for (_, at, r), rung in lane.finished.items() if rung.status == "ok"}
    if not done:
        if lane.failure:
            return "failed", lane.failure
        return "not_reached", f"{axis.label(0)} would take about {_seconds(lane, 0)} a fit"
    top = len(axis.levels) - 1
    counts = {level: sum(1 for at, _ in done if at == level) for level in range(top + 1)}
    wanted = min(3, repeats)
    reached = max((at for at, count in counts.items() if count >= wanted), default=-1)
    if reached < 0:
        return "ok", f"the time ended after {max(counts.values())} of {repeats} repeats"
    short = _short(lane, axis, reached, f"{counts[reached]} of {repeats} repeats")
    return "ok", "; ".join(part for part in (short, _untuned(lane, counts[reached])) if part)


def _short(lane: Lane, axis: Axis, reached: int, repeats: str) -> str:
    """What keeps a learner's curve from the top, or from all repeats; empty if nothing does."""
    failures = [
        rung.reason
        for (_, level, _), rung in sorted(lane.finished.items())
        if level > reached and rung.status == "failed"
    ]
    if reached < lane.top and failures:
        return f"stopped at {axis.label(reached)} ({repeats}): {failures[0]}"
    if reached < lane.top:
        return (
            f"stopped at {axis.label(reached)} ({repeats}): {axis.label(lane.top)} would take "
            f"about {_seconds(lane, lane.top)} a fit"
        )
    if lane.top < len(axis.levels) - 1:
        return f"stopped at {axis.label(reached)}: it is made for no more rows"
    done, _, asked = repeats.partition(" of ")
    return "" if done == asked.split()[0] else f"{repeats}: the time ended"


def _untuned(lane: Lane, repeats: int) -> str:
    """In how many repeats there was no time to tune it, beside its default."""
    if not {"default", "transferred"} <= set(lane.regimes):
        return ""
    tuned = sum(lane.chosen(repeat) is not None for repeat in range(repeats))
    if tuned == repeats:
        return ""
    return f"tuned in {tuned} of {repeats} repeats" if tuned else "not tuned: no time was left"


def _seconds(lane: Lane, level: int) -> str:
    return format_duration(lane.expected(level))
