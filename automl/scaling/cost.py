"""Costs: exponents of training time, speed-ups, and Pareto fronts of loss against cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.scaling.criteria import CRITERIA
from automl.scaling.estimate import critical_t
from automl.units import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from automl.scaling.points import Point
    from automl.types import Array


@dataclass(frozen=True, slots=True)
class Cost:
    """p in `seconds = k n^p`, with its 95% interval; all None where the data are too few."""

    exponent: float | None = None
    low: float | None = None
    high: float | None = None


def cost_of(points: Iterable[Point]) -> Cost:
    """The exponent of one learner's training time in n.

    Theil's and Sen's median slope of log seconds on log n, of the configuration with the most
    anchors, from the first anchor whose median over the repeats exceeds half a second. Fits that
    the time limit cut short are left out. The interval is the wider of Sen's (1968) and the t
    interval of the residuals about the line: with three anchors that is very wide.

    Args:
        points: Points of one learner and one regime.
    """
    n, seconds = _longest(points)
    slow = np.flatnonzero(seconds > CRITERIA.settled_seconds)
    if len(slow) == 0 or len(n) - slow[0] < CRITERIA.fewest_anchors:
        return Cost()
    from scipy.stats import theilslopes  # takes long to import, and is seldom needed

    x, y = np.log(n[slow[0] :]), np.log(np.maximum(seconds[slow[0] :], np.finfo(float).tiny))
    slope, level, low, high = theilslopes(y, x)
    left = y - level - slope * x
    square = float(((x - x.mean()) ** 2).sum())
    half = critical_t(len(x) - 2) * math.sqrt(left @ left / (len(x) - 2) / square)
    return Cost(float(slope), min(float(low), slope - half), max(float(high), slope + half))


@dataclass(frozen=True, slots=True)
class Speedup:
    """Training time at the first value of the axis over that at another value."""

    at: float
    times: float
    low: float | None
    """Lower end of the 95% interval; None with fewer than two repeats."""
    high: float | None
    serial: float
    """Share of the work that more CPUs do not speed up, by Amdahl (1967): 1 / times = serial +
    (1 - serial) / CPUs. Above 1 if training is slower on more CPUs."""


def speedups(points: Iterable[Point]) -> list[Speedup]:
    """Geometric means of the ratios of training times along the axis, paired by repeat.

    Args:
        points: Points of one learner and one regime, one configuration in each repeat.
    """
    seconds = _by_value(points)
    if not seconds:
        return []
    first, *others = sorted(seconds)
    found = []
    for at in others:
        both = sorted(seconds[first].keys() & seconds[at].keys())
        if logs := [math.log(seconds[first][r] / seconds[at][r]) for r in both]:
            middle, half = float(np.mean(logs)), math.nan
            if len(logs) > 1:
                half = critical_t(len(logs) - 1) * float(np.std(logs, ddof=1))
                half /= math.sqrt(len(logs))
            ends = [math.exp(middle + sign * half) for sign in (-1, 1)]
            low, high = ends if math.isfinite(half) else (None, None)
            times, cpus = math.exp(middle), at / first
            found.append(Speedup(at, times, low, high, (cpus / times - 1) / (cpus - 1)))
    return found


@dataclass(frozen=True, slots=True)
class SerialShare:
    """Share of the training that more CPUs do not speed up, with its 95% interval."""

    value: float | None = None
    low: float | None = None
    """None with fewer than two repeats."""
    high: float | None = None


def serial_share(points: Iterable[Point]) -> SerialShare:
    """Fit Amdahl's law to the training times at all numbers of CPUs.

    `time(c) / time(1) = s + (1 - s) / c` is a line through the origin in s: least squares in each
    repeat, and a t interval over the repeats.

    Args:
        points: Points of one learner and one regime, one configuration in each repeat.
    """
    seconds = _by_value(points)
    if not seconds:
        return SerialShare()
    first, *others = sorted(seconds)
    shares = []
    for repeat, alone in seconds[first].items():
        both = [(at / first, seconds[at][repeat]) for at in others if repeat in seconds[at]]
        if both:
            cpus, taken = np.array(both).T
            x, y = 1 - 1 / cpus, taken / alone - 1 / cpus
            shares.append(float(x @ y / (x @ x)))
    if not shares:
        return SerialShare()
    mean, r = float(np.mean(shares)), len(shares)
    if r == 1:
        return SerialShare(mean)
    half = critical_t(r - 1) * float(np.std(shares, ddof=1)) / math.sqrt(r)
    return SerialShare(mean, mean - half, mean + half)


def _by_value(points: Iterable[Point]) -> dict[float, dict[int, float]]:
    """Value on the axis -> repeat -> training seconds."""
    found: dict[float, dict[int, float]] = {}
    for point in points:
        if point.fit_seconds > 0:
            found.setdefault(point.n, {})[point.repeat] = point.fit_seconds
    return found


def _longest(points: Iterable[Point]) -> tuple[Array, Array]:
    """Anchors and median seconds of the first configuration with the most anchors."""
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
    """Indices of the points on the Pareto front, cheapest first; points with missing values never.

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
    """Price of some seconds on a machine."""
    return seconds / HOUR * price_per_hour
