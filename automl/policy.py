"""The policy by which a fit spends its seconds: the numbers that its scheduler goes by."""

from __future__ import annotations

from dataclasses import dataclass, fields

from automl.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules of spending the seconds of a fit; the presets are three of its values."""

    every_learner: bool = False
    """True if every learner gets a model of all rows before any tries a second configuration."""
    first_round: float = 0.3
    """Largest part of the core-seconds that first fits on the lowest rung may take."""
    family_share: float = 0.25
    """Least part of the fit seconds that each of deep and classical gets, where both apply."""
    curves: int = 2
    """Learners of each family that get models of all rows and complete learning curves first."""
    curve_share: float = 0.5
    """Part of the core-seconds for these models and curves, half of it for each family: learners
    that keep to a time get so much of it that their curves can be paid for, too. With 0 there
    are none."""
    margin: float = 1.7
    """Times its forecast seconds that must be left for a fit to start. From an eighth of the rows
    nine tenths of the fits keep within 1.3 times on the median table, within 3.4 on the worst
    (`ratio_90` in `benchmarks/replay`). Once fits of all rows have been timed its root will do; a
    learner that keeps to its time, by fewer steps or larger ones, needs none."""
    longest: float = 0.4
    """Part of the seconds left that one fit may use, whatever was forecast."""
    rank_noise: float = 0.13
    """Spread of a loss forecast for twice the rows, relative to the spread between learners.
    In LCDB (Mohr et al. 2022) the better of two learners stays so in .92 of pairs at four times
    the rows and in .885 at eight times, which is this much noise a doubling."""
    bag_gain: float = 0.27
    """Gain of averaging ever more models of a member of weight 1, in parts of the distance of the
    best learner from the median one; the j-th model beside the first brings 1 / (j (j + 1)) of it,
    as the variance of a mean falls. Twice `averaged` in `benchmarks/replay`."""
    tuning_gain: float = 0.35
    """Spread of the losses of a learner's configurations, in the same parts: `spread` in
    `benchmarks/replay`."""

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: A share is not between 0 and 1, or another number is below its least.
        """
        for one in fields(self):
            value = getattr(self, one.name)
            share = one.name in {"first_round", "family_share", "curve_share", "longest"}
            least = {"curves": 1, "margin": 1.0}.get(one.name, 0.0)
            if value < least or (share and value > 1):
                must = "between 0 and 1" if share else f"at least {least:g}"
                msg = f"{one.name} of a policy is {must}, not {value:g}"
                raise UsageError(msg)


QUICK = Policy(bag_gain=0.0)
BALANCED = Policy()
BEST = Policy(every_learner=True, first_round=0.5)
PRESETS = {"quick": QUICK, "balanced": BALANCED, "best": BEST}
"""Preset -> its policy."""
