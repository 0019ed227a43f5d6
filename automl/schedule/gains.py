"""Expected gains: by how much a fit should lower the loss of the ensemble.

All gains are in units of the distance of the best learner from the median one.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from automl.types import TOP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from automl.policy import Policy
    from automl.rows.ladder import Ladder
    from automl.schedule.learner_state import LearnerState, LearnerStates

USUALLY = 0.4
"""Chance of carrying weight from which a learner gets a model of all rows in any case: chosen by
hand, not measured. Which learners have so much of it is (`benchmarks/prior`)."""
PLACES = 3
"""Learners that usually carry weight, so that another must be ahead of the last of them: chosen by
hand, not measured."""
TINY = 1e-12
"""Least distance of losses that counts as one."""
NORMAL = 1.4826
"""Standard deviation of a normal in units of its median absolute deviation."""


class Forecast(NamedTuple):
    """The loss of a learner on all rows."""

    mean: float
    spread: float


@dataclass
class Gains:
    """The gains that learners and their models promise, as things stand."""

    learners: LearnerStates
    ladder: Ladder
    policy: Policy
    weights: Mapping[str, float]
    """Trial -> its weight in the ensemble so far."""
    standard_error: float
    """That of the difference of two learners' losses on one fold."""

    def of_learner(self, state: LearnerState) -> float:
        """Expected improvement over the third best candidate, by a model of all rows.

        Of a learner without a score as much as of any other is expected.
        """
        if not math.isfinite(self._bar(state)):
            return state.prior
        own = self._forecasts.get(state.name, self._usual)
        return state.prior * improvement(self._bar(state), own) / self._reach

    def contends(self, state: LearnerState) -> bool:
        """Return whether a learner is within error of the third best, or usually carries weight."""
        own = self._forecasts.get(state.name)
        within = own is not None and own.mean - own.spread <= self._bar(state)
        return within or state.prior >= USUALLY

    def of_configuration(self, state: LearnerState) -> float:
        """Expected improvement by one more configuration of a learner with a model of all rows.

        Of k draws the best improves by about a k-th of their spread with the next.
        """
        return self.of_time(state) / (1 + len(state.trials))

    def of_time(self, state: LearnerState) -> float:
        """Expected improvement by more time for a model that was cut short.

        It is taken to be the spread of the learner's configurations, as far as the learner matters,
        or might.
        """
        spread = self.policy.tuning_gain * self._reach
        own = Forecast(state.losses[TOP][0], spread) if state.at_top else None
        might = state.prior * improvement(self._bar(state), own) if own else 0.0
        weighs = self._weight_of.get(state.name, 0.0) * spread
        return max(weighs, might) / self._reach

    def of_average(self, trial: str, models: int) -> float:
        """Expected improvement by one more model in the mean of a configuration that weighs.

        Args:
            trial: A trial of the configuration.
            models: Models that there are of the configuration.
        """
        return self.policy.bag_gain * self.weights.get(trial, 0.0) / (models * (models + 1))

    # ------------------------------------------------------------------- forecasts

    @cached_property
    def _reach(self) -> float:
        """Distance of the best forecast from the median one."""
        best = min((forecast.mean for forecast in self._forecasts.values()), default=math.inf)
        apart = self._usual.mean - best if math.isfinite(best) else 1.0
        return max(apart, self.standard_error, TINY)

    def _bar(self, state: LearnerState) -> float:
        """The loss that a learner must be ahead of; infinite while too few others have one."""
        others = sorted(f.mean for name, f in self._forecasts.items() if name != state.name)
        return others[PLACES - 1] if len(others) >= PLACES else math.inf

    @cached_property
    def _forecasts(self) -> dict[str, Forecast]:
        """Learner -> the loss that it should have on all rows, for those with a score."""
        seen = {s.name: s for s in self.learners if s.learner.family != "baseline" and s.alive}
        means = {name: self._mean(state) for name, state in seen.items() if state.losses}
        between = _of(means.values()).spread
        return {
            name: Forecast(mean, self._spread(seen[name], between)) for name, mean in means.items()
        }

    @cached_property
    def _usual(self) -> Forecast:
        """The loss of the learners with a score, and how it varies between them."""
        return _of(forecast.mean for forecast in self._forecasts.values())

    def _mean(self, state: LearnerState) -> float:
        """Its loss on the highest rung, moved as others moved from there to all rows."""
        rung = state.highest
        return state.losses[rung][0] + (self._shift(state, rung) if rung < TOP else 0.0)

    def _shift(self, state: LearnerState, rung: int) -> float:
        """Change of the loss from a rung to all rows of others, of its family if there are any."""
        moved: dict[bool, list[float]] = {True: [], False: []}
        for other in self.learners:
            if other.learner.family == "baseline" or other.leader is None:
                continue
            low, high = (self.learners.loss(other.leader, at) for at in (rung, TOP))
            if low is not None and high is not None:
                moved[other.learner.family == state.learner.family].append(high - low)
        found = moved[True] or moved[False]
        return statistics.median(found) if found else 0.0

    def _spread(self, state: LearnerState, between: float) -> float:
        """Standard deviation of a forecast: ranks change with the rows, and with what scores."""
        sizes = self.ladder.sizes
        doublings = math.log2(sizes[TOP] / sizes[min(state.highest, TOP)])
        folds = self.ladder.folds if self.ladder.others and state.complete else 1
        sampled = self.standard_error / math.sqrt(folds)
        return math.hypot(self.policy.rank_noise * between * doublings, sampled)

    @cached_property
    def _weight_of(self) -> dict[str, float]:
        """Learner -> the weight of all its trials."""
        found: dict[str, float] = {}
        for trial, weight in self.weights.items():
            name = trial.rpartition("-")[0]
            found[name] = found.get(name, 0.0) + weight
        return found


def _of(means: Iterable[float]) -> Forecast:
    """Median and spread of losses, robust against a few that are far off."""
    losses = list(means)
    if not losses:
        return Forecast(math.inf, 0.0)
    middle = statistics.median(losses)
    return Forecast(middle, NORMAL * statistics.median(abs(loss - middle) for loss in losses))


def improvement(bar: float, own: Forecast) -> float:
    """Expected improvement over a loss (Mockus 1978) by one that is forecast as a normal."""
    if not math.isfinite(bar):
        return own.spread
    ahead, spread = bar - own.mean, max(own.spread, TINY)
    z = ahead / spread
    density = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return ahead * 0.5 * (1 + math.erf(z / math.sqrt(2))) + spread * density
