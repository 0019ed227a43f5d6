"""What a study was asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl.errors import UsageError
from automl.workflow.study.catalogue import AXES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.scaling.points import Regime
    from automl.workflow.options import FitOptions

REGIMES: tuple[Regime, ...] = ("default", "transferred", "retuned")
_ONLY: Mapping[str, Regime] = {
    "budget": "retuned",
    "model-size": "default",
    "workers": "default",
}
"""Axes along which only one regime makes sense."""
MOST_TRIALS = 8
"""Configurations of a learner that are tried wherever it is tuned."""


@dataclass(frozen=True, slots=True)
class StudyOptions:
    """Every choice of a study; `automl scale --help` says what each means."""

    fit: FitOptions
    """What a study shares with a fit: data, learners, machine, budget, output."""
    axis: str = "rows"
    regimes: tuple[Regime, ...] = ("default", "transferred")
    named: bool = False
    """Whether the regimes were asked for."""
    repeats: int = 5
    anchors: int = 9
    price_per_hour: float | None = None

    @property
    def timed(self) -> bool:
        """Whether it is about the seconds of a fit: they run one at a time on all CPUs, uncut."""
        return self.axis == "workers"

    @property
    def description(self) -> dict[str, object]:
        """What must stay the same for a study to go on."""
        return {"axis": self.axis, "anchors": self.anchors, "seed": self.fit.seed}


def study_options(
    fit: FitOptions,
    axis: str = "rows",
    regimes: Sequence[str] = (),
    repeats: int = 5,
    anchors: int = 9,
    price_per_hour: float | None = None,
) -> StudyOptions:
    """Options that have been looked at.

    Args:
        fit: What a study shares with a fit.
        axis: What grows.
        regimes: `default`, `transferred`, `retuned`; the first two unless given.
        repeats: Times that a fifth of the rows is held out anew.
        anchors: Values on the axis; on rows two an octave.
        price_per_hour: Of the machine, in any currency.

    Raises:
        UsageError: One of them cannot be.
    """
    if axis not in AXES:
        msg = f"there is no study along {axis!r}; the axes are {', '.join(AXES)}"
        raise UsageError(msg)
    for regime in regimes:
        if regime not in REGIMES:
            msg = f"there is no regime {regime!r}; the regimes are {', '.join(REGIMES)}"
            raise UsageError(msg)
    if repeats < 1 or anchors < 2:
        msg = "a study needs at least 1 repeat (--repeats) and 2 anchors (--anchors)"
        raise UsageError(msg)
    if price_per_hour is not None and not price_per_hour >= 0:
        msg = f"--price-per-hour is an amount of money, not {price_per_hour:g}"
        raise UsageError(msg)
    usual: tuple[str, ...] = REGIMES[:2]
    if axis in _ONLY:
        usual = (_ONLY[axis],)
        if tuple(regimes or usual) != usual:
            msg = f"along {axis} there is one regime: leave --regime out, or say {_ONLY[axis]}"
            raise UsageError(msg)
    chosen = tuple(regime for regime in REGIMES if regime in (regimes or usual))
    return StudyOptions(fit, axis, chosen, bool(regimes), repeats, anchors, price_per_hour)
