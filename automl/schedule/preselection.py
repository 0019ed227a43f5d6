"""Which learners the time of a first round pays for.

Each costs the import of its libraries, which learners share, and a first fit; what that buys is
the chance that it carries weight.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from automl.types import Family

LEFT_OUT = 0.25
"""Largest part of the learners that may be left out, for a comparison needs company: chosen by
hand, not measured."""


@dataclass(frozen=True, slots=True)
class Demand:
    """The seconds that a learner asks for before anything is known of it, and its chance."""

    family: Family
    libraries: frozenset[str]
    seconds: float
    """Seconds of its first fit."""
    prior: float


def costs(
    demands: Mapping[str, Demand], import_seconds: Callable[[Iterable[str]], float]
) -> dict[str, float]:
    """Seconds of each learner's first fit and of its part of the imports."""
    users = Counter(name for demand in demands.values() for name in demand.libraries)
    return {
        name: demand.seconds
        + sum(import_seconds([library]) / users[library] for library in demand.libraries)
        for name, demand in demands.items()
    }


def left_out(
    demands: Mapping[str, Demand],
    core_seconds: float,
    import_seconds: Callable[[Iterable[str]], float],
    keep: int,
) -> dict[str, float]:
    """The learners to leave out, the least chance a second first, each with its seconds.

    Learners are left out until the rest can have its first fits; a quarter at most, and so that
    some of each family stay.

    Args:
        demands: Learner -> what it asks for.
        core_seconds: Seconds of all CPUs together for first fits.
        import_seconds: Seconds that it takes to import libraries.
        keep: Learners of each family that stay in any case.
    """
    staying = dict(demands)
    gone: dict[str, float] = {}
    while len(gone) < int(LEFT_OUT * len(demands)):
        wanted = costs(staying, import_seconds)
        families = Counter(demand.family for demand in staying.values())
        spare = [name for name in wanted if families[staying[name].family] > keep]
        if sum(wanted.values()) <= core_seconds or not spare:
            break
        least = min(spare, key=lambda name: (staying[name].prior / wanted[name], name))
        gone[least] = wanted[least]
        del staying[least]
    return gone
