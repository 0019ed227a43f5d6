"""Durations, sizes and measurements as people write them."""

from __future__ import annotations

import math
import re

from automl.errors import UsageError

_DURATION = re.compile(
    r"(?:(?P<h>\d+(?:\.\d+)?)h)?\s*(?:(?P<m>\d+(?:\.\d+)?)m(?:in)?)?\s*(?:(?P<s>\d+(?:\.\d+)?)s?)?"
)
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?:(?P<prefix>[kmgt])(?P<binary>i)?b?|b)")
_LATENCY = re.compile(r"(?P<number>\d+(?:\.\d+)?(?:e-?\d+)?)\s*(?P<unit>us|ms|s)?")
_PREFIXES = "kmgt"
MINUTE = 60
HOUR = 60 * MINUTE
THOUSAND = 1000
_LATENCY_UNITS = {"s": 1.0, "ms": 1 / THOUSAND, "us": 1 / THOUSAND**2}
GIGABYTE = THOUSAND**3


def parse_duration(text: str) -> float:
    """Read a duration such as `600`, `90s`, `10m`, `1h` or `1h30m`.

    Returns:
        Seconds, above zero and finite.

    Raises:
        UsageError: The text is no duration.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    parts = match.groupdict() if match else {}
    seconds = sum(
        float(parts[unit]) * size
        for unit, size in (("h", HOUR), ("m", MINUTE), ("s", 1))
        if parts.get(unit)
    )
    if not match or not 0 < seconds < math.inf:
        msg = f"{text!r} is not a time: write seconds, such as 600, or 90s, 10m, 1h, 1h30m"
        raise UsageError(msg)
    return float(seconds)


def parse_latency(text: str) -> float:
    """Read a short time such as `50us`, `1ms` or `0.002` seconds.

    Returns:
        Seconds, above zero and finite.

    Raises:
        UsageError: The text is no such time.
    """
    match = _LATENCY.fullmatch(text.strip().lower().replace("µ", "u"))
    seconds = float(match["number"]) * _LATENCY_UNITS[match["unit"] or "s"] if match else 0.0
    if not 0 < seconds < math.inf:
        msg = f"{text!r} is not a time for a row: write 50us, 1ms, or seconds such as 0.001"
        raise UsageError(msg)
    return seconds


def format_latency(seconds: float) -> str:
    """The time for a row in the unit that reads best: `50us`, `1.5ms`, `2s`."""
    unit, size = next(
        ((unit, size) for unit, size in _LATENCY_UNITS.items() if seconds >= size),
        min(_LATENCY_UNITS.items(), key=lambda item: item[1]),
    )
    return f"{seconds / size:.3g}{unit}"


def format_duration(seconds: float) -> str:
    """The shortest of `45s`, `1m30s`, `2h`, `1h0m5s` that `parse_duration` reads back.

    Whole seconds; below ten, one decimal.
    """
    if seconds < 10:
        return f"{round(seconds, 1):g}s"
    whole = round(seconds)
    hours, minutes, rest = whole // HOUR, whole % HOUR // MINUTE, whole % MINUTE
    words = [f"{hours}h"] if hours else []
    if minutes or (hours and rest):
        words.append(f"{minutes}m")
    if rest:
        words.append(f"{rest}s")
    return "".join(words)


def about(seconds: float) -> str:
    """A duration in a sentence: `about 40 seconds`, `about 8 minutes`, `about 3 hours`."""
    for unit, name in ((HOUR, "hour"), (MINUTE, "minute"), (1, "second")):
        if seconds >= 1.5 * unit or unit == 1:
            count = max(1, round(seconds / unit))
            return f"about {count:,} {name}{'' if count == 1 else 's'}"
    raise AssertionError


def parse_size(text: str) -> int:
    """Read a size such as `8GB`, `500MB` or `2GiB`.

    Returns:
        Bytes, at least one.

    Raises:
        UsageError: The text is no size or lacks its unit.
    """
    match = _SIZE.fullmatch(text.strip().lower())
    size = 0
    if match:
        base = 1024 if match["binary"] else THOUSAND
        power = 1 + _PREFIXES.index(match["prefix"]) if match["prefix"] else 0
        size = round(float(match["number"]) * base**power)
    if size < 1:
        msg = f"{text!r} is not a size: write a number with its unit, such as 8GB, 500MB or 2GiB"
        raise UsageError(msg)
    return size


def format_size(size: float) -> str:
    """Bytes in the unit that reads best, three digits: `512 B`, `1.5 GB`, `24 MB`."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if round(value) < THOUSAND:
            break
        value, unit = value / THOUSAND, larger
    digits = 0 if unit == "B" or round(value) >= 100 else 1
    return f"{value:.{digits}f}".removesuffix(".0") + f" {unit}"


def number_text(value: float) -> str:
    """A measurement in about four digits: `0.9123`, `47,541`, `12.30`, `0.000213`."""
    size = abs(value)
    if size >= THOUSAND:
        return f"{value:,.0f}"
    if 0 < size < 1 / THOUSAND:
        return f"{value:.3g}"
    digits = 1 if size >= 100 else 2 if size >= 10 else 4
    return f"{value:.{digits}f}"
