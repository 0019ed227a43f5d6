"""Schedules of what changes while a net trains, as functions of the progress from 0 to 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

Schedule: TypeAlias = Callable[[float], float]

WARM_UP = 0.1
"""Share of the training during which `one_cycle` rises."""
FLOOR = 0.01
"""`one_cycle` at both ends."""


def constant(_: float) -> float:
    """1 throughout."""
    return 1.0


def one_cycle(progress: float) -> float:
    """A linear rise to 1, then half a cosine down."""
    if progress < WARM_UP:
        return FLOOR + (1 - FLOOR) * progress / WARM_UP
    fall = min((progress - WARM_UP) / (1 - WARM_UP), 1.0)
    return FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * fall))


def coslog4(progress: float) -> float:
    """Four cosine cycles, each twice as long as the one before (arXiv 2407.04491)."""
    return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * min(progress, 1.0))))


def flat_cosine(progress: float) -> float:
    """1 in the first half, then half a cosine down to 0."""
    return 0.5 * (1 + math.cos(math.pi * min(max(2 * progress - 1, 0.0), 1.0)))


def scaled(peak: float, schedule: Schedule) -> Schedule:
    """The schedule times `peak`."""
    return lambda progress: peak * schedule(progress)
