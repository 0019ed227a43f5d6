"""Axes: where a value lies, and which values to write beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from automl.report.words import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Scale: TypeAlias = Literal["linear", "log", "gap"]
"""`gap`: the logarithm of the distance to 1, for scores that approach 1."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a chart."""

    label: str
    scale: Scale = "linear"
    text: Callable[[float], str] = short

    def at(self, value: float) -> float:
        """The value on the scale, to be stretched to pixels; infinite beyond its end."""
        if self.scale == "log":
            return math.log10(value) if value > 0 else -math.inf
        if self.scale == "gap":
            return -math.log10(1 - value) if value < 1 else math.inf
        return value

    def ticks(self, low: float, high: float, most: int = 6) -> list[float]:
        """Round values within [low, high], at most so many."""
        if self.scale == "linear":
            return _even(low, high, most)
        gap = self.scale == "gap"
        first, last = (1 - high, 1 - low) if gap else (low, high)
        found = _decades(first, last, most)
        if len(found) < 3:
            return _even(low, high, most)
        return sorted(round(1 - g, 12) for g in found) if gap else found


def score_scale(values: Iterable[float], *, greater_is_better: bool) -> Scale:
    """The scale on which scores that span more than a factor of three in loss are told apart."""
    losses = [1 - v if greater_is_better else v for v in values]
    if not losses or min(losses) <= 0 or max(losses) < 3 * min(losses):
        return "linear"
    return "gap" if greater_is_better else "log"


def _even(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    raw = (high - low) / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def _decades(low: float, high: float, most: int) -> list[float]:
    """1, 2 and 5 times powers of ten, thinned to powers where there are too many."""
    lowest, highest = math.floor(math.log10(low)), math.ceil(math.log10(high))
    powers = range(lowest, highest + 1)
    for mantissas in ((1, 2, 5), (1, 3), (1,)):
        found = [float(f"{m}e{p}") for p in powers for m in mantissas]
        found = [v for v in found if low * (1 - 1e-9) <= v <= high * (1 + 1e-9)]
        if len(found) <= most:
            return found
    return found[:: math.ceil(len(found) / most)]
