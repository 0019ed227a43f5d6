"""What growth costs: exponents of training time, and who is best for what it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from automl.scaling.points import Point
    from automl.types import Array

SETTLED = 0.5
"""Median seconds below which set-up drowns growth."""
FEWEST = 3


@dataclass(frozen=True, slots=True)
class Cost:
    """p in `seconds = k n^p`, with its 95% interval; all None where it cannot be told."""

    exponent: float | None = None
    low: float | None = None
    high: float | None = None


def cost_of(points: Iterable[Point]) -> Cost:
    """The exponent of one learner's training time in n.

    Slopes of one and the same configuration, the one with the most anchors: Theil's and Sen's
    median slope of log seconds on log n, from the first anchor whose median over the repeats
    exceeds half a second; fits that time cut short say nothing. The interval is the wider of
    Sen's (1968) and the t interval of the residuals about the line: with three anchors that is
    very wide.

    Args:
        points: Those of one learner and one regime.
    """
    n, seconds = _longest(points)
    slow = np.flatnonzero(seconds > SETTLED)
    if len(slow) == 0 or len(n) - slow[0] < FEWEST:
        return Cost()
    from scipy.stats import theilslopes  # takes long to import, and is seldom needed

    x, y = np.log(n[slow[0] :]), np.log(np.maximum(seconds[slow[0] :], 1e-9))
    slope, level, low, high = theilslopes(y, x)
    left = y - level - slope * x
    square = float(((x - x.mean()) ** 2).sum())
    half = float(stdtrit(len(x) - 2, 0.975)) * math.sqrt(left @ left / (len(x) - 2) / square)
    return Cost(float(slope), min(float(low), slope - half), max(float(high), slope + half))


@dataclass(frozen=True, slots=True)
class Speedup:
    """How many times as fast a learner trains at one value of the axis as at the first."""

    at: float
    times: float
    low: float | None
    """Of the 95% interval; None with fewer than two repeats."""
    high: float | None
    serial: float
    """The share of the work that more CPUs do not speed up, by Amdahl (1967): 1 / times = serial +
    (1 - serial) / CPUs. Above 1 where more CPUs only get in each other's way."""


def speedups(points: Iterable[Point]) -> list[Speedup]:
    """Ratios of training times along the axis, paired by repeat: their geometric means.

    Args:
        points: Those of one learner and one regime, one configuration in each repeat.
    """
    seconds: dict[float, dict[int, float]] = {}
    for point in points:
        if point.fit_seconds > 0:
            seconds.setdefault(point.n, {})[point.repeat] = point.fit_seconds
    if not seconds:
        return []
    first, *others = sorted(seconds)
    found = []
    for at in others:
        both = sorted(seconds[first].keys() & seconds[at].keys())
        if logs := [math.log(seconds[first][r] / seconds[at][r]) for r in both]:
            middle, half = float(np.mean(logs)), math.nan
            if len(logs) > 1:
                half = float(stdtrit(len(logs) - 1, 0.975) * np.std(logs, ddof=1))
                half /= math.sqrt(len(logs))
            ends = [math.exp(middle + sign * half) for sign in (-1, 1)]
            low, high = ends if math.isfinite(half) else (None, None)
            times, cpus = math.exp(middle), at / first
            found.append(Speedup(at, times, low, high, (cpus / times - 1) / (cpus - 1)))
    return found


def _longest(points: Iterable[Point]) -> tuple[Array, Array]:
    """Anchors and median seconds of the configuration with the most anchors, the first dealt."""
    found: dict[str, dict[float, list[float]]] = {}
    for point in sorted(points, key=lambda p: p.order):
        if math.isfinite(point.fit_seconds) and not point.censored:
            found.setdefault(point.trial, {}).setdefault(point.n, []).append(point.fit_seconds)
    if not found:
        return np.empty(0), np.empty(0)
    longest = max(found.values(), key=len)
    anchors = sorted(longest)
    return np.array(anchors), np.array([np.median(longest[n]) for n in anchors])


def pareto(cost: Sequence[float], loss: Sequence[float]) -> list[int]:
    """Places of the points that none beats at both, cheapest first; missing values never are.

    Args:
        cost: Seconds, bytes, money: smaller is better.
        loss: Smaller is better.
    """
    best, front = math.inf, []
    known = [i for i in range(len(cost)) if math.isfinite(cost[i]) and math.isfinite(loss[i])]
    for place in sorted(known, key=lambda i: (cost[i], loss[i], i)):
        if loss[place] < best:
            best = loss[place]
            front.append(place)
    return front


def money(seconds: float, price_per_hour: float) -> float:
    """What so many seconds cost on a machine of that price."""
    return seconds / 3600 * price_per_hour
