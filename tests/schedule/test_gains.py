from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.policy import Policy
from automl.schedule.base import Plan
from automl.schedule.gains import Forecast, Gains, improvement
from automl.types import Cell, Trial
from tests.schedule.world import World

FOUR = {"baseline": 0.05, "a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0}
finite = st.floats(-5, 5)


@given(finite, finite, st.floats(0, 3))
def test_an_expected_improvement_is_at_least_the_certain_one_and_grows_with_the_spread(
    bar, mean, spread
):
    found = improvement(bar, Forecast(mean, spread))
    assert found >= max(0.0, bar - mean) - 1e-9
    assert improvement(bar, Forecast(mean, spread + 0.5)) >= found - 1e-9


def test_an_expected_improvement_over_an_even_rival_is_known():
    assert improvement(0.0, Forecast(0.0, 1.0)) == pytest.approx(1 / math.sqrt(2 * math.pi))


def looked_at(scores, *, weights=None, rung=0, error=0.0):
    """Gains of learners with the given scores on a rung, higher being better."""
    world = World(FOUR)
    scheduler = world.scheduler(Plan(seconds=60))
    from automl.schedule.trial_state import TrialState

    for name, score in ({"baseline": 0.5} | scores).items():
        state = scheduler.learners[name]
        trial = TrialState(Trial(name, 0, {"x": 0.5}), (Cell(rung, 0),))
        state.enter(trial)
        fit = world.rung(trial.spec, Cell(rung, 0), score, 1.0, "ok")
        state.take(trial, fit, scheduler.learners.loss_of(fit))
    gains = Gains(scheduler.learners, world.ladder, Policy(), weights or {}, error)
    return gains, scheduler.learners


def test_who_is_ahead_below_promises_more():
    gains, learners = looked_at({"a": 0.9, "b": 0.85, "c": 0.8, "d": 0.6})
    promised = [gains.of_learner(learners[name]) for name in "abcd"]
    assert promised == sorted(promised, reverse=True)
    assert promised[0] > 10 * promised[3]


def test_where_few_rows_score_who_is_behind_may_still_come():
    scores = {"a": 0.9, "b": 0.89, "c": 0.88, "d": 0.84}
    sure, unsure = (looked_at(scores, error=error) for error in (0.0, 0.05))
    (gains, learners), (others, same) = sure, unsure
    assert others.of_learner(same["d"]) > 2 * gains.of_learner(learners["d"])


def test_another_configuration_matters_as_far_as_its_learner_does_and_less_each_time():
    weights = {"a-0": 0.9, "b-0": 0.1}
    scores = {"a": 0.9, "b": 0.9, "c": 0.9, "d": 0.9}
    gains, learners = looked_at(scores, weights=weights, rung=3)
    first = gains.of_configuration(learners["a"])
    assert first > gains.of_configuration(learners["b"])
    learners["a"].enter(type(learners["a"].trials[0])(Trial("a", 1, {"x": 0.1}), (Cell(3, 0),)))
    assert gains.of_configuration(learners["a"]) == pytest.approx(first * 2 / 3)


def test_averages_gain_less_with_every_model():
    gains, _ = looked_at({"a": 0.9}, weights={"a-0": 0.5}, rung=3)
    found = [gains.of_average("a-0", models) for models in (1, 2, 3)]
    assert found == pytest.approx([Policy().bag_gain * 0.5 / d for d in (2, 6, 12)])
    assert gains.of_average("b-0", 1) == 0.0
