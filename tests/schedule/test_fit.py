from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.rows.ladder import BAG, Ladder
from automl.schedule.base import Plan
from automl.schedule.fit import FitScheduler
from automl.types import TOP, Cell
from tests.schedule.world import World

SIX = {"baseline": 0.05, "linear": 1.0, "tree": 0.5, "forest": 8.0, "boosting": 6.0, "net": 15.0}
DEEP = ("net",)


def tops(rungs):
    return {r.learner for r in rungs if r.rung == TOP and r.fold == 0 and r.status == "ok"}


@settings(max_examples=20)  # each is a whole search
@given(
    costs=st.lists(st.floats(0.05, 20), min_size=2, max_size=8),
    seconds=st.floats(60, 300),
    allocate=st.sampled_from(["equal", "greedy"]),
)
def test_learners_that_can_be_cut_short_all_reach_the_top_in_time(costs, seconds, allocate):
    world = World({f"l{i}": cost for i, cost in enumerate(costs)})
    scheduler = world.scheduler(Plan(seconds=seconds, allocate=allocate), deep=("l0",))
    rungs, end = world.run(scheduler)
    assert end <= seconds
    assert tops(rungs) == set(world.seconds)
    assert all(scheduler.outcomes()[name] == ("ok", "") for name in world.seconds)


@settings(max_examples=20)  # each is a whole search
@given(seconds=st.floats(5, 120), trials=st.none() | st.integers(1, 20))
def test_no_configuration_skips_a_step_or_takes_one_twice(seconds, trials):
    world = World(SIX)
    rungs, _ = world.run(world.scheduler(Plan(seconds=seconds, trials=trials), DEEP))
    assert len({r.key for r in rungs}) == len(rungs)
    seen: dict[str, list[int]] = {}
    for rung in rungs:
        if rung.rung <= TOP:
            seen.setdefault(rung.trial, []).append(rung.rung)
    for climbed in seen.values():
        assert climbed == sorted(climbed)
    if trials is not None:
        assert len(seen) <= trials


def test_a_short_search_still_makes_models():
    world = World(dict.fromkeys(SIX, 30.0))
    rungs, end = world.run(world.scheduler(Plan(seconds=20), DEEP))
    assert end <= 20
    assert len(tops(rungs)) >= 3


def test_a_learner_that_cannot_be_cut_short_is_left_where_it_stands_with_a_reason():
    world = World(SIX | {"svm": 200.0}, fixed=frozenset({"svm"}))
    scheduler = world.scheduler(Plan(seconds=40), DEEP)
    rungs, end = world.run(scheduler)
    assert end <= 40
    assert "svm" not in tops(rungs)
    status, reason = scheduler.outcomes()["svm"]
    assert status == "not_reached"
    assert " rows would take about " in reason


def test_a_learner_whose_defaults_fail_is_given_up_and_the_others_go_on():
    world = World(SIX, failing=frozenset({"forest"}))
    scheduler = world.scheduler(Plan(seconds=60), DEEP)
    rungs, _ = world.run(scheduler)
    assert scheduler.outcomes()["forest"] == ("failed", "it always fails")
    assert sum(r.learner == "forest" for r in rungs) == 2
    assert tops(rungs) == set(SIX) - {"forest"}


@pytest.mark.parametrize("allocate", ["equal", "greedy"])
def test_each_family_gets_its_share_of_the_seconds(allocate):
    world = World(SIX)
    scheduler = world.scheduler(Plan(seconds=600, allocate=allocate, bagged=0), DEEP)
    rungs, _ = world.run(scheduler)
    total = sum(r.fit_seconds for r in rungs)
    net = sum(r.fit_seconds for r in rungs if r.learner == "net")
    assert 0.2 * total <= net <= 0.8 * total


def test_poor_configurations_stop_low():
    world = World(SIX)
    rungs, _ = world.run(world.scheduler(Plan(seconds=600), DEEP))
    started = {r.trial for r in rungs}
    at_top = {r.trial for r in rungs if r.rung == TOP}
    assert len(at_top) <= 0.6 * len(started)


def test_the_best_of_both_families_are_repeated_on_the_other_folds():
    world = World(SIX)
    rungs, _ = world.run(world.scheduler(Plan(seconds=600), DEEP))
    bagged = {r.learner for r in rungs if r.rung == BAG}
    assert "net" in bagged
    assert bagged - {"net"}


def test_small_tables_run_every_fold_at_the_top():
    world = World(SIX, ladder=Ladder({2: 200, 3: 400}, 5, all_folds_at_top=True))
    rungs, _ = world.run(world.scheduler(Plan(seconds=600), DEEP))
    for name in SIX:
        folds = {r.fold for r in rungs if r.trial == f"{name}-0" and r.rung == TOP}
        assert folds == set(range(5))
    assert {r.fold for r in rungs if r.rung == BAG} == {5}  # every row, of the best


def test_the_best_are_fitted_on_every_row_before_they_are_on_another_fold():
    world = World(SIX)
    rungs, _ = world.run(world.scheduler(Plan(seconds=600), DEEP))
    bags = {}
    for r in rungs:
        if r.rung == BAG:
            bags.setdefault(r.trial, []).append(r.fold)
    assert bags
    assert all(folds == [5, 1, 2, 3, 4][: len(folds)] for folds in bags.values())


def test_rows_in_time_are_refitted_on_all_of_them():
    ladder = Ladder({0: 100, 3: 800}, 1, all_folds_at_top=False, refit=True)
    world = World(SIX, ladder=ladder)
    rungs, _ = world.run(world.scheduler(Plan(seconds=200), DEEP))
    assert {(r.rung, r.fold) for r in rungs if r.rung == BAG} == {(BAG, 1)}


@settings(max_examples=20)  # each is a whole search
@given(cut=st.integers(1, 40))
def test_a_resumed_search_never_takes_a_finished_step_again(cut):
    world = World(SIX)
    plan = Plan(seconds=120)
    rungs, _ = world.run(world.scheduler(plan, DEEP))
    before = rungs[:cut]
    scheduler = world.scheduler(plan, DEEP)
    scheduler.replay(before)
    after, _ = world.run(scheduler)
    keys = [r.key for r in before + after]
    assert len(set(keys)) == len(keys)
    configs: dict[str, object] = {}
    for rung in before + after:
        assert configs.setdefault(rung.trial, rung.config) == rung.config


def test_without_a_clock_the_same_seed_deals_the_same_jobs():
    world = World(SIX)
    plan = Plan(trials=25, seed=3)
    first, _ = world.run(world.scheduler(plan, DEEP))
    second, _ = world.run(world.scheduler(plan, DEEP))
    assert first == second
    other, _ = world.run(world.scheduler(replace(plan, seed=4), DEEP))
    assert [r.config for r in other] != [r.config for r in first]


def test_a_trial_limit_below_the_number_of_learners_says_who_was_not_reached():
    world = World(SIX)
    scheduler = world.scheduler(Plan(trials=2), DEEP)
    rungs, _ = world.run(scheduler)
    assert len({r.trial for r in rungs}) == 2
    assert scheduler.outcomes()["net"][0] == "not_reached"


def test_a_step_shares_the_rows_of_the_top_when_bagging():
    ladder = Ladder({0: 100, 3: 800}, 3, all_folds_at_top=False)
    assert ladder.rows(Cell(BAG, 2)) == 800
    assert ladder.share(Cell(0, 0)) == 0.125


def test_a_model_that_was_cut_short_is_made_again_with_more_time():
    world = World({f"l{i}": 100.0 for i in range(8)})
    rungs, end = world.run(world.scheduler(Plan(seconds=100, slots=1)))
    assert end <= 100
    made: dict[str, list[float]] = {}
    for rung in rungs:
        if rung.rung >= TOP and rung.fold in {0, 5} and rung.config == {"x": 0.5}:
            made.setdefault(rung.learner, []).append(rung.fit_seconds)
    again = [seconds for seconds in made.values() if len(seconds) > 1]
    assert again
    assert all(seconds[1] > 1.3 * seconds[0] for seconds in again)


@pytest.mark.parametrize("learners", [1, 2, 3])
def test_the_last_of_few_slow_learners_gets_what_is_left(learners):
    world = World({f"l{i}": 100.0 for i in range(learners)})
    rungs, end = world.run(world.scheduler(Plan(seconds=100, slots=1)))
    assert 90 <= end <= 100
    assert tops(rungs) == set(world.seconds)


def test_a_model_that_was_not_cut_short_is_never_made_again():
    world = World(SIX)
    rungs, _ = world.run(world.scheduler(Plan(seconds=300), DEEP))
    tried = [(r.learner, r.rung, r.fold, tuple(r.config.items())) for r in rungs]
    assert len(set(tried)) == len(tried)


def test_at_the_top_each_family_has_a_model_before_any_has_two():
    world = World(dict.fromkeys(SIX, 5.0))
    rungs, _ = world.run(world.scheduler(Plan(seconds=60, slots=1), DEEP))
    first, second = [r.learner for r in rungs if r.rung == TOP][:2]
    assert (first in DEEP) != (second in DEEP)


def test_of_small_tables_every_learner_has_one_fold_before_any_has_two():
    ladder = Ladder({3: 300}, 5, all_folds_at_top=True)
    world = World(dict.fromkeys(SIX, 2.0), ladder=ladder)
    rungs, _ = world.run(world.scheduler(Plan(seconds=40, slots=1), DEEP))
    assert [r.fold for r in rungs][: len(SIX)] == [0] * len(SIX)


@given(seconds=st.integers(6, 120))
def test_on_small_tables_all_learners_have_all_folds_or_the_time_goes_to_the_best(seconds):
    world = World(dict.fromkeys(SIX, 2.0), ladder=Ladder({3: 1500}, 5, all_folds_at_top=True))
    plan = Plan(seconds=seconds)
    rungs, _ = world.run(world.scheduler(plan, DEEP))
    folds = {name: {r.fold for r in rungs if r.learner == name} - {5} for name in SIX}
    crossed = [name for name in SIX if folds[name] - {0}]
    assert len(crossed) <= plan.bagged or all(folds[name] == set(range(5)) for name in SIX)


def test_a_small_table_with_little_time_gives_first_models_most_of_it():
    ladder = Ladder({2: 750, 3: 1500}, 5, all_folds_at_top=True)
    world = World(dict.fromkeys(SIX, 9.0), ladder=ladder)
    rungs, _ = world.run(world.scheduler(Plan(seconds=40), DEEP))
    first = [
        r.fit_seconds for r in rungs if r.rung == TOP and r.trial.endswith("-0") and not r.fold
    ]
    assert len(first) == len(SIX)
    assert min(first) > 2.5


@given(seconds=st.integers(12, 120))
def test_on_tiny_tables_all_learners_have_all_folds(seconds):
    world = World(dict.fromkeys(SIX, 2.0), ladder=Ladder({3: 300}, 5, all_folds_at_top=True))
    rungs, _ = world.run(world.scheduler(Plan(seconds=seconds), DEEP))
    for name in SIX:
        folds = {r.fold for r in rungs if r.trial == f"{name}-0" and r.rung == TOP}
        assert folds == set(range(5))


def test_a_short_search_leaves_the_middle_rungs_out():
    world = World(dict.fromkeys(SIX, 10.0), fixed=frozenset(SIX))
    rungs, end = world.run(world.scheduler(Plan(seconds=42), DEEP))
    assert end <= 42
    assert not any(r.rung == 1 for r in rungs if r.trial.endswith("-0"))
    assert len(tops(rungs)) == len(SIX)


def test_a_fit_that_looks_too_long_from_the_lowest_rung_is_looked_at_again_from_the_next():
    # 5 s at an eighth of the rows would be 40 s at the top, where it takes 8.5
    world = World(dict.fromkeys(SIX, 8.0) | {"process": 4.0}, fixed=frozenset({*SIX, "process"}))
    world.flat["process"] = 4.5
    rungs, end = world.run(world.scheduler(Plan(seconds=42), DEEP))
    assert end <= 42
    assert [r.rung for r in rungs if r.trial == "process-0" and r.fold == 0] == [0, 1, TOP]
    assert "process" in tops(rungs)


def test_a_learner_that_overran_its_time_is_not_begun_where_it_would_again():
    world = World(SIX | {"slow": 200.0}, stubborn=frozenset({"slow"}))
    scheduler = world.scheduler(Plan(seconds=60), DEEP)
    world.run(scheduler)
    status, reason = scheduler.outcomes()["slow"]
    assert status == "not_reached"
    assert "would take about" in reason


@dataclass
class TopHeavy(World):
    """One learner fails on all rows, and only there."""

    def fit(self, job):
        if job.trial.learner == "forest" and job.cell.rung >= TOP:
            return self.rung(job.trial, job.cell, None, 0.1, "failed")
        return super().fit(job)


def test_a_learner_that_fails_on_all_rows_is_given_up_too():
    world = TopHeavy(SIX)
    scheduler = world.scheduler(Plan(trials=30), DEEP)
    rungs, _ = world.run(scheduler)
    assert scheduler.outcomes()["forest"] == ("failed", "it always fails")
    assert len({r.trial for r in rungs if r.learner == "forest"}) == 2
    assert len({r.trial for r in rungs}) == 30


def test_a_search_goes_on_without_a_learner_that_it_had():
    world = World(SIX)
    rungs, _ = world.run(world.scheduler(Plan(seconds=60), DEEP))
    fewer = World({name: cost for name, cost in SIX.items() if name != "boosting"})
    members = [r.trial for r in rungs if r.rung == TOP and r.fold == 0]
    learners = fewer.scheduler(Plan(seconds=60), DEEP)
    scheduler = FitScheduler(
        [(state.learner, state.cost) for state in learners.learners],
        fewer.ladder,
        Plan(seconds=600),
        members=lambda: members,
    )
    scheduler.replay(rungs)
    after, _ = fewer.run(scheduler)
    assert any(r.rung == BAG for r in after)
