"""Who trains next: a pure state machine over learners, without Ray and without a clock.

First every learner's best default climbs the whole ladder, all learners a rung at a time
(*breadth*), so that the comparison is one. Then the allocation decides who tries more
configurations (*tuning*); at the end the best configurations are repeated on the other
folds (*bagging*).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from automl.search.ladder import TOP, Climb, Ladder, Step, promoted
from automl.search.sampler import Sampler
from automl.types import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from automl.types import Learner, Rung, Status

BREADTH_SHARE = 0.75
"""Part of the search seconds by which every learner should have climbed once."""
STRAIGHT_UP = 0.5
"""Part of the search seconds after which a first configuration skips the rungs below the top."""
HURRIED = 0.8
"""Part of its allowance above which a fit counts as cut short."""
FAMILY_SHARE = 0.25
"""Least part of the seconds that each of deep and classical gets."""
ROOM = 1.35
"""Times its expected seconds that must be left for a fit that would only improve things."""
GRACE = 15.0
"""Seconds beyond four times its allowance after which a fit counts as hung."""
ATTEMPTS = 2
"""Defaults that may fail before their learner is given up."""


@dataclass(frozen=True, slots=True)
class Job:
    """One fit to run now."""

    trial: Trial
    step: Step
    allowance: float = math.inf
    """Seconds the fit is asked to keep to."""
    kill_after: float = math.inf
    """Seconds after which a fit counts as hung and its worker ends it."""
    left: float = math.inf
    """Seconds until the search is over; no worker goes on beyond."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a search may spend and how it is allotted."""

    allocate: Literal["equal", "greedy"] = "greedy"
    seconds: float | None = None
    """Seconds of the search; None makes it depend on nothing but the seed."""
    trials: int | None = None
    slots: int = 2
    seed: int = 0
    greater_is_better: bool = True
    tuning_share: float = 0.8
    """Part of the search seconds after which bagging comes first."""
    bagged: int = 4
    """Configurations repeated on the other folds."""


@dataclass(slots=True)
class Lane:
    """One learner's configurations."""

    learner: Learner
    cost: float
    """Declared cost relative to a linear model."""
    sampler: Sampler
    way: tuple[Step, ...]
    """The steps of a configuration that does well."""
    climbs: list[Climb] = field(default_factory=list)
    spent: float = 0.0
    """Seconds, or declared cost where the plan has no seconds."""
    hopeless: str = ""
    """Why it cannot climb on in the time there is."""

    @property
    def dead(self) -> bool:
        failed = [c for c in self.climbs if c.failure]
        return len(failed) >= ATTEMPTS and not any(c.highest >= 0 for c in self.climbs)

    @property
    def leader(self) -> Climb | None:
        """The climb that carries the learner up in the breadth phase."""
        alive = [c for c in self.climbs if not c.failure]
        return max(alive, key=lambda c: (c.highest, -c.trial.number), default=None)

    @property
    def at_top(self) -> bool:
        return any(c.at_top for c in self.climbs)

    @property
    def arrived(self) -> bool:
        """Whether a configuration has taken every step, all folds of small tables included."""
        folds = [step for step in self.way if step.rung == TOP]
        return any(all(step in c.finished for step in folds) for c in self.climbs)

    @property
    def hurried(self) -> bool:
        """Whether its first model of all rows ran out of time."""
        return any(Step(TOP, 0) in c.hurried for c in self.climbs[:1])

    def pace(self) -> float | None:
        """Seconds a row of the latest finished step of the highest rung."""
        done = [r for c in self.climbs for r in c.finished.values() if r.status == "ok"]
        if not done:
            return None
        last = max(done, key=lambda r: (min(r.rung, TOP), r.fit_seconds))
        return (last.fit_seconds + last.predict_seconds) / max(last.n, 1)


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
        self.lanes = {
            learner.name: Lane(
                learner,
                cost,
                Sampler(learner, plan.seed, greater_is_better=plan.greater_is_better),
                ladder.climb,
            )
            for learner, cost in sorted(lanes, key=lambda pair: (pair[1], pair[0].name))
        }
        rows = ladder.sizes[TOP]
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
                job = self._job(chosen, now)
                chosen.climb.running[chosen.step] = job.allowance
                return job
        return None

    def take(self, rung: Rung) -> None:
        """Record a finished rung, whatever its status."""
        lane = self.lanes[rung.learner]
        climb = next(c for c in lane.climbs if c.trial.id == rung.trial)
        step = Step(rung.rung, rung.fold)
        if rung.fit_seconds > HURRIED * climb.running.pop(step, math.inf):
            climb.hurried.add(step)
        climb.finished[step] = rung
        lane.spent += self._price(lane, step, rung)
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
                    lane.sampler.resume(config)
                lane.climbs.append(Climb(Trial(name, number, config, self.plan.seed)))
        for rung in finished:
            self.take(rung)

    @property
    def running(self) -> list[tuple[Trial, Step]]:
        return [
            (climb.trial, step)
            for lane in self.lanes.values()
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
        reached = max((c.highest for c in lane.climbs), default=-1)
        if reached >= 0:
            return "not_reached", (
                f"the budget ended after {self.ladder.sizes[reached]:,} of "
                f"{self.ladder.sizes[TOP]:,} rows"
            )
        return "not_reached", "the budget ended before it began"

    # --------------------------------------------------------------------- phases

    def _phases(self, now: float) -> list[Callable[[float], _Choice | None]]:
        bagging_first = self.plan.seconds is not None and now >= self._bagging_from()
        later = [self._bagging, self._tuning] if bagging_first else [self._tuning, self._bagging]
        return [self._breadth, *later, self._tuning_hurried]

    def _bagging_from(self) -> float:
        """When bagging comes first: early enough for another fold of the best."""
        seconds = self.plan.seconds or 0.0
        fold = max((self._expected(lane) for lane, _ in self._best_climbs()[:1]), default=0.0)
        return min(self.plan.tuning_share * seconds, seconds - 2 * ROOM * fold)

    def _breadth(self, now: float) -> _Choice | None:
        """The lowest open step of the learners that have not been to the top."""
        open_steps = []
        for order, lane in enumerate(self.lanes.values()):
            if lane.arrived or lane.dead or lane.hopeless:
                continue
            climb = self._leader_or_new(lane)
            step = None if climb is None else climb.next(self._way_up(lane, now))
            if climb is not None and step is not None and self._affordable(lane, step, now):
                open_steps.append((step.rung, order, lane, climb, step))
        if not open_steps:
            return None
        _, _, lane, climb, step = min(open_steps, key=lambda entry: entry[:2])
        return _Choice(lane, self._enter(lane, climb), step, breadth=True)

    def _tuning(self, now: float) -> _Choice | None:
        """A promotion or a new configuration of the learner whose turn it is.

        Not of one whose models are cut short: it needs time, not other settings.
        """
        return self._tune([lane for lane in self.lanes.values() if not lane.hurried], now)

    def _tuning_hurried(self, now: float) -> _Choice | None:
        """The same, when there is nothing better to do."""
        return self._tune(list(self.lanes.values()), now)

    def _tune(self, lanes: list[Lane], now: float) -> _Choice | None:
        for lane in sorted((lane for lane in lanes if lane.arrived), key=self._urgency):
            for climb, step in self._options(lane):
                if self._affordable(lane, step, now):
                    return _Choice(lane, self._enter(lane, climb), step)
        return None

    def _bagging(self, now: float) -> _Choice | None:
        """The next fold of the best configurations, all of them a fold at a time."""
        if not self.ladder.bag or not self.plan.bagged:
            return None
        open_steps = []
        for order, (lane, climb) in enumerate(self._to_bag()):
            step = climb.next(self.ladder.bag)
            if step is not None and self._affordable(lane, step, now):
                open_steps.append((step.fold, order, lane, climb, step))
        if not open_steps:
            return None
        return _Choice(*min(open_steps, key=lambda entry: entry[:2])[2:])

    # ------------------------------------------------------------------- choosing

    def _way_up(self, lane: Lane, now: float) -> tuple[Step, ...]:
        """The steps of breadth; late in the search straight to the top, where models are made.

        A learner that cannot be cut short tries a low rung first, to tell what the top takes;
        one whose first rung was cut short leaves the second out.
        """
        first, *others = self.ladder.climb
        if others and len(self.ladder.sizes) > 3 and any(first in c.hurried for c in lane.climbs):
            return (first, *others[1:])
        late = self.plan.seconds is not None and now > STRAIGHT_UP * self.plan.seconds
        if late and (lane.learner.fidelity is not None or lane.pace() is not None):
            return tuple(step for step in self.ladder.climb if step.rung == TOP)
        return self.ladder.climb

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

    def _may_start(self, lane: Lane) -> bool:
        started = sum(len(other.climbs) for other in self.lanes.values())
        limit = self._enough if self.plan.trials is None else self.plan.trials
        return started < limit and not lane.sampler.exhausted

    def _options(self, lane: Lane) -> list[tuple[Climb, Step]]:
        """Promotions, the highest first, then a new configuration."""
        options = []
        for climb in lane.climbs:
            step = climb.next(self.ladder.climb)
            if step is not None and promoted(
                climb, lane.climbs, greater_is_better=self.plan.greater_is_better
            ):
                options.append((climb, step))
        options.sort(key=lambda pair: (-pair[1].rung, pair[1].fold, pair[0].trial.number))
        if self._may_start(lane):
            new = self._new(lane)
            options.append((new, self.ladder.climb[0]))
        return options

    def _urgency(self, lane: Lane) -> tuple[float, str]:
        """Low goes first: least spent (equal), or most expected gain for its time (greedy)."""
        if self.plan.allocate == "equal":
            return lane.spent, lane.learner.name
        seconds = self._expected(lane) + 0.05
        gain = math.exp(-2.0 * self._gap(lane)) / math.sqrt((1 + len(lane.climbs)) * seconds)
        first = lane.learner.family == self._starved()
        return -gain - (1e6 if first else 0.0), lane.learner.name

    def _starved(self) -> str | None:
        """The family that has spent less than its share of the seconds so far."""
        total = sum(lane.spent for lane in self.lanes.values())
        for family in ("deep", "classical"):
            own = [lane for lane in self.lanes.values() if lane.learner.family == family]
            alive = any(not lane.dead and not lane.hopeless for lane in own)
            if alive and sum(lane.spent for lane in own) < FAMILY_SHARE * total:
                return family
        return None

    def _gap(self, lane: Lane) -> float:
        """How far the learner's best is behind the best, in units of the learners' spread."""
        bests = sorted(
            (b for other in self.lanes.values() if (b := self._best(other)) is not None),
            reverse=self.plan.greater_is_better,
        )
        own = self._best(lane)
        return 1.0 if own is None else _in_spreads(own, bests)

    def _best(self, lane: Lane, rung: int = TOP) -> float | None:
        scores = [s for c in lane.climbs if (s := c.score(rung)) is not None]
        if not scores:
            return None
        return max(scores) if self.plan.greater_is_better else min(scores)

    def _to_bag(self) -> list[tuple[Lane, Climb]]:
        """The climbs that bagging repeats on the other folds."""
        climbs = {c.trial.id: (lane, c) for lane in self.lanes.values() for c in lane.climbs}
        at_top = sum(climb.at_top for _, climb in climbs.values())
        if self._members is None or not at_top:
            return self._best_climbs()
        if self._bag[0] != at_top:
            self._bag = at_top, [climbs[trial] for trial in self._members()]
        return self._bag[1][: self.plan.bagged]

    def _best_climbs(self) -> list[tuple[Lane, Climb]]:
        """The best configuration of each learner, best first, both families among them."""
        sign = -1.0 if self.plan.greater_is_better else 1.0
        found = []
        for lane in self.lanes.values():
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

    # ----------------------------------------------------------------------- time

    def _expected(self, lane: Lane, step: Step | None = None) -> float:
        """Seconds the step should take (the top rung by default); declared cost without pace."""
        rows = self.ladder.rows(step or Step(TOP, 0))
        if self.plan.seconds is None or (pace := lane.pace()) is None:
            return lane.cost * rows / self.ladder.sizes[TOP]
        return pace * rows

    def _price(self, lane: Lane, step: Step, rung: Rung) -> float:
        if self.plan.seconds is None:
            return lane.cost * self.ladder.share(step)
        return rung.fit_seconds + rung.predict_seconds

    def _affordable(self, lane: Lane, step: Step, now: float) -> bool:
        """Whether the step can be over before the search is."""
        if self.plan.seconds is None:
            return True
        left = self.plan.seconds - now
        first = not lane.at_top
        expected = 0.0 if lane.pace() is None else self._expected(lane, step)
        if lane.learner.fidelity is not None and first:
            return left > 1.0
        fits = left > max(0.7, (1.1 if first else ROOM) * expected)
        if first and not fits and lane.pace() is not None:
            lane.hopeless = (
                f"{self.ladder.rows(step):,} rows would take about {expected:.0f} s, "
                f"{max(left, 0.0):.0f} s were left"
            )
        return fits

    def _job(self, chosen: _Choice, now: float) -> Job:
        lane, climb, step, breadth = chosen
        if self.plan.seconds is None:
            return Job(climb.trial, step)
        left = self.plan.seconds - now
        expected = self._expected(lane, step) if lane.pace() is not None else 0.0
        if breadth:
            allowance = max(0.5, self._breadth_share(lane, step, now))
        else:
            allowance = max(1.0, 2 * ROOM * expected)
        allowance = max(0.2, min(allowance, 0.92 * left - 0.3))
        return Job(climb.trial, step, allowance, 4 * max(allowance, expected) + GRACE, left)

    def _breadth_share(self, lane: Lane, step: Step, now: float) -> float:
        """The step's part of the time that breadth has left.

        By rows still to climb; greedily, at the top the learners that led below get more.
        """
        seconds = self.plan.seconds or 0.0
        core_seconds = self.plan.slots * max(0.0, BREADTH_SHARE * seconds - now)
        ahead = 0.0
        for other in self.lanes.values():
            if other.arrived or other.dead or other.hopeless:
                continue
            taken = {s for c in other.climbs[:1] for s in c.finished}
            highest = max((s.rung for s in taken), default=-1)
            ahead += sum(
                self._weight(other, s)
                for s in self.ladder.climb
                if s.rung >= highest and s not in taken
            )
        own = self._weight(lane, step)
        part = own / max(ahead, own)
        if step.rung == TOP and lane.learner.family == self._starved():
            part = max(part, FAMILY_SHARE * seconds / max(core_seconds, 1.0))
        return core_seconds * part

    def _weight(self, lane: Lane, step: Step) -> float:
        weight = self.ladder.share(step) * math.sqrt(1 + lane.cost)
        if step.rung < TOP or self.plan.allocate == "equal":
            return weight
        return weight * max(0.1, math.exp(-2.0 * self._gap_below(lane)))

    def _gap_below(self, lane: Lane) -> float:
        """How far the learner was behind on the highest rung below the top that it finished."""
        rung = max((c.highest for c in lane.climbs), default=-1)
        own = self._best(lane, rung)
        rivals = sorted(
            (s for other in self.lanes.values() if (s := self._best(other, rung)) is not None),
            reverse=self.plan.greater_is_better,
        )
        return 0.5 if own is None else _in_spreads(own, rivals)


def _in_spreads(own: float, ranked: Sequence[float]) -> float:
    """Distance from the best in units of the distance between the best and the median."""
    spread = abs(ranked[0] - ranked[len(ranked) // 2]) or 1e-12
    return abs(ranked[0] - own) / spread
