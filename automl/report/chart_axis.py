"""Axes of charts: positions of values, and round values for the ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from automl.report.formatting import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Scale: TypeAlias = Literal["linear", "log", "gap"]
"""`gap`: the logarithm of the distance to 1, for scores that approach 1."""

STEPS = (1, 2, 5)
"""Round values of a decade."""
FEWEST_TICKS = 3
"""Ticks below which a logarithmic axis gets evenly spaced ones instead."""
LOG_SPAN = 3
"""Ratio of the greatest to the smallest loss from which an axis is logarithmic."""
_ROUNDING = 1e-9
"""Relative tolerance for ticks at the ends of an axis, above the rounding errors."""


@dataclass(frozen=True, slots=True)
class ChartAxis:
    """One axis of a chart."""

    label: str
    scale: Scale = "linear"
    text: Callable[[float], str] = short

    def at(self, value: float) -> float:
        """Position of a value on the scale, in its own unit; infinite beyond the end of it."""
        if self.scale == "log":
            return math.log10(value) if value > 0 else -math.inf
        if self.scale == "gap":
            return -math.log10(1 - value) if value < 1 else math.inf
        return value

    def ticks(self, low: float, high: float, most: int) -> list[float]:
        """Round values within [low, high], at most `most`."""
        if self.scale == "linear":
            return _even(low, high, most)
        gap = self.scale == "gap"
        first, last = (1 - high, 1 - low) if gap else (low, high)
        found = _decades(first, last, most)
        if len(found) < FEWEST_TICKS:
            return _even(low, high, most)
        return sorted(_exact(1 - g) for g in found) if gap else found

    def names(self, values: Sequence[float]) -> list[str]:
        """Texts of ticks; where several look alike, as far from 0, in all their digits."""
        short_ones = [self.text(value) for value in values]
        alike = len(set(short_ones)) < len(set(values))
        return [f"{value:,.15g}" for value in values] if alike else short_ones


def score_scale(values: Iterable[float], *, greater_is_better: bool) -> Scale:
    """The scale for scores, logarithmic in the loss if losses differ by more than `LOG_SPAN`."""
    losses = [1 - v if greater_is_better else v for v in values]
    if not losses or min(losses) <= 0 or max(losses) < LOG_SPAN * min(losses):
        return "linear"
    return "gap" if greater_is_better else "log"


def _even(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    raw = (high - low) / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (*STEPS, 10) if m * power >= raw * (1 - _ROUNDING))
    first, last = math.ceil(low / step - _ROUNDING), math.floor(high / step + _ROUNDING)
    return [_exact(i * step) for i in range(first, last + 1)]


def _decades(low: float, high: float, most: int) -> list[float]:
    """1, 2 and 5 times powers of ten; fewer of them if there are too many."""
    lowest, highest = math.floor(math.log10(low)), math.ceil(math.log10(high))
    powers = range(lowest, highest + 1)
    for mantissas in (STEPS, (1, 3), (1,)):
        found = [float(f"{m}e{p}") for p in powers for m in mantissas]
        found = [v for v in found if low * (1 - _ROUNDING) <= v <= high * (1 + _ROUNDING)]
        if len(found) <= most:
            return found
    return found[:: math.ceil(len(found) / most)]


def _exact(value: float) -> float:
    """Remove the rounding error of a round value."""
    return float(f"{value:.15g}")
