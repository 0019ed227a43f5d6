"""The time model: forecasts of the seconds of a fit, and of what must be imported for it."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from automl.types import Resources

ROW_SECONDS = 50e-6
"""Seconds of one CPU that a fit of cost 1 takes a row, whatever the columns."""
CELL_SECONDS = 0.25e-6
"""Seconds of one CPU that a fit of cost 1 takes more for every column of a row."""
ON_GPU = 0.1
"""Time of a fit on a GPU relative to a CPU."""
OVERHEAD = 0.05
"""Seconds a job takes beside fitting and predicting, about (`benchmarks/overhead`)."""
GROWTH = 1.0
"""Assumed exponent of training time in rows until it has been measured: the median over tables is
.96 (`growth` in `benchmarks/replay`)."""
LEAST_GROWTH, MOST_GROWTH = 0.3, 2.5
"""Bounds of a measured exponent: that of two short fits is noise."""
TIMED = 0.2
"""Seconds below which a fit is too short to tell how time grows."""
IMPORT_SECONDS = 2.5
"""Seconds of the first import of a library until one has been timed: about the mean of the
libraries of the catalogue on two slow cores."""


def declared_row_seconds(columns: int) -> float:
    """Seconds a row of a fit of declared cost 1 on so many feature columns."""
    return ROW_SECONDS + CELL_SECONDS * columns


def declared_cost(resources: Resources, *, gpu: bool) -> float:
    """Declared cost of a fit, less where there is a GPU that it can use."""
    return resources.cost * (ON_GPU if gpu and resources.gpus else 1.0)


def carried(known: Mapping[int, float], rows: int) -> float:
    """Seconds of a fit on so many rows, carried on from those of fits that were timed.

    Args:
        known: Rows -> seconds, one entry at least.
        rows: The rows of the fit.
    """
    if rows in known:
        return known[rows]
    below = [n for n in known if n < rows]
    nearest = max(below) if below else min(known)
    return float(known[nearest] * (rows / nearest) ** growth(known))


def growth(known: Mapping[int, float]) -> float:
    """The exponent of time in rows between the fewest and the most rows that were timed."""
    first, last = min(known), max(known)
    if last < 2 * first or known[last] < TIMED:
        return GROWTH
    slope = math.log(known[last] / max(known[first], 1e-3)) / math.log(last / first)
    return min(MOST_GROWTH, max(LEAST_GROWTH, slope))


class ImportTimes:
    """The seconds of imports, learnt as workers report them."""

    def __init__(self) -> None:
        self._known: dict[str, list[float]] = {}

    def take(self, libraries: Iterable[str], seconds: float) -> None:
        """Note that libraries were imported together in so many seconds, an equal part each."""
        named = tuple(libraries)
        for name in named:
            self._known.setdefault(name, []).append(seconds / len(named))

    def seconds(self, libraries: Iterable[str]) -> float:
        """Seconds that it takes to import libraries."""
        return sum(statistics.mean(self._known.get(name, [IMPORT_SECONDS])) for name in libraries)
