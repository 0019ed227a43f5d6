from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.policy import BEST, QUICK, Policy
from automl.rows.ladder import BAG, Ladder
from automl.schedule.base import Plan, Worker
from automl.schedule.fit import FitScheduler
from automl.types import TOP, Cell
from tests.schedule.world import World

SIX = {"baseline": 0.05, "linear": 1.0, "tree": 0.5, "forest": 8.0, "boosting": 6.0, "net": 15.0}
DEEP = ("net",)
SMALL = Ladder({2: 750, 3: 1500}, 5, all_folds_at_top=True)


def tops(rungs):
    return {r.learner for r in rungs if r.rung == TOP and r.fold == 0 and r.status == "ok"}


def seconds_of(rungs, *learners):
    return sum(r.fit_seconds for r in rungs if r.learner in learners)


# ------------------------------------------------------------------- what always holds


@settings(max_examples=15, deadline=None)  # each is a whole search
@given(
    costs=st.lists(st.floats(0.5, 20), min_size=2, max_size=8),
    seconds=st.floats(10, 90),
    allocate=st.sampled_from(["equal", "greedy"]),
)
def test_a_search_ends_in_time_with_models_and_never_fits_the_same_twice(costs, seconds, allocate):
    world = World({f"l{i}": cost for i, cost in enumerate(costs)})
    rungs, end = world.run(world.scheduler(Plan(seconds=seconds, allocate=allocate), ("l0",)))
    assert end <= seconds
    assert tops(rungs)
    made = [(r.learner, tuple(r.config.items()), r.seed, r.cell) for r in rungs]
    assert len(set(made)) == len(made)
    assert len({r.key for r in rungs}) == len(rungs)


@settings(max_examples=15, deadline=None)  # each is a whole search
@given(seconds=st.floats(10, 120), trials=st.none() | st.integers(1, 20))
def test_no_more_configurations_are_started_than_asked_for(seconds, trials):
    world = World(SIX)
    rungs, _ = world.run(world.scheduler(Plan(seconds=seconds, trials=trials), DEEP))
    if trials is not None:
        assert len({r.trial for r in rungs}) <= trials


@settings(max_examples=15, deadline=None)  # each is a whole search
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
        assert configs.setdefault(rung.trial, (rung.config, rung.seed)) == (rung.config, rung.seed)


def test_without_a_clock_the_same_seed_deals_the_same_jobs():
    plan = Plan(trials=25, seed=3)
    first, second, other = (
        world.run(world.scheduler(p, DEEP))[0]
        for p in (plan, plan, replace(plan, seed=4))
        for world in [World(SIX)]
    )
    assert first == second
    assert [r.config for r in other] != [r.config for r in first]
    assert {r.seed for r in first} == {3}  # no repeats


# ------------------------------------------------------------------- the first seconds


def test_every_learner_is_fitted_once_on_the_lowest_rung():
    world = World(SIX)
    rungs, _ = world.run(world.scheduler(Plan(seconds=120), DEEP))
    assert {r.learner for r in rungs if r.rung == 0} == set(SIX)


def test_the_cheapest_has_a_model_of_all_rows_before_any_other_is_tried():
    world = World(SIX)
    rungs, _ = world.run(world.scheduler(Plan(seconds=120, slots=1), DEEP))
    real = [r for r in rungs if r.learner != "baseline"]
    first = next(i for i, r in enumerate(real) if r.rung == TOP)
    assert (first, real[first].learner) == (0, "tree")


def test_learners_of_a_library_go_to_the_worker_that_has_it():
    costs = {f"s{i}": 0.5 for i in range(4)} | {f"t{i}": 1.0 for i in range(4)}
    libraries = {name: ("sk",) if name[0] == "s" else ("to",) for name in costs}
    world = World(costs, libraries=libraries, imports={"sk": 3.0, "to": 4.0})
    deep = tuple(name for name in costs if name[0] == "t")
    rungs, _ = world.run(world.scheduler(Plan(seconds=60), deep))
    firsts: dict[str, float] = {}
    for rung in rungs:
        firsts.setdefault(rung.learner, rung.overhead_seconds)
    assert sorted(firsts) == sorted(costs)
    assert sum(seconds > 1 for seconds in firsts.values()) == 2  # one import of each, side by side


def test_no_job_is_started_whose_import_and_fit_do_not_fit_in_the_time_left():
    world = World(SIX, libraries={"net": ("heavy",)}, imports={"heavy": 30.0})
    scheduler = world.scheduler(Plan(seconds=20), DEEP)
    scheduler.imported(["heavy"], 30.0)
    rungs, end = world.run(scheduler)
    assert end <= 20
    assert seconds_of(rungs, "net") == 0
    assert scheduler.outcomes()["net"][0] == "not_reached"


def test_an_import_counts_once_a_worker():
    world = World(SIX, libraries={"net": ("heavy",)}, imports={"heavy": 8.0})
    scheduler = world.scheduler(Plan(seconds=60), DEEP)
    here, there = Worker(frozenset({"heavy"})), Worker()
    scheduler.imported(["heavy"], 8.0)
    net = scheduler.learners["net"]
    from automl.schedule.clock import Clock

    clocks = [Clock(scheduler.plan, world.ladder, scheduler.imports, 0.0, w) for w in (here, there)]
    assert [clock.imports(net) for clock in clocks] == [0.0, 8.0]


# ------------------------------------------------------------------- who goes on


def test_a_few_of_both_families_get_models_of_all_rows_and_whole_curves():
    costs = {f"c{i}": 2.0 for i in range(5)} | {f"d{i}": 4.0 for i in range(5)}
    world = World(costs)
    rungs, _ = world.run(world.scheduler(Plan(seconds=90), tuple(f"d{i}" for i in range(5))))
    first = [r for r in rungs if r.trial.endswith("-0") and r.fold == 0 and r.rung <= TOP]
    whole = {n for n in costs if {r.rung for r in first if r.learner == n} == {0, 1, 2, 3}}
    assert sum(n[0] == "c" for n in whole) >= 2
    assert sum(n[0] == "d" for n in whole) >= 2


def test_small_tables_rank_two_of_each_family_on_all_folds():
    costs = {f"c{i}": 0.2 for i in range(4)} | {f"d{i}": 2.0 for i in range(4)}
    world = World(costs, better={f"c{i}": 0.2 for i in range(4)}, ladder=SMALL)
    rungs, _ = world.run(world.scheduler(Plan(seconds=30), tuple(f"d{i}" for i in range(4))))
    folds = {
        name: {r.fold for r in rungs if r.trial == f"{name}-0" and r.rung == TOP} for name in costs
    }
    whole = [name for name, found in folds.items() if found == set(range(5))]
    assert sum(name[0] == "c" for name in whole) >= 2
    assert sum(name[0] == "d" for name in whole) >= 2


def test_slow_learners_get_so_much_time_that_their_curves_can_be_paid_for():
    world = World({"baseline": 0.05, "linear": 0.5, "n1": 60.0, "n2": 60.0, "boosting": 12.0})
    rungs, _ = world.run(world.scheduler(Plan(seconds=55), ("n1", "n2")))
    for name in ("n1", "n2"):
        curve = {r.rung: r for r in rungs if r.trial == f"{name}-0" and r.fold == 0}
        assert set(curve) == {0, 1, 2, 3}
        pace = {rung: curve[rung].fit_seconds / curve[rung].n for rung in (1, 2, 3)}
        assert max(pace.values()) <= 1.2 * min(pace.values())  # equal seconds a row
    assert not any(r.censored for r in rungs if r.learner == "boosting" and r.rung == TOP)


@settings(max_examples=25, deadline=None)  # each is a whole search
@given(
    nets=st.tuples(st.floats(3, 60), st.floats(3, 150)),
    flat=st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)),
    boosting=st.floats(3, 20),
)
def test_two_nets_of_any_pace_get_whole_curves(nets, flat, boosting):
    n1, n2 = nets
    costs = {"baseline": 0.05, "linear": 0.5, "n1": n1, "n2": n2, "boosting": boosting}
    world = World(costs, flat=dict(zip(("n1", "n2"), flat, strict=True)))
    rungs, _ = world.run(world.scheduler(Plan(seconds=50), ("n1", "n2")))
    for name in ("n1", "n2"):
        assert {r.rung for r in rungs if r.trial == f"{name}-0" and r.fold == 0} == {0, 1, 2, 3}


def test_without_a_share_for_curves_no_model_is_cut_short_for_their_sake():
    world = World({"baseline": 0.05, "linear": 0.5, "net": 15.0})
    plan = Plan(seconds=80, policy=Policy(curve_share=0.0))
    rungs, _ = world.run(world.scheduler(plan, DEEP))
    first = next(r for r in rungs if r.trial == "net-0" and r.cell == Cell(TOP, 0))
    assert not first.censored


def test_contenders_have_the_time_to_converge_once_the_curves_are_paid_for():
    names = {"linear": 0.5, "tree": 0.5, "b1": 8.0, "b2": 8.0, "net": 20.0}
    world = World({"baseline": 0.05, **names}, better={"b1": 0.05, "b2": 0.05})
    rungs, _ = world.run(world.scheduler(Plan(seconds=80), DEEP))
    firsts = {r.learner: r for r in rungs if r.trial.endswith("-0") and r.cell == Cell(TOP, 0)}
    assert {"b1", "b2"} <= set(firsts)
    assert not any(firsts[name].censored for name in ("b1", "b2"))


def test_a_fit_leaves_its_predictions_their_part_of_the_time():
    world = World({"baseline": 0.05, "linear": 0.5, "net": 40.0})
    scheduler = world.scheduler(Plan(seconds=30), DEEP)
    job = scheduler.next_job(0.0)
    while job is not None and job.trial.learner != "net":
        scheduler.take(world.fit(job))
        job = scheduler.next_job(0.0)
    assert job is not None
    first = replace(world.fit(job), predict_seconds=5.0, censored=False, needed_seconds=None)
    scheduler.take(first)  # as long in predicting as in fitting
    job = scheduler.next_job(20.0)
    while job is not None and job.trial.learner != "net":
        scheduler.take(world.fit(job))
        job = scheduler.next_job(20.0)
    assert job is not None
    takes = 8 * first.fit_seconds
    assert job.fit_share == pytest.approx(takes / (takes + 5.0), rel=0.02)
    assert job.soft_limit <= job.fit_share * job.time_left


def test_what_promises_least_is_eliminated_with_the_rows_it_was_seen_on():
    world = World(SIX | {f"weak{i}": 30.0 for i in range(3)})
    world.better |= {"boosting": 0.1, "forest": 0.1, "net": 0.1, "linear": 0.1}
    scheduler = world.scheduler(Plan(seconds=60), DEEP)
    world.run(scheduler)
    statuses = {name: scheduler.outcomes()[name] for name in ("weak0", "weak1", "weak2")}
    assert {status for status, _ in statuses.values()} == {"eliminated"}
    assert all("100 of 800 rows" in reason for _, reason in statuses.values())


@pytest.mark.parametrize("how", [{"policy": BEST}, {"allocate": "equal"}])
def test_every_learner_gets_a_model_of_all_rows_where_that_is_asked_for(how):
    world = World(SIX)
    rungs, _ = world.run(world.scheduler(Plan(seconds=120, **how), DEEP))
    assert tops(rungs) == set(SIX)


def test_a_learner_whose_defaults_fail_is_given_up_and_the_others_go_on():
    world = World(SIX, failing=frozenset({"forest"}))
    scheduler = world.scheduler(Plan(seconds=60), DEEP)
    rungs, _ = world.run(scheduler)
    assert scheduler.outcomes()["forest"] == ("failed", "it always fails")
    assert sum(r.learner == "forest" for r in rungs) == 2


@pytest.mark.parametrize("allocate", ["equal", "greedy"])
def test_each_family_gets_its_share_of_the_seconds(allocate):
    world = World(SIX, better={"boosting": 0.2})
    plan = Plan(seconds=600, allocate=allocate, policy=QUICK)
    rungs, _ = world.run(world.scheduler(plan, DEEP))
    total = seconds_of(rungs, *SIX)
    assert 0.2 * total <= seconds_of(rungs, "net") <= 0.8 * total


def test_declared_configurations_go_straight_to_all_rows_and_drawn_ones_climb():
    world = World(SIX)
    rungs, _ = world.run(world.scheduler(Plan(seconds=600), DEEP))
    climbed: dict[str, list[int]] = {}
    for rung in rungs:
        if rung.learner != "baseline" and rung.fold == 0 and rung.rung <= TOP and not rung.seed:
            climbed.setdefault(rung.trial, []).append(rung.rung)
    declared = [way for trial, way in climbed.items() if trial.endswith("-1")]
    drawn = [w for trial, w in climbed.items() if int(trial.rpartition("-")[2]) > 1]
    assert declared
    assert all(way == [TOP] for way in declared)
    assert all(way == list(range(len(way))) for way in drawn)
    assert any(way[-1] < TOP for way in drawn)  # poor ones stop low


def test_one_slow_configuration_does_not_price_the_others():
    world = Uneven(SIX, better={"boosting": 0.1})
    scheduler = world.scheduler(Plan(seconds=300), DEEP)
    world.run(scheduler)
    made = [r for r in scheduler.learners["boosting"].trials if r.at_top]
    assert len(made) > 2
    assert scheduler.learners["boosting"].seconds(800, 1e-5) < 10


@dataclass
class Uneven(World):
    """One configuration takes five times as long as the others."""

    def fit(self, job):
        rung = super().fit(job)
        slow = job.trial.id == "boosting-1"
        return replace(rung, fit_seconds=rung.fit_seconds * 5) if slow else rung


# ------------------------------------------------------------------- folds and repeats


def test_members_are_fitted_on_every_row_before_they_are_on_another_fold():
    world = World(SIX, better={"boosting": 0.1})
    rungs, _ = world.run(world.scheduler(Plan(seconds=600), DEEP))
    bags: dict[str, list[int]] = {}
    for r in rungs:
        if r.rung == BAG:
            bags.setdefault(r.trial, []).append(r.fold)
    assert bags
    assert all(folds == [5, 1, 2, 3, 4][: len(folds)] for folds in bags.values())
    assert any(len(folds) == 5 for folds in bags.values())


def test_without_bagging_there_is_none():
    world = World(SIX)
    rungs, _ = world.run(world.scheduler(Plan(seconds=300, policy=QUICK), DEEP))
    assert not any(r.rung == BAG for r in rungs)


def test_small_tables_score_members_on_every_fold_and_use_the_time():
    world = World(SIX, ladder=SMALL, better={"boosting": 0.1})
    plan = Plan(seconds=300, policy=Policy(bag_gain=1.0))
    rungs, end = world.run(world.scheduler(plan, DEEP))
    assert end >= 0.95 * 300
    assert {r.fold for r in rungs if r.trial == "boosting-0" and r.rung == TOP} == set(range(5))
    assert {r.fold for r in rungs if r.rung == BAG} == {5}  # every row, of the best


@pytest.mark.parametrize("rows", [300, 1_500])
def test_the_time_of_a_tiny_table_always_has_a_use(rows):
    ladder = Ladder({3: rows}, 5, all_folds_at_top=True)
    world = World({name: cost / 10 for name, cost in SIX.items()}, ladder=ladder)
    rungs, end = world.run(world.scheduler(Plan(seconds=60), DEEP))
    assert end >= 0.95 * 60
    assert len({r.seed for r in rungs}) > 1  # folds again with other seeds


def test_models_that_a_seed_does_not_change_are_not_repeated():
    world = World(SIX, unseeded=True)
    rungs, _ = world.run(world.scheduler(Plan(seconds=120), DEEP))
    repeated = [r for r in rungs if r.seed and r.rung == TOP and r.fold == 0]
    assert len({(r.learner, tuple(r.config.items())) for r in repeated}) == len(repeated)


def test_a_fit_on_every_row_makes_the_steps_that_proved_best_and_more_for_more_rows():
    ladder = Ladder({0: 100, 3: 800}, 5, all_folds_at_top=False, growth=1.5)
    world = World(SIX, ladder=ladder, fixed=frozenset({"forest"}))
    scheduler, steps = world.scheduler(Plan(seconds=400), DEEP), {}

    def fit(job):
        steps[job.trial.id, job.cell] = job.steps
        return replace(World.fit(world, job), steps=40)

    world.fit = fit
    rungs, _ = world.run(scheduler)
    first = {r.trial: r for r in rungs if r.cell == Cell(TOP, 0)}
    whole = {trial: asked for (trial, cell), asked in steps.items() if cell == Cell(BAG, 5)}
    assert 60 in whole.values()
    for trial, asked in whole.items():
        cannot = first[trial].censored or trial.startswith("forest")
        assert asked == (None if cannot else 60)
    assert all(asked is None for (_, cell), asked in steps.items() if cell.fold != 5)


def test_rows_in_time_are_refitted_on_all_of_them():
    ladder = Ladder({0: 100, 3: 800}, 1, all_folds_at_top=False, refit=True)
    world = World(SIX, ladder=ladder)
    rungs, _ = world.run(world.scheduler(Plan(seconds=200), DEEP))
    assert {(r.rung, r.fold) for r in rungs if r.rung == BAG} == {(BAG, 1)}


# ------------------------------------------------------------------- short of time


def test_a_short_search_still_makes_models_of_both_families():
    world = World(dict.fromkeys(SIX, 30.0))
    rungs, end = world.run(world.scheduler(Plan(seconds=20), DEEP))
    assert end <= 20
    assert "net" in tops(rungs)
    assert tops(rungs) - {"net", "baseline"}


def test_a_fit_that_cannot_be_cut_short_is_not_started_without_the_time_for_it():
    world = World(SIX | {"svm": 200.0}, fixed=frozenset({"svm"}))
    scheduler = world.scheduler(Plan(seconds=40), DEEP)
    rungs, end = world.run(scheduler)
    assert end <= 40
    assert "svm" not in tops(rungs)
    assert scheduler.outcomes()["svm"][0] == "eliminated"


def test_a_fit_that_its_learner_declines_is_started_again_only_with_enough_time():
    world = World(SIX, better={"boosting": 0.1})
    scheduler = world.scheduler(Plan(seconds=60), DEEP)
    world.declines = {"boosting": 100.0}
    rungs, end = world.run(scheduler)
    assert end <= 60
    assert "boosting" not in tops(rungs)
    status, reason = scheduler.outcomes()["boosting"]
    assert (status, reason) == ("not_reached", "800 rows would take about 100 s")
    assert world.declined == {"boosting": 1}


@pytest.mark.parametrize("plan", [Plan(seconds=60), Plan(trials=20)])
def test_a_learner_that_declines_what_it_asked_for_is_given_up(plan):
    world = World(SIX, better={"boosting": 0.1})
    scheduler = world.scheduler(plan, DEEP)
    world.declines, world.liars = {"boosting": 3.0}, {"boosting"}
    rungs, _ = world.run(scheduler)
    assert 1 <= world.declined["boosting"] <= 4
    assert "boosting" not in tops(rungs)
    assert scheduler.outcomes()["boosting"][0] == "failed"


def test_a_model_that_was_cut_short_is_made_anew_where_there_is_more_time():
    world = World({f"l{i}": 100.0 for i in range(3)})
    before, _ = world.run(world.scheduler(Plan(seconds=60)))
    scheduler = world.scheduler(Plan(seconds=600))
    scheduler.replay(before)
    after, _ = world.run(scheduler)
    made: dict[str, list[float]] = {}
    for rung in before + after:
        if rung.cell == Cell(TOP, 0) and rung.config == {"x": 0.5}:
            made.setdefault(rung.learner, []).append(rung.fit_seconds)
    again = [seconds for seconds in made.values() if len(seconds) > 1]
    assert again
    assert all(seconds[1] > 1.3 * seconds[0] for seconds in again)


def test_no_climb_is_begun_that_cannot_reach_the_top():
    world = World(SIX)
    plan = Plan(seconds=60)
    scheduler = world.scheduler(plan, DEEP)
    rungs, _ = world.run(scheduler)
    for trial, began in world.started.items():
        learner = trial.rpartition("-")[0]
        first = next(r for r in rungs if r.trial == trial)
        if first.rung == 0 and not trial.endswith(("-0", "-1")) and learner != "baseline":
            assert began + world.seconds[learner] * (1 / 8 + 1 / 4 + 1 / 2 + 1) <= plan.seconds


def test_learners_whose_first_fits_the_time_does_not_pay_for_are_skipped_with_figures():
    world = World(dict.fromkeys((f"l{i}" for i in range(8)), 400.0) | {"linear": 1.0})
    scheduler = world.scheduler(Plan(seconds=20, row_seconds=1e-4))
    assert len(scheduler.skipped) == 2  # a quarter of nine
    assert all("core-seconds" in reason for reason in scheduler.skipped.values())
    assert {scheduler.outcomes()[name][0] for name in scheduler.skipped} == {"skipped"}
    named = world.scheduler(Plan(seconds=20, row_seconds=1e-4, everyone=True))
    assert not named.skipped


def test_a_trial_limit_below_the_number_of_learners_says_who_was_not_reached():
    world = World(SIX)
    scheduler = world.scheduler(Plan(trials=2), DEEP)
    rungs, _ = world.run(scheduler)
    assert len({r.trial for r in rungs}) == 2
    assert scheduler.outcomes()["net"][0] == "not_reached"


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
    assert len({r.trial for r in rungs if r.learner == "forest"}) <= 2
    assert len({r.trial for r in rungs}) == 30


def test_a_search_goes_on_without_a_learner_that_it_had():
    world = World(SIX)
    rungs, _ = world.run(world.scheduler(Plan(seconds=60), DEEP))
    fewer = World({name: cost for name, cost in SIX.items() if name != "boosting"})
    scheduler = fewer.scheduler(Plan(seconds=600), DEEP)
    scheduler.replay(rungs)
    after, _ = fewer.run(scheduler)
    assert any(r.rung == BAG for r in after)


def test_a_step_shares_the_rows_of_the_top_when_bagging():
    ladder = Ladder({0: 100, 3: 800}, 3, all_folds_at_top=False)
    assert ladder.rows(Cell(BAG, 2)) == 800
    assert ladder.share(Cell(0, 0)) == 0.125


def test_a_policy_is_the_users_to_pass():
    world = World(SIX)
    policy = Policy(family_share=0.6, bag_gain=0.0)
    rungs, _ = world.run(world.scheduler(Plan(seconds=300, policy=policy), DEEP))
    assert seconds_of(rungs, "net") >= 0.5 * seconds_of(rungs, *SIX)
    assert isinstance(world.scheduler(Plan(seconds=300, policy=policy)), FitScheduler)
