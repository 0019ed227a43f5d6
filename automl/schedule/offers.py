"""The fits that could be started now, each with its expected gain and the seconds it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from automl.schedule.clock import LAST
from automl.schedule.trial_state import TrialState
from automl.types import TOP, Cell, Trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from automl.rows.ladder import Ladder
    from automl.schedule.base import Plan
    from automl.schedule.clock import Clock
    from automl.schedule.gains import Gains
    from automl.schedule.learner_state import LearnerState, LearnerStates


MORE = 2.0
"""Times its seconds that there must be for a fit that time cut short to be made anew: chosen by
hand, not measured."""
MODELS = 50
"""Models of one configuration beyond which another hardly moves their mean: its share of
`Policy.bag_gain` is then below a two-thousandth."""


class Offer(NamedTuple):
    """One fit that could be started."""

    state: LearnerState
    trial: TrialState
    cell: Cell
    gain: float
    """Expected gain of the ensemble by what it brings about."""
    seconds: float
    """Core-seconds that bring that about: this fit, what it needs after it, and imports."""
    wall: float
    """Seconds until that will probably be over."""

    @property
    def rate(self) -> float:
        """Expected gain a core-second."""
        return self.gain / max(self.seconds, 1e-9)


@dataclass
class Offers:
    """Fits that could be started, as things stand."""

    learners: LearnerStates
    ladder: Ladder
    plan: Plan
    clock: Clock
    gains: Gains

    def of(self, state: LearnerState) -> Iterator[Offer]:
        """The offers of one learner that has been tried."""
        if state.leader is None or not state.alive or not (state.losses or state.declined):
            return
        if not state.topped:
            yield from self.onward(state)
            return
        yield from self._open_ways(state)
        for new in (self._new(state), self._longer(state)):
            if new is not None:
                yield new
        yield from self._bags(state)

    def onward(self, state: LearnerState) -> Iterator[Offer]:
        """Fits that the trial which stands for a learner still needs to be ranked."""
        if state.leader is not None:
            yield from self._onward(state, state.leader, self.gains.of_learner(state))

    def curve(self, state: LearnerState) -> Iterator[Offer]:
        """The rungs that its first trial left out on its way to the top, the lowest first."""
        trial = next((t for t in state.trials if t.at_top), None)
        if trial is not None:
            for cell in trial.open(self.ladder.single):
                offer = self.offer(state, trial, (cell,), 0.0)
                given = self.given(trial, cell) + self.clock.imports(state)
                yield offer._replace(
                    seconds=min(offer.seconds, given), wall=min(offer.wall, given + LAST)
                )

    def given(self, trial: TrialState, cell: Cell) -> float:
        """Seconds for a rung of a curve: as many a row as the model of all rows had.

        There is no limit where time did not cut that short.
        """
        top = trial.finished.get(Cell(TOP, 0))
        if top is None or not top.censored:
            return math.inf
        return (top.fit_seconds + top.predict_seconds) * self.ladder.share(cell)

    # ------------------------------------------------------------------- kinds

    def _onward(self, state: LearnerState, trial: TrialState, gain: float) -> Iterator[Offer]:
        """The next fit of a trial's way; its folds side by side."""
        open_ = trial.open(trial.way)
        if open_ and not trial.busy:
            yield self.offer(state, trial, open_, gain)

    def _open_ways(self, state: LearnerState) -> Iterator[Offer]:
        """Trials on their way: to the other folds of a small table, or up the ladder."""
        for trial in state.under_way:
            first = trial is state.trials[0]
            if first or state.promoted(trial, self.learners.loss(trial, trial.highest)):
                gains = self.gains.of_learner if first else self.gains.of_configuration
                yield from self._onward(state, trial, gains(state))

    def _new(self, state: LearnerState) -> Offer | None:
        """Another configuration: a declared one straight to all rows, a sampled one climbs.

        There are no more of a learner than the root of the rows: scores could not tell them apart.
        """
        enough = len(state.trials) >= math.sqrt(self.ladder.sizes[TOP])
        if state.sampler.exhausted or not self.may_start or enough:
            return None
        straight = state.sampler.in_portfolio
        trial = self.trial(state, straight=straight)
        return self.offer(state, trial, trial.way, self.gains.of_configuration(state))

    def _longer(self, state: LearnerState) -> Offer | None:
        """Its first configuration anew, where time cut that short and there is more of it now."""
        same = state.repeats(state.trials[0])
        made = same[-1].finished.get(Cell(TOP, 0))
        ample = self.plan.policy.longest * self.clock.left
        if made is None or not made.censored or ample < MORE * made.fit_seconds:
            return None
        return self._repeated(state, same, self.gains.of_time(state))

    def _bags(self, state: LearnerState) -> Iterator[Offer]:
        """The other folds and every row, of trials that carry weight; then another seed."""
        weighty = [t for t in state.trials if self.gains.weights.get(t.spec.id) and t.whole]
        for trial in weighty if self.plan.policy.bag_gain else ():
            same = state.repeats(trial)
            made = sum(c.rung >= TOP for t in same for c in (*t.finished, *t.running))
            gain = self.gains.of_average(trial.spec.id, made)
            bag = [cell for cell in self.ladder.bag if cell not in trial.way]
            if open_ := trial.open(bag):
                yield self.offer(state, trial, open_[:1], gain)
            elif (again := self._again(state, trial, gain)) is not None:
                yield again

    def _again(self, state: LearnerState, trial: TrialState, gain: float) -> Offer | None:
        """Another seed for a configuration, if that makes another model."""
        same = state.repeats(trial)
        scores = [t.score(TOP) for t in same if t.at_top]
        if len(same) * len(self.straight) >= MODELS:
            return None
        if len(scores) > 1 and len(set(scores)) < len(scores):
            return None
        return self._repeated(state, same, gain * len(self.straight))

    def _repeated(self, state: LearnerState, same: list[TrialState], gain: float) -> Offer | None:
        """One more trial of a configuration, with a seed of its own."""
        if self.plan.seconds is None or not self.may_start or any(t.running for t in same):
            return None
        config, seed = same[0].spec.config, self.plan.seed + len(same)
        new = TrialState(Trial(state.name, len(state.trials), config, seed), self.straight)
        return self.offer(state, new, new.way, gain)

    # ------------------------------------------------------------------- parts

    def offer(
        self, state: LearnerState, trial: TrialState, way: Sequence[Cell], gain: float
    ) -> Offer:
        """The first of the fits that a trial still needs for a gain."""
        seconds = sum(self.clock.fit_seconds(state, cell) for cell in way)
        seconds += self.clock.imports(state)
        return Offer(state, trial, way[0], gain, seconds, self.clock.wall(state, way))

    @property
    def straight(self) -> tuple[Cell, ...]:
        """The way straight to all rows, of a small table to all folds."""
        return (Cell(TOP, 0), *self.ladder.others)

    @property
    def may_start(self) -> bool:
        """True if another configuration may be started."""
        limit = self.plan.trials
        return limit is None or sum(len(state.trials) for state in self.learners) < limit

    def trial(self, state: LearnerState, *, straight: bool) -> TrialState:
        """A trial that is not in the list yet."""
        way = self.straight if straight else (*self.ladder.single, *self.ladder.others)
        spec = Trial(state.name, len(state.trials), {}, self.plan.seed)
        return TrialState(spec, way, drawn=False)

    def first(self, state: LearnerState) -> TrialState:
        """The trial that a learner begins with: the lowest rung, then all rows."""
        way = tuple(dict.fromkeys((self.ladder.single[0], *self.straight)))
        return replace(self.trial(state, straight=True), way=way)
