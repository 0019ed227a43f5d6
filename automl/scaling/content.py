"""The content of `scaling.json`, typed for those that write it and those that read it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from automl.files import known_fields, to_plain
from automl.metrics import loss_sign
from automl.scaling.backtest import Backtest
from automl.scaling.censoring import CutShort
from automl.scaling.cost import Cost, SerialShare, Speedup
from automl.scaling.curve import POWER_LAW
from automl.scaling.verdict import Crossover
from automl.types import Regime

if TYPE_CHECKING:
    from typing import Self

NOT_TESTED = "not tested"
"""In place of the verdicts on a contrast that is described only."""


@dataclass(frozen=True, slots=True)
class FitCount:
    """The number of fits, and of those that the time limit cut short."""

    count: int = 0
    censored: int = 0


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A curve at one size: the mean over the repeats, its interval, and median seconds."""

    n: float
    score: float | None = None
    low: float | None = None
    high: float | None = None
    fit_seconds: float | None = None
    predict_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PowerParameters:
    """The parameters of the loss `c + a n^-b`."""

    c: float
    a: float
    b: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLaw:
    """The power law of one curve."""

    model: str = POWER_LAW.name
    params: PowerParameters
    window: tuple[float, float]
    """The first and the last size that it was fitted to."""


@dataclass(frozen=True, slots=True)
class LearnerCurve:
    """The learning curve and the costs of one learner."""

    family: str
    points: tuple[CurvePoint, ...] = ()
    fits: FitCount = FitCount()
    fit: PowerLaw | None = None
    """None with too few points."""
    cost: Cost = field(default_factory=Cost)
    speedup: tuple[Speedup, ...] = ()
    """Only along the number of CPUs."""
    serial: SerialShare = field(default_factory=SerialShare)
    """Amdahl's law fitted to all of them; only there."""

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """One entry of `learners`."""
        parts: dict[str, Any] = {
            "points": _all(CurvePoint, content["points"]),
            "fits": FitCount(**known_fields(FitCount, content.get("fits", {}))),
            "cost": Cost(**known_fields(Cost, content.get("cost") or {})),
            "speedup": _all(Speedup, content.get("speedup", ())),
            "serial": SerialShare(**known_fields(SerialShare, content.get("serial") or {})),
        }
        if (law := content.get("fit")) is not None:
            params = PowerParameters(**known_fields(PowerParameters, law["params"]))
            parts["fit"] = PowerLaw(**known_fields(PowerLaw, law) | {"params": params})
        return cls(**known_fields(cls, content) | parts)


@dataclass(frozen=True, slots=True)
class RatioChange:
    """Factor by which a doubling changes deep loss over classical loss: < 1 where deep gains."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class RateFinding:
    """The change of the difference of the losses with a doubling."""

    per_doubling: float | None
    low: float | None
    high: float | None
    verdict: str
    ratio_per_doubling: RatioChange = RatioChange()


@dataclass(frozen=True, slots=True)
class LevelFinding:
    """The difference of the losses at one size."""

    n: float
    difference: float | None
    low: float | None
    high: float | None
    verdict: str
    reversed_in: tuple[Regime, ...] = ()
    """Regimes in which the other side is ahead."""


@dataclass(frozen=True, slots=True)
class GapPoint:
    """The difference of the losses at one size, or its fitted line there."""

    n: float
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    bound: bool = False
    """True if fits that were cut short make the difference a bound."""


@dataclass(frozen=True, slots=True)
class Slope:
    """A slope that is described and not tested."""

    per_doubling: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastFinding:
    """A deep side against a classical one."""

    deep: str
    classical: str
    kind: Literal["family", "learner"]
    repeats: int = 0
    df: float | None = None
    """Degrees of freedom of the rate, those that other learners' variances lend included."""
    tested: bool = True
    """False if validation puts other learners first: intervals then describe, and the verdicts are
    those of no test."""
    rate: RateFinding
    level: LevelFinding
    crossover: Crossover
    detectable: float | None
    cut_short: Mapping[str, CutShort] = field(default_factory=dict)
    """Family -> fits of its side that the time limit cut short; empty in older studies."""
    envelope: Slope | None = None
    differences: tuple[GapPoint, ...] = ()
    """At every size, with the interval of the verdict on the level; empty in older studies."""
    line: tuple[GapPoint, ...] = ()
    """The line through the top three octaves, with the interval of the verdict on the rate."""
    sentence: str

    @property
    def words(self) -> tuple[str, str, str]:
        """Verdicts on level, rate and crossover as people read them."""
        if not self.tested:
            return NOT_TESTED, NOT_TESTED, NOT_TESTED
        return self.level.verdict, self.rate.verdict, self.crossover.status

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """One entry of `contrasts`."""
        rate, level, crossed = (content[key] for key in ("rate", "level", "crossover"))
        ratio = known_fields(RatioChange, rate.get("ratio_per_doubling") or {})
        parts: dict[str, Any] = {
            "rate": RateFinding(
                **known_fields(RateFinding, rate) | {"ratio_per_doubling": RatioChange(**ratio)}
            ),
            "level": LevelFinding(**known_fields(LevelFinding, level)),
            "crossover": Crossover(**known_fields(Crossover, crossed)),
            "differences": _all(GapPoint, content.get("differences", ())),
            "line": _all(GapPoint, content.get("line", ())),
            "cut_short": {
                family: CutShort(**known_fields(CutShort, cut))
                for family, cut in (content.get("cut_short") or {}).items()
            },
        }
        if (slope := content.get("envelope")) is not None:
            parts["envelope"] = Slope(**known_fields(Slope, slope))
        return cls(**known_fields(cls, content) | parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingContent:
    """The verdicts of a study on one regime.

    Scores are the raw metric. Differences, rates and their intervals are losses, deep minus
    classical: > 0 where classical leads; `ratio_per_doubling` is the factor by which a doubling
    changes deep loss over classical loss, < 1 where deep gains. Parameters of curves are of the
    loss `c + a n^-b`, which is 1 - score where greater scores are better. Unknown values are None.
    """

    axis: str
    metric: str
    greater_is_better: bool
    bounded: bool = False
    """True for metrics in [0, 1], whose differences are told in points, hundredths of them."""
    regime: Regime
    scored_on: str = "crossfit"
    n_test: int = 0
    repeats: int = 0
    interval: Literal["one permutation", "repeats"] = "repeats"
    equal_seconds: bool = False
    fits: FitCount = FitCount()
    not_reached: tuple[str, ...] = ()
    """Learners that had no time for the last anchor."""
    eliminated: tuple[str, ...] = ()
    """Learners that had the first repeat only, for validation put others first there."""
    learners: Mapping[str, LearnerCurve]
    contrasts: tuple[ContrastFinding, ...]
    """The families first, then each deep learner."""
    backtest: Backtest

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read the content of a file, of this version or an earlier one.

        Raises:
            KeyError: Something is missing that every version wrote.
            TypeError: Likewise.
            AttributeError: Something is no object that must be one.
        """
        parts: dict[str, Any] = {
            "learners": {
                name: LearnerCurve.from_json(one) for name, one in content["learners"].items()
            },
            "contrasts": tuple(ContrastFinding.from_json(one) for one in content["contrasts"]),
            "backtest": Backtest(**known_fields(Backtest, content["backtest"])),
            "fits": FitCount(**known_fields(FitCount, content.get("fits", {}))),
        }
        return cls(**known_fields(cls, content) | parts)

    def to_json(self) -> dict[str, Any]:
        """The content of `scaling.json`."""
        content: dict[str, Any] = to_plain(self)
        for learner in content["learners"].values():
            if self.axis != "workers":
                del learner["speedup"], learner["serial"]
        for contrast in content["contrasts"]:
            del contrast["crossover"]["above"]  # the sentence and the level say it
        return content

    @property
    def family(self) -> ContrastFinding | None:
        """The contrast of the two families; None where they share no anchor."""
        return next((one for one in self.contrasts if one.kind == "family"), None)

    @property
    def compared_at(self) -> float:
        """The anchor at which the families are compared, else the largest anchor."""
        if self.family is not None:
            return float(self.family.level.n)
        return max((p.n for one in self.learners.values() for p in one.points), default=0)

    @property
    def furthest_first(self) -> list[str]:
        """Learners by their last anchor, the largest first, then by score there."""
        sign = loss_sign(greater_is_better=self.greater_is_better)
        lasts = {name: one.points[-1] for name, one in self.learners.items() if one.points}
        return sorted(lasts, key=lambda k: (-lasts[k].n, sign * (lasts[k].score or 0.0)))

    @property
    def best_first(self) -> list[str]:
        """Learners by their score where the families are compared, others last."""
        n, sign = self.compared_at, loss_sign(greater_is_better=self.greater_is_better)
        scores = {
            name: sign * point.score
            for name, one in self.learners.items()
            for point in one.points
            if point.n == n and point.score is not None
        }
        return sorted(self.furthest_first, key=lambda name: scores.get(name, math.inf))


def _all(kind: type[Any], rows: Any) -> tuple[Any, ...]:
    return tuple(kind(**known_fields(kind, row)) for row in rows)


def finite(value: Any) -> Any:
    """Replace numbers that JSON cannot hold by None, recursively."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = {one.name: finite(getattr(value, one.name)) for one in fields(value)}
        return replace(value, **parts)
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(finite(item) for item in value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
