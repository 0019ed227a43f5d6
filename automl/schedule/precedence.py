"""The order in which kinds of fits go ahead of one another."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from automl.schedule.clock import LAST
from automl.schedule.learner_state import FAMILIES
from automl.types import TOP, Cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from automl.schedule.learner_state import LearnerState
    from automl.schedule.offers import Offer, Offers
    from automl.schedule.trial_state import TrialState
    from automl.types import Family

SPARED = 2.0
"""Times its fair share that a first fit may have of what others left: chosen by hand, not
measured."""
CUT = 1.0
"""Fewest seconds that are worth a fit that they will cut short: chosen by hand, not measured."""


@dataclass(slots=True)
class Spending:
    """Core-seconds spent so far on what goes ahead, and the imports made for it."""

    first: float = 0.0
    """Core-seconds of first fits, their imports included."""
    curves: defaultdict[Family, float] = field(default_factory=lambda: defaultdict(float))
    """Family -> core-seconds of first models of all rows, and of rungs fitted for their curves."""
    ranked: defaultdict[Family, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Family -> its learners with a model of all rows, in the order in which they came to one."""
    imported: set[str] = field(default_factory=set)
    """Libraries that some worker has imported, or is importing."""


@dataclass
class Precedence:
    """Kinds of offers, those that go ahead first."""

    offers: Offers
    spending: Spending

    def kinds(self) -> Iterator[Iterable[Offer]]:
        """Kinds of offers, lazily, in the order of their precedence."""
        plan, fair = self.offers.plan, self.offers.plan.allocate == "equal"
        yield self._references()
        yield self._first_model()
        if self._first_seconds_left > 0:
            yield self._first_round(elsewhere=False)
        everyone = plan.policy.every_learner or fair
        yield self._ways_up(len(self.offers.learners) if everyone else plan.policy.curves)
        yield self._rescue()
        yield self._first_round(elsewhere=False)
        yield self._curves()
        yield self._contenders(besides=sum(map(self._owed, FAMILIES)))
        if fair:
            yield from (self.offers.of(state) for state in self._by_spending())
        elif (short := self._short()) is not None:
            yield self._all(short)
        yield chain.from_iterable(self._all(family) for family in FAMILIES)
        yield self._first_round(elsewhere=True)

    def share(self, offer: Offer) -> float:
        """Seconds set aside for a fit: limited for the first ones, unless they were declined."""
        state = offer.state
        if state.declined:
            return math.inf
        if state.highest < 0:
            return self._first_share(state)
        if offer.cell == Cell(TOP, 0) and not state.at_top:
            return self._curve_share(state) / self._curve_rows(offer.trial)
        if offer.cell.rung < TOP and offer.cell not in offer.trial.way:
            return self.offers.given(offer.trial, offer.cell)
        return math.inf

    def _all(self, family: Family) -> Iterator[Offer]:
        """Everything that the learners of a family offer."""
        for state in self.offers.learners.of(family):
            yield from self.offers.of(state)

    def _references(self) -> Iterator[Offer]:
        """The baseline on every rung and fold, all rows first: it predicts whatever happens."""
        for state in self.offers.learners.of("baseline"):
            ladder = self.offers.ladder
            way = tuple(dict.fromkeys((Cell(TOP, 0), *ladder.single, *ladder.others)))
            trial = state.leader or replace(self.offers.first(state), way=way)
            for cell in trial.open(way)[:1]:
                if not trial.running:
                    yield self.offers.offer(state, trial, (cell,), 1.0)._replace(wall=CUT)

    def _first_model(self) -> Iterator[Offer]:
        """All rows for the cheapest learner, so that something predicts soon, come what may."""
        alive = [state for state in self._others if state.alive]
        if not alive or alive[0].trials or not self.offers.may_start:
            return
        cheapest = alive[0]  # they stand in the order of their costs
        trial = self.offers.trial(cheapest, straight=True)
        offer = self.offers.offer(cheapest, trial, (Cell(TOP, 0),), 1.0)
        yield offer._replace(wall=CUT)

    def _first_round(self, *, elsewhere: bool) -> Iterator[Offer]:
        """First fits; imports of another worker are left to it.

        Args:
            elsewhere: Whether to take them all the same.
        """
        lowest = self.offers.ladder.single[0]
        for state in self._others:
            waits = state.alive and state.leader is None
            if not waits or not self.offers.may_start:
                continue
            missing = set(state.learner.libraries) - self.offers.clock.worker.libraries
            if (
                elsewhere
                or self.offers.plan.seconds is None
                or not missing & self.spending.imported
            ):
                first, gain = self.offers.first(state), self._promise(state)
                offer = self.offers.offer(state, first, (lowest,), gain)
                spared = self.offers.clock.fit_seconds(state, lowest) - self._first_share(state)
                if state.learner.fidelity and spared > 0:  # its share will cut it short
                    seconds, wall = offer.seconds - spared, offer.wall - spared
                    offer = offer._replace(seconds=seconds, wall=wall)
                yield offer

    def _promise(self, state: LearnerState) -> float:
        """The chance that it carries weight; once there is a model, sure of another family."""
        topped = any(one.topped for one in self._others)
        family = self.offers.learners.of(state.learner.family)
        return 1.0 if topped and not any(one.trials for one in family) else state.prior

    def _ways_up(self, enough: int) -> Iterator[Offer]:
        """Models of all rows for families with fewer than enough of them."""
        for family in FAMILIES:
            own = self.offers.learners.of(family)
            if sum(s.topped for s in own) < enough:
                for state in own:
                    if not state.topped:
                        yield from map(self._shared, self.offers.of(state))
            best = sorted((s for s in own if s.at_top), key=lambda s: s.losses[TOP][0])
            for state in best[:enough]:
                if not state.complete:  # of a small table, where folds rank it
                    yield from self.offers.onward(state)

    def _shared(self, offer: Offer) -> Offer:
        """A model of all rows that its share of the seconds may cut short."""
        if not offer.state.learner.fidelity or offer.cell != Cell(TOP, 0):
            return offer
        given = self.share(offer) + self.offers.clock.imports(offer.state)
        return offer._replace(wall=min(offer.wall, given + LAST))

    def _contenders(self, besides: float) -> Iterator[Offer]:
        """Models of all rows for every learner that may be among the best.

        Args:
            besides: Core-seconds that must be left.
        """
        left = self.offers.plan.slots * self.offers.clock.left - besides
        for family in FAMILIES:
            for state in self.offers.learners.of(family):
                if not state.topped and self.offers.gains.contends(state):
                    yield from (o for o in self.offers.of(state) if o.seconds <= left)

    def _rescue(self) -> Iterator[Offer]:
        """A model of all rows of a family that could have none otherwise, cut short by time."""
        for family in FAMILIES:
            own = [s for s in self.offers.learners.of(family) if s.losses]
            cuttable = [s for s in own if s.learner.fidelity and not s.declined]
            if not any(s.topped for s in own) and cuttable:
                state = min(cuttable, key=lambda s: self.offers.clock.fit_seconds(s, Cell(TOP, 0)))
                for offer in self.offers.of(state):
                    yield offer._replace(wall=self.offers.clock.imports(state) + CUT)

    def _curves(self) -> Iterator[Offer]:
        """The missing rungs of the best of each family that can be paid for, cheapest first.

        The first ones of a family were cut short so that theirs can be: those are paid for.
        """
        enough = self.offers.plan.policy.curves
        for family in FAMILIES:
            left = self._curve_seconds_left(family)
            promised = self.spending.ranked[family][:enough]
            own = [s for s in self.offers.learners.of(family) if s.at_top]
            found = 0
            for state in sorted(own, key=lambda s: s.losses[TOP][0]):
                missing = list(self.offers.curve(state))
                seconds = sum(offer.seconds for offer in missing)
                if seconds > left and state.name not in promised:
                    continue
                yield from (o._replace(gain=1.0) for o in missing)
                left -= seconds
                found += 1
                if found == enough:
                    break

    def _owed(self, family: Family, *, besides: LearnerState | None = None) -> float:
        """Core-seconds of the curves of a family to be completed, of fits under way too.

        Args:
            family: The family.
            besides: A learner whose curve does not count.
        """
        own = [s for s in self.offers.learners.of(family) if s.topped and s is not besides]
        missing = sorted(map(self._missing_seconds, own))[-self.offers.plan.policy.curves :]
        return min(max(self._curve_seconds_left(family), 0.0), sum(missing))

    def _missing_seconds(self, state: LearnerState) -> float:
        """Core-seconds of the fits, not finished so far, that its curve is to be made of."""
        leader, offers = state.leader, self.offers
        if leader is None:
            return 0.0
        return sum(
            min(offers.clock.fit_seconds(state, cell), offers.given(leader, cell))
            for cell in offers.ladder.single
            if cell not in leader.finished
        )

    @property
    def _family_share(self) -> float:
        """Core-seconds of a family for its first models of all rows and their curves."""
        plan = self.offers.plan
        return plan.policy.curve_share * plan.core_seconds / len(FAMILIES)

    def _curve_seconds_left(self, family: Family) -> float:
        """Core-seconds that are left of a family's share."""
        return self._family_share - self.spending.curves[family]

    def _curve_share(self, state: LearnerState) -> float:
        """Seconds of a model of all rows and its curve: an equal part, more if others left some.

        There is no limit once the family has enough of them, or where curves have no share.
        """
        family, enough = state.learner.family, self.offers.plan.policy.curves
        own = self.offers.learners.of(family)
        missing = enough - sum(s.topped for s in own if s is not state)
        if missing <= 0 or not self._family_share:
            return math.inf
        left = self._curve_seconds_left(family) - self._owed(family, besides=state)
        return max(self._family_share / enough, left / missing)

    def _curve_rows(self, trial: TrialState) -> float:
        """Rows of all rungs that a trial has not been on, in units of the last."""
        return sum(map(self.offers.ladder.share, trial.open(self.offers.ladder.single)))

    def _short(self) -> Family | None:
        """The family that has spent less than its share of the seconds so far."""
        total = sum(state.spent for state in self._others)
        for family in FAMILIES:
            own = self.offers.learners.of(family)
            if own and sum(s.spent for s in own) < self.offers.plan.policy.family_share * total:
                return family
        return None

    def _by_spending(self) -> list[LearnerState]:
        """Learners, those of the family with the least seconds first, the least first in it."""
        spent = {f: sum(s.spent for s in self.offers.learners.of(f)) for f in FAMILIES}
        return sorted(
            (s for family in FAMILIES for s in self.offers.learners.of(family)),
            key=lambda s: (spent[s.learner.family], s.spent, s.name),
        )

    def _first_share(self, state: LearnerState) -> float:
        """Seconds of a first fit: by prior, and more if others left some of theirs."""
        waiting = [s for s in self._others if s.alive and s.highest < 0]
        some, all_ = (sum(s.prior for s in own) for own in (waiting, self._others))
        fair = self.offers.plan.first_seconds / all_
        left = self._first_seconds_left / some if some else fair
        return state.prior * min(max(fair, left), SPARED * fair)

    @property
    def _first_seconds_left(self) -> float:
        """Core-seconds that first fits may still go ahead of everything else for."""
        return self.offers.plan.first_seconds - self.spending.first

    @cached_property
    def _others(self) -> list[LearnerState]:
        """All learners but the baseline."""
        return [state for state in self.offers.learners if state.learner.family != "baseline"]
