from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.scaling import window
from automl.schedule.study import StudyScheduler
from automl.schedule.study_state import StudyLearner
from automl.space import Float
from automl.types import Learner, Rung
from automl.workflow.study.points import Marks, points_of

SIZES = (1000, 1415, 2000, 2829, 4000, 5657, 8000, 11314, 16000)
REPEATS = 5


@dataclass
class World:
    """Learners with known seconds at the top; time grows as n^1.1."""

    seconds: dict[str, float]
    failing: frozenset[str] = frozenset()
    regimes: tuple[str, ...] = ("default", "transferred")
    subsets: tuple[int, ...] = ()
    dealt: list[Rung] = field(default_factory=list)
    worse: dict[str, float] = field(default_factory=dict)
    """Learner -> what its scores lack."""
    racing: int | None = None
    narrows: bool = False

    def scheduler(self, seconds: float | None, slots: int = 2) -> StudyScheduler:
        learners = [
            StudyLearner(
                learner=Learner(
                    name=name,
                    family="deep" if name.startswith("net") else "classical",
                    tasks=frozenset({"binary"}),
                    view="matrix",
                    factory="nowhere:build",
                    space={"x": Float(0, 1)},
                    defaults=({"x": 0.5}, {"x": 0.25}),
                ),
                cost=cost,
                sizes=SIZES,
                top=len(SIZES) - 1,
                regimes=self.regimes,
                tuned_at=2,
                subsets=self.subsets,
                room=tuple(SIZES[-1] // n for n in SIZES) if self.subsets else (),
                trials=4,
                seed=0,
                greater_is_better=True,
            )
            for name, cost in self.seconds.items()
        ]
        return StudyScheduler(
            learners,
            REPEATS,
            seconds=seconds,
            slots=slots,
            racing=self.racing,
            window=window if self.narrows else None,
        )

    def rung(self, job) -> Rung:
        name = job.trial.learner
        failed = name in self.failing
        took = self.seconds[name] * (SIZES[job.cell.level] / SIZES[-1]) ** 1.1
        return Rung(
            learner=name,
            trial=job.trial.id,
            config=job.trial.config,
            **job.cell._asdict(),
            seed=job.trial.seed,
            n=SIZES[job.cell.level],
            score=None if failed else self.score(job),
            fit_seconds=0.1 if failed else took,
            predict_seconds=0.0,
            status="failed" if failed else "ok",
            reason="it always fails" if failed else "",
        )

    def score(self, job) -> float:
        """Best at x = .4; repeats scatter the more, the fewer the rows."""
        scatter = (job.cell.repeat - REPEATS / 2) / SIZES[job.cell.level]
        found = 1 - abs(job.trial.config["x"] - 0.4) - self.worse.get(job.trial.learner, 0.0)
        return found + (scatter if self.narrows else 0.0)

    def run(self, scheduler, stop_after: int | None = None) -> float:
        """Carry the study out; gives the time when the last fit ended."""
        now, busy, number = 0.0, [], 0
        while True:
            while len(busy) < 2 and (scheduler.seconds is None or now < scheduler.seconds):
                job = scheduler.next_job(now) if stop_after is None or number < stop_after else None
                if job is None:
                    break
                number += 1
                rung = self.rung(job)
                assert rung.fit_seconds < job.hard_limit
                heapq.heappush(busy, (now + rung.fit_seconds + 0.02, number, rung))
            if not busy:
                return now
            now, _, rung = heapq.heappop(busy)
            self.dealt.append(rung)
            scheduler.take(rung)


PARTED = (1, 1, 4, 2, 1, 1, 1, 1, 1)
FIVE = {"linear": 0.2, "tree": 0.1, "boosting": 3.0, "forest": 2.0, "net": 12.0}


def test_the_cheap_end_is_repeated_on_further_subsets():
    world = World(FIVE, subsets=PARTED, regimes=("default",))
    world.run(world.scheduler(None))
    assert Counter(r.level for r in world.dealt) == {
        level: count * len(FIVE) * REPEATS for level, count in enumerate(PARTED)
    }
    assert {r.fold for r in world.dealt if r.level == 2} == {0, 1, 2, 3}
    repeats = [r.repeat for r in world.dealt if r.learner == "linear"]
    assert repeats == sorted(repeats)


def test_settings_without_a_score_on_the_first_subset_get_no_further_one():
    world = World({"a": 0.1, "b": 0.1}, subsets=PARTED, failing=frozenset({"b"}))
    world.run(world.scheduler(None))
    assert not any(r.fold for r in world.dealt if r.learner == "b")


def test_a_point_is_the_mean_of_the_fits_on_its_subsets():
    world = World({"a": 0.1}, subsets=PARTED, regimes=("default",))
    scheduler = world.scheduler(None)
    world.run(scheduler)

    class Scorer(Stub):
        def marks(self, rung):
            return Marks(1, float(rung.fold), None)

        def terms(self, rung):
            return (np.array([rung.fold, 1.0 - rung.fold]),)

    points = points_of(scheduler, Stub(), Scorer())
    assert len(points) == len(SIZES) * REPEATS
    for point in points:
        count = PARTED[SIZES.index(int(point.n))]
        assert (point.fits, point.score[0]) == (count, (count - 1) / 2)
        assert point.terms()[0].tolist() == [(count - 1) / 2, 1 - (count - 1) / 2]


@settings(max_examples=12)
@given(
    costs=st.lists(st.floats(0.02, 60), min_size=2, max_size=8),
    seconds=st.floats(60, 3600),
)
def test_a_study_ends_in_its_time_and_takes_nothing_twice(costs, seconds):
    world = World({f"l{i}": cost for i, cost in enumerate(costs)})
    assert world.run(world.scheduler(seconds)) <= seconds
    assert len({r.key for r in world.dealt}) == len(world.dealt)


def test_with_time_enough_everyone_reaches_the_top_in_every_repeat():
    world = World(FIVE)
    scheduler = world.scheduler(20_000)
    world.run(scheduler)
    for name in FIVE:
        tops = {r.repeat for r in world.dealt if r.learner == name and r.n == SIZES[-1]}
        assert tops == set(range(REPEATS))


def test_the_slowest_stops_lower_and_the_others_do_not():
    world = World(FIVE)
    world.run(world.scheduler(80))
    fits = Counter((r.learner, r.n) for r in world.dealt if r.trial.endswith("-0"))
    assert all(fits[name, SIZES[-1]] == REPEATS for name in ("linear", "tree"))
    reached = [n for n in SIZES if fits["net", n] >= 3]
    assert SIZES[0] <= max(reached) < SIZES[-1]


def test_no_learner_gets_more_than_an_equal_share_while_others_go_short():
    world = World({"a": 30.0, "b": 30.0, "c": 30.0})
    world.run(world.scheduler(600))
    spent = Counter()
    for rung in world.dealt:
        spent[rung.learner] += rung.fit_seconds
    assert max(spent.values()) < 1.5 * min(spent.values())  # rounding goes to one of them


def test_what_the_dearest_spent_counts_against_its_share():
    """Early on nobody has spent much, and everything looks affordable."""
    world = World({"a": 12.0, "b": 14.0, "c": 16.0, "dear": 60.0}, regimes=("default",))
    scheduler = world.scheduler(560)
    world.run(scheduler)
    fits = Counter((r.learner, r.n) for r in world.dealt)
    assert all(fits[name, SIZES[-1]] == REPEATS for name in "abc")
    assert max(n for n in SIZES if fits["dear", n] >= 3) >= SIZES[-1] / 4


def test_the_first_repeat_comes_first_and_tuning_last():
    world = World(FIVE)
    world.run(world.scheduler(20_000))
    plain = [i for i, r in enumerate(world.dealt) if r.trial.endswith("-0")]
    tuned = [i for i, r in enumerate(world.dealt) if not r.trial.endswith("-0")]
    last_of_first = max(i for i in plain if world.dealt[i].repeat == 0)
    first_of_third = min(i for i in plain if world.dealt[i].repeat == 2)
    assert last_of_first < first_of_third
    assert plain[-3] < tuned[0]  # two slots: in the order in which they ended


def test_short_of_time_repeats_come_before_tuning_and_before_an_octave_of_rows():
    world = World({"a": 3.0, "b": 12.0, "c": 14.0})
    world.run(world.scheduler(250))
    fits = Counter((r.learner, r.n) for r in world.dealt if r.trial.endswith("-0"))
    for name in "abc":
        assert max(n for n in SIZES if fits[name, n] == REPEATS) >= SIZES[-1] / 2
    assert all(r.trial.endswith("-0") for r in world.dealt if r.learner != "a")


def test_tuning_happens_on_few_rows_and_its_choice_goes_all_the_way():
    world = World(FIVE)
    scheduler = world.scheduler(20_000)
    world.run(scheduler)
    state = scheduler.learners["boosting"]
    for repeat in range(REPEATS):
        tried = {
            r.trial
            for r in world.dealt
            if r.learner == "boosting" and r.repeat == repeat and r.level == state.tuned_at
        }
        assert len(tried) == state.trials
        chosen = state.chosen(repeat)
        best = min(abs(state.configs[int(t.rpartition("-")[2])]["x"] - 0.4) for t in tried)
        assert abs(state.configs[chosen]["x"] - 0.4) == pytest.approx(best)
        levels = {level for number, level, r in state.finished if (number, r) == (chosen, repeat)}
        assert levels == set(range(len(SIZES)))


@pytest.mark.parametrize("luck", [True, False])
def test_what_beats_the_default_by_luck_gives_way_to_it(luck):
    world = World({"a": 0.1})
    scheduler = world.scheduler(None)
    asked = []

    def beats(ahead, default):
        asked.append(ahead.score - default.score)
        return not luck

    scheduler.learners["a"].beats = beats
    world.run(scheduler)
    chosen = {scheduler.learners["a"].chosen(repeat) for repeat in range(REPEATS)}
    assert (chosen == {0}) == luck
    assert min(asked) > 0


def test_retuning_tries_the_same_number_everywhere_and_spends_alike():
    world = World({"a": 0.1, "b": 0.2}, regimes=("retuned",))
    world.run(world.scheduler(20_000))
    tried = Counter((r.learner, r.level, r.repeat) for r in world.dealt)
    assert set(tried.values()) == {4}
    short = World({"a": 0.1, "b": 20.0}, regimes=("retuned",))
    short.run(short.scheduler(900))
    tried = Counter((r.learner, r.level, r.repeat) for r in short.dealt)
    assert tried["a", 0, 0] == 4
    assert max(count for (name, _, _), count in tried.items() if name == "b") < 4


def test_a_failing_learner_is_given_up():
    world = World(FIVE, failing=frozenset({"net"}))
    scheduler = world.scheduler(400)
    world.run(scheduler)
    assert scheduler.learners["net"].dead
    assert sum(r.learner == "net" for r in world.dealt) <= 3
    assert any(r.learner == "forest" and r.n == SIZES[-1] for r in world.dealt)


@settings(max_examples=8)
@given(cut=st.integers(1, 120))
def test_a_resumed_study_goes_on_where_it_was(cut):
    whole = World(FIVE, subsets=PARTED)
    whole.run(whole.scheduler(None))
    first = World(FIVE, subsets=PARTED)
    first.run(first.scheduler(None), stop_after=cut)
    second = World(FIVE, dealt=list(first.dealt), subsets=PARTED)
    scheduler = second.scheduler(None)
    scheduler.replay(first.dealt)
    second.run(scheduler)
    assert len({r.key for r in second.dealt}) == len(second.dealt)
    assert {(r.key, r.config["x"]) for r in second.dealt} == {
        (r.key, r.config["x"]) for r in whole.dealt
    }


@dataclass
class Slow(World):
    """Settings number 1 never end by themselves."""

    def rung(self, job) -> Rung:
        rung = super().rung(job)
        if job.trial.number != 1:
            return rung
        took = min(job.hard_limit - 0.01, 100.0)
        return replace(rung, status="not_reached", score=None, fit_seconds=took)


def test_slow_settings_are_ended_and_their_learner_goes_on():
    world = Slow(FIVE)
    scheduler = world.scheduler(20_000)
    world.run(scheduler)
    for state in scheduler.learners.values():
        tops = {(n, r) for n, level, r in state.finished if level == len(SIZES) - 1}
        assert {r for n, r in tops if n == 0} == set(range(REPEATS))
        assert all(state.chosen(repeat) not in (None, 1) for repeat in range(REPEATS))


def test_no_settings_are_ended_within_the_time_they_may_take():
    world = World(FIVE)
    scheduler = world.scheduler(20_000)
    for state in scheduler.learners.values():
        state.rate = 0.01
    for _ in range(40):
        job = scheduler.next_job(0.0)
        assert job.hard_limit > job.soft_limit < job.time_left
        scheduler.take(world.rung(job))


@pytest.mark.parametrize(
    "regimes",
    [("default",), ("default", "transferred"), ("retuned",), ("default", "transferred", "retuned")],
)
def test_when_everything_is_done_nothing_more_is_expected(regimes):
    costs, failing = FIVE | {"never": 1.0}, frozenset({"never"})
    world = World(costs, regimes=regimes, failing=failing, subsets=PARTED)
    scheduler = world.scheduler(50_000)
    assert scheduler.expected_seconds() > 0
    world.run(scheduler)
    assert scheduler.expected_seconds() == 0


def test_a_study_that_goes_on_without_time_keeps_what_was_tuned():
    world = World({"a": 0.1}, regimes=("retuned",))
    world.run(world.scheduler(20_000))
    later = world.scheduler(0.01)
    later.replay(world.dealt)
    points = points_of(later, Stub(), Stub())
    assert len(points) == len(world.dealt) == 4 * len(SIZES) * REPEATS


class Stub:
    """An axis and a scorer that know nothing."""

    trials = None

    def values(self, level, order):
        return (float(SIZES[level]),)

    def marks(self, rung):
        return Marks(1, 0.5, None)


def test_a_fit_that_its_learner_declines_is_over():
    world = World(FIVE)
    scheduler = world.scheduler(400)
    job = scheduler.next_job(0.0)
    assert scheduler.declined(job, 100.0)
    scheduler.take(replace(world.rung(job), status="not_reached", score=None))
    later = [scheduler.next_job(0.0) for _ in range(3)]
    assert (job.trial.id, job.cell) not in [(one.trial.id, one.cell) for one in later]


def test_a_fit_cut_short_by_the_end_may_be_dealt_again():
    world = World(FIVE)
    scheduler = world.scheduler(400)
    job = scheduler.next_job(0.0)
    scheduler.drop(job)
    assert not scheduler.running
    assert scheduler.next_job(0.0).cell == job.cell
