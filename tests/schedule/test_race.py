"""The race of a study, and what it does with the seconds saved."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.schedule.test_study import PARTED, REPEATS, SIZES, World

NETS = {f"net{i}": 1.0 for i in range(6)}
TREES = {f"tree{i}": 0.5 for i in range(6)}
WORSE = {name: int(name[-1]) / 100 for name in NETS | TREES}
LEADING = {"net0", "net1", "net2", "tree0", "tree1", "tree2"}


def repeats_of(world) -> dict[str, set[int]]:
    """Learner -> the repeats in which it was dealt its default at the top."""
    return {
        name: {
            r.repeat
            for r in world.dealt
            if r.learner == name and r.level == len(SIZES) - 1 and r.trial.endswith("-0")
        }
        for name in world.seconds
    }


@pytest.mark.parametrize("seconds", [None, 5000])
def test_all_have_one_repeat_and_those_that_validation_puts_first_the_others(seconds):
    world = World(NETS | TREES, worse=WORSE, racing=3)
    scheduler = world.scheduler(seconds)
    world.run(scheduler)
    found = repeats_of(world)
    assert all(found[name] == set(range(REPEATS)) for name in LEADING)
    others = set(found) - LEADING
    assert set(scheduler.eliminated) == others
    assert all(0 in found[name] for name in others)
    if seconds is None:  # nothing depends on the clock, so nobody starts on a guess
        assert all(found[name] == {0} for name in others)


def test_whoever_is_behind_by_luck_alone_goes_on():
    world = World(NETS | TREES, worse=WORSE, racing=3, regimes=("default",))
    scheduler = world.scheduler(None)
    for state in scheduler.learners.values():
        state.beats = lambda one, other: abs(one.score - other.score) > 0.015
    world.run(scheduler)
    # the fourth is beaten by the first two, the fifth by three
    assert scheduler.eliminated == ("net4", "net5", "tree4", "tree5")


def test_who_is_eliminated_is_not_tuned():
    world = World(NETS | TREES, worse=WORSE, racing=3)
    world.run(world.scheduler(None))
    tuned = {r.learner for r in world.dealt if not r.trial.endswith("-0")}
    assert tuned == LEADING


def test_where_settings_are_tuned_at_every_level_the_race_is_among_tuned_ones():
    few = dict.fromkeys(("net0", "net1", "tree0", "tree1"), 0.1)
    world = World(few, worse=WORSE, racing=1, regimes=("retuned",))
    world.run(world.scheduler(None))
    cells = Counter((r.learner, r.repeat) for r in world.dealt)
    assert {cells["net1", repeat] for repeat in range(REPEATS)} == {4 * len(SIZES), 0}
    assert {cells["net0", repeat] for repeat in range(REPEATS)} == {4 * len(SIZES)}


@pytest.mark.parametrize(
    "regimes", [("default", "transferred", "retuned"), ("transferred",), ("transferred", "retuned")]
)
def test_when_the_race_is_done_nothing_more_is_expected(regimes):
    few = dict.fromkeys(("net0", "net1", "tree0", "tree1"), 0.1)
    world = World(few, worse=WORSE, racing=1, regimes=regimes, subsets=PARTED)
    scheduler = world.scheduler(50_000)
    assert scheduler.expected_seconds() > 0
    world.run(scheduler)
    assert scheduler.expected_seconds() == 0
    assert scheduler.eliminated == ("net1", "tree1")


def test_few_learners_do_not_race():
    world = World({"net0": 1.0, "net1": 1.0, "tree0": 0.5}, worse=WORSE, racing=3)
    scheduler = world.scheduler(None)
    world.run(scheduler)
    assert not scheduler.eliminated
    assert set(map(len, repeats_of(world).values())) == {REPEATS}


def test_who_did_not_get_as_far_as_half_of_the_family_comes_behind():
    """However good it is there."""
    world = World(NETS | TREES | {"net9": 60.0}, worse=WORSE | {"net9": -0.1}, racing=3)
    scheduler = world.scheduler(150)
    world.run(scheduler)
    assert max(r.level for r in world.dealt if r.learner == "net9") < len(SIZES) - 1
    assert "net9" in scheduler.eliminated


def test_the_seconds_saved_buy_the_others_repeats():
    """In seconds in which all could not have five repeats of all rows."""
    everyone = World(NETS | TREES, worse=WORSE, regimes=("default",))
    everyone.run(everyone.scheduler(60))
    raced = World(NETS | TREES, worse=WORSE, regimes=("default",), racing=3)
    assert raced.run(raced.scheduler(60)) <= 60
    before, after = repeats_of(everyone), repeats_of(raced)
    assert sum(len(after[name]) for name in LEADING) > sum(len(before[name]) for name in LEADING)
    assert all(len(after[name]) == REPEATS for name in LEADING)


def test_spare_seconds_buy_further_subsets_where_fits_are_cheap():
    costs = {"net0": 1.0, "tree0": 0.5}
    world = World(costs, regimes=("default",), subsets=PARTED, narrows=True)
    assert world.run(world.scheduler(300)) <= 300
    folds = Counter(r.level for r in world.dealt if r.learner == "net0" and r.repeat == 4)
    assert folds[2] == 8
    assert folds[3] == 5
    assert folds[0] == folds[1] == folds[len(SIZES) - 1] == 1  # outside of the rate, and all rows
    further = [i for i, r in enumerate(world.dealt) if r.fold >= PARTED[r.level]]
    planned = [i for i, r in enumerate(world.dealt) if r.fold < PARTED[r.level] and r.repeat < 4]
    assert min(further) > max(planned)
    assert len({r.key for r in world.dealt}) == len(world.dealt)


def test_short_of_time_the_cheapest_subsets_come_first():
    costs = {"net0": 1.0, "tree0": 0.5}
    plan = World(costs, regimes=("default",), subsets=PARTED)
    plan.run(plan.scheduler(None))
    needed = sum(r.fit_seconds for r in plan.dealt)
    world = World(costs, regimes=("default",), subsets=PARTED, narrows=True)
    world.run(world.scheduler(needed / 2 / 0.9 + 3))
    further = Counter(r.level for r in world.dealt if r.fold >= PARTED[r.level])
    assert further
    assert further[2] >= max(further.values())


@settings(max_examples=8)
@given(cut=st.integers(1, 200))
def test_a_resumed_race_ends_as_it_would_have(cut):
    whole = World(NETS | TREES, worse=WORSE, racing=3, regimes=("default",))
    whole.run(whole.scheduler(None))
    first = World(NETS | TREES, worse=WORSE, racing=3, regimes=("default",))
    first.run(first.scheduler(None), stop_after=cut)
    second = World(
        NETS | TREES, dealt=list(first.dealt), worse=WORSE, racing=3, regimes=("default",)
    )
    scheduler = second.scheduler(None)
    scheduler.replay(first.dealt)
    second.run(scheduler)
    assert {r.key for r in second.dealt} == {r.key for r in whole.dealt}
