"""Dates and times as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from automl.types import Array

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("days", "year", "month", "day", "weekday", "day of year", "hour", "minute")
CYCLES = {"hour": 24.0, "weekday": 7.0, "day of year": 365.25}
"""Parts that also become a sine and a cosine, for learners that multiply."""
ALL_PARTS = (*PARTS, *(f"{part} {f}" for part in CYCLES for f in ("sine", "cosine")))


def is_cycle(part: str) -> bool:
    """True if a part is a sine or a cosine."""
    return part.endswith((" sine", " cosine"))


def date_parts(dates: pd.Series) -> Array:
    """A datetime column as (n, len(ALL_PARTS)) float32; NaN where it is missing.

    `days` are days since 1970 with their fraction.
    """
    naive = dates.dt.tz_localize(None) if dates.dt.tz is not None else dates
    stamps = naive.to_numpy(dtype="datetime64[us]")
    at = naive.dt
    parts = {
        "days": (stamps - np.datetime64(0, "us")) / np.timedelta64(1, "D"),
        "year": at.year,
        "month": at.month,
        "day": at.day,
        "weekday": at.day_of_week,
        "day of year": at.day_of_year,
        "hour": at.hour + at.minute / 60,
        "minute": at.minute,
    }
    out = np.empty((len(dates), len(ALL_PARTS)), dtype=np.float32, order="F")
    for j, part in enumerate(PARTS):
        out[:, j] = parts[part]
    for j, (part, period) in enumerate(CYCLES.items()):
        angle = np.asarray(parts[part], dtype=np.float64) * (2 * np.pi / period)
        out[:, len(PARTS) + 2 * j] = np.sin(angle)
        out[:, len(PARTS) + 2 * j + 1] = np.cos(angle)
    return out
