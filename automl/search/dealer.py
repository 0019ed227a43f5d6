"""Who trains next: a pure state machine over learners, without Ray and without a clock.

First every learner's best default climbs the whole ladder, all learners a rung at a time
(*breadth*), so that the comparison is one; on a small table it is then repeated on the other
folds (*crossing*), if there is time for all learners. Then the allocation decides who tries
more configurations (*tuning*); at the end the best configurations are repeated on every row
and on the other folds (*bagging*).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from automl.search.ladder import TOP, Climb, Ladder, Step, promoted
from automl.search.lanes import Lane, Lanes
from automl.search.pacing import ROOM, Pacing
from automl.search.plan import HURRIED
from automl.search.sampler import Sampler
from automl.types import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from automl.search.plan import Job, Plan
    from automl.types import Learner, Rung, Status

OVERRAN = 2.0
"""Times its allowance above which a fit counts as one that cannot be cut short."""


class _Choice(NamedTuple):
    lane: Lane
    climb: Climb
    step: Step
    breadth: bool = False


class Dealer:
    """Deals the next job; takes every finished rung."""

    def __init__(
        self,
        lanes: Sequence[tuple[Learner, float]],
        ladder: Ladder,
        plan: Plan,
        members: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        """Set up the lanes.

        Args:
            lanes: Learners that apply, each with its declared cost.
            ladder: The steps of the data set.
            plan: Budget and allocation.
            members: Trials worth bagging, best first, asked once when bagging begins; the best
                configuration of each learner unless given.
        """
        self.ladder = ladder
        self.plan = plan
        self._members = members
        self._bag: tuple[int, list[tuple[Lane, Climb]]] = (0, [])
        """Climbs at the top when it was last asked what to bag, and the answer."""
        better = plan.greater_is_better
        self.lanes = Lanes(
            (
                Lane(
                    learner,
                    cost,
                    Sampler(learner, plan.seed, greater_is_better=better),
                )
                for learner, cost in sorted(lanes, key=lambda pair: (pair[1], pair[0].name))
            ),
            greater_is_better=better,
        )
        self._pacing = Pacing(self.lanes, ladder, plan)
        rows = ladder.sizes[TOP]
        self._crosses: bool | None = None if ladder.others else False
        """Whether all learners are scored on all folds; None as long as it is open."""
        self._enough = max(30, 2 * len(self.lanes), rows // 20)
        """Configurations beyond which the score rows cannot tell them apart."""

    # ------------------------------------------------------------------ in and out

    def deal(self, now: float) -> Job | None:
        """The next job, or None when nothing can start now.

        Args:
            now: Seconds since the search began; ignored where the plan has no seconds.
        """
        for choose in self._phases(now):
            if (chosen := choose(now)) is not None:
                lane, climb, step, breadth = chosen
                job = self._pacing.job(lane, climb.trial, step, now, breadth=breadth)
                climb.running[step] = job.allowance
                return job
        return None

    def take(self, rung: Rung) -> None:
        """Record a finished rung, whatever its status."""
        lane = self.lanes[rung.learner]
        climb = next(c for c in lane.climbs if c.trial.id == rung.trial)
        step = Step(rung.rung, rung.fold)
        allowed = climb.running.pop(step, math.inf)
        if rung.status == "ok" and (rung.hurried or rung.fit_seconds > HURRIED * allowed):
            climb.hurried.add(step)
        lane.overran |= rung.fit_seconds > OVERRAN * allowed
        climb.finished[step] = rung
        lane.spent += self._pacing.price(lane, step, rung)
        if rung.status != "ok":
            climb.failure = climb.failure or rung.reason
        elif rung.score is not None and rung.rung <= TOP and rung.fold == 0:
            lane.sampler.tell(climb.trial.number, rung.rung, rung.score, top=rung.rung == TOP)

    def replay(self, rungs: Iterable[Rung]) -> None:
        """Take the rungs of an earlier session; what it left running starts anew."""
        known: dict[str, dict[int, Rung]] = {}
        finished = [r for r in rungs if r.learner in self.lanes]
        for rung in finished:
            number = int(rung.trial.rpartition("-")[2])
            known.setdefault(rung.learner, {})[number] = rung
        for name, trials in known.items():
            lane = self.lanes[name]
            for number in range(max(trials) + 1):
                config = trials[number].config if number in trials else lane.sampler.next()
                if number in trials:
                    lane.sampler.repeat(config)
                lane.climbs.append(Climb(Trial(name, number, config, self.plan.seed)))
        for rung in finished:
            self.take(rung)

    @property
    def running(self) -> list[tuple[Trial, Step]]:
        return [
            (climb.trial, step)
            for lane in self.lanes
            for climb in lane.climbs
            for step in sorted(climb.running)
        ]

    @property
    def idle(self) -> bool:
        return not self.running

    def outcome(self, name: str) -> tuple[Status, str]:
        """What became of a learner, and why it is not ranked if it is not."""
        lane = self.lanes[name]
        if lane.at_top:
            return "ok", ""
        failures = [c.failure for c in lane.climbs if c.failure]
        if failures and (lane.dead or not any(c.highest >= 0 for c in lane.climbs)):
            return "failed", failures[0]
        if lane.hopeless:
            return "not_reached", lane.hopeless
        if lane.highest >= 0:
            return "not_reached", (
                f"the budget ended after {self.ladder.sizes[lane.highest]:,} of "
                f"{self.ladder.sizes[TOP]:,} rows"
            )
        return "not_reached", "the budget ended before it began"

    # --------------------------------------------------------------------- phases

    def _phases(self, now: float) -> list[Callable[[float], _Choice | None]]:
        bagging_first = self.plan.seconds is not None and now >= self._bagging_from()
        later = [self._bagging, self._tuning] if bagging_first else [self._tuning, self._bagging]
        return [self._breadth, self._crossing, *later]

    def _bagging_from(self) -> float:
        """When bagging comes first: early enough to fit the best on every row."""
        seconds = self.plan.seconds or 0.0
        whole = sum(2 * ROOM * self._pacing.expected(lane) for lane, _ in self._best_climbs())
        return min(self.plan.tuning_share * seconds, seconds - whole / self.plan.slots)

    def _breadth(self, now: float) -> _Choice | None:
        """The lowest open step of the learners that have not been to the top.

        At the top each family's first model comes before anything else.
        """
        open_steps = []
        way_up = self._pacing.way_up(now)
        for order, lane in enumerate(self.lanes):
            if lane.at_top or lane.dead or lane.hopeless:
                continue
            climb = self._leader_or_new(lane)
            if climb is None:
                continue
            step = climb.next(way_up(lane))
            if step is not None and self._pacing.affordable(lane, step, now):
                place = (step.rung, not self.lanes.first(lane), order)
                open_steps.append((place, lane, climb, step))
        if not open_steps:
            return None
        _, lane, climb, step = min(open_steps, key=lambda entry: entry[0])
        return _Choice(lane, self._enter(lane, climb), step, breadth=True)

    def _crossing(self, now: float) -> _Choice | None:
        """The next fold of every learner's first model of all rows, all of them a fold at a time.

        Learners are compared on all rows only if all of them have all folds: everyone or no one.
        """
        if self._crosses is None:
            self._crosses = self._pacing.crosses(now)
        if not self._crosses:
            return None
        open_steps = []
        for order, lane in enumerate(self.lanes):
            climb = next((c for c in lane.climbs if c.at_top), None)
            step = climb.next(self.ladder.others) if climb else None
            if climb and step and self._pacing.affordable(lane, step, now):
                open_steps.append((step.fold, order, lane, climb, step))
        if not open_steps:
            return None
        return _Choice(*min(open_steps, key=lambda entry: entry[:2])[2:])

    def _tuning(self, now: float) -> _Choice | None:
        """A promotion or a new configuration of the learner whose turn it is.

        One whose model of all rows was cut short needs time, not other settings: it makes the
        same model again, with about three times the seconds.
        """
        arrived = [lane for lane in self.lanes if lane.at_top]
        for lane in sorted(arrived, key=self._urgency):
            if lane.wants_time:
                if (longer := self._longer(lane, now)) is not None:
                    return longer
                continue
            for climb, step in self._options(lane):
                if self._pacing.affordable(lane, step, now):
                    return _Choice(lane, self._enter(lane, climb), step)
        return None

    def _bagging(self, now: float) -> _Choice | None:
        """The next step of the best configurations' bags, all of them a step at a time."""
        if not self.ladder.bag or not self.plan.bagged:
            return None
        open_steps = []
        for order, (lane, climb) in enumerate(self._to_bag()):
            step = climb.next(self.ladder.bag)
            if step is not None and self._pacing.affordable(lane, step, now):
                open_steps.append((self.ladder.bag.index(step), order, lane, climb, step))
        if not open_steps:
            return None
        return _Choice(*min(open_steps, key=lambda entry: entry[:2])[2:])

    # ------------------------------------------------------------------- choosing

    def _leader_or_new(self, lane: Lane) -> Climb | None:
        if lane.leader is not None:
            return lane.leader
        return self._new(lane) if self._may_start(lane) else None

    def _new(self, lane: Lane) -> Climb:
        """A climb not entered yet: dealing it may still prove unaffordable."""
        return Climb(Trial(lane.learner.name, len(lane.climbs), {}, self.plan.seed))

    def _enter(self, lane: Lane, climb: Climb) -> Climb:
        if climb.trial.number < len(lane.climbs):
            return climb
        trial = Trial(climb.trial.learner, climb.trial.number, lane.sampler.next(), self.plan.seed)
        lane.climbs.append(Climb(trial))
        return lane.climbs[-1]

    def _longer(self, lane: Lane, now: float) -> _Choice | None:
        """The lane's latest model of all rows again, if there is more time for it."""
        latest, step = lane.latest, Step(TOP, 0)
        if latest is None or step in latest.running or not self._may_start(lane, repeat=True):
            return None
        if not self._pacing.affordable(lane, step, now):
            return None
        lane.sampler.repeat(latest.trial.config)
        lane.climbs.append(Climb(replace(latest.trial, number=len(lane.climbs))))
        return _Choice(lane, lane.climbs[-1], step)

    def _may_start(self, lane: Lane, *, repeat: bool = False) -> bool:
        started = sum(len(other.climbs) for other in self.lanes)
        limit = self._enough if self.plan.trials is None else self.plan.trials
        return started < limit and (repeat or not lane.sampler.exhausted)

    def _options(self, lane: Lane) -> list[tuple[Climb, Step]]:
        """Promotions, the highest first, then a new configuration."""
        options = []
        way = self.ladder.single + (self.ladder.others if self._crosses else ())
        for climb in lane.climbs:
            step = climb.next(way)
            if step is not None and promoted(
                climb, lane.climbs, greater_is_better=self.plan.greater_is_better
            ):
                options.append((climb, step))
        options.sort(key=lambda pair: (-pair[1].rung, pair[1].fold, pair[0].trial.number))
        if self._may_start(lane):
            new = self._new(lane)
            options.append((new, self.ladder.single[0]))
        return options

    def _urgency(self, lane: Lane) -> tuple[float, str]:
        """Low goes first: least spent (equal), or most expected gain for its time (greedy)."""
        if self.plan.allocate == "equal":
            return lane.spent, lane.learner.name
        seconds = self._pacing.expected(lane) + 0.05
        gain = math.exp(-2.0 * self.lanes.gap(lane)) / math.sqrt((1 + len(lane.climbs)) * seconds)
        first = lane.learner.family == self.lanes.starved()
        return -gain - (1e6 if first else 0.0), lane.learner.name

    def _to_bag(self) -> list[tuple[Lane, Climb]]:
        """The climbs that bagging repeats."""
        climbs = {climb.trial.id: (lane, climb) for lane, climb in self.lanes.climbs}
        at_top = sum(climb.at_top for _, climb in climbs.values())
        if self._members is None or not at_top:
            return self._best_climbs()
        if self._bag[0] != at_top:
            # a run that goes on may do so without a learner that it had
            self._bag = at_top, [climbs[trial] for trial in self._members() if trial in climbs]
        return self._bag[1][: self.plan.bagged]

    def _best_climbs(self) -> list[tuple[Lane, Climb]]:
        """The best configuration of each learner, best first, both families among them."""
        sign = -1.0 if self.plan.greater_is_better else 1.0
        found = []
        for lane in self.lanes:
            at_top = [c for c in lane.climbs if c.at_top and not c.failure]
            if at_top and lane.learner.family != "baseline":
                best = min(at_top, key=lambda c: (sign * (c.score(TOP) or 0.0), c.trial.number))
                found.append((sign * (best.score(TOP) or 0.0), lane.learner.name, lane, best))
        found.sort(key=lambda entry: entry[:2])
        ranked = [(lane, climb) for _, _, lane, climb in found]
        families = dict.fromkeys(lane.learner.family for lane, _ in ranked)
        firsts = [
            next(pair for pair in ranked if pair[0].learner.family == family) for family in families
        ]
        rest = [pair for pair in ranked if pair not in firsts]
        return (firsts + rest)[: self.plan.bagged]
