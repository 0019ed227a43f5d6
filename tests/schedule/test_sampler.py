from __future__ import annotations

import pytest

from automl.schedule.sampler import Sampler
from automl.space import Choice, Float, Int
from tests.schedule.world import learner


def searched(**space):
    from dataclasses import replace

    return replace(learner("x"), space=space, defaults=({"fixed": 7},))


def test_the_portfolio_comes_first_in_its_order():
    sampler = Sampler(learner("x"), 0, greater_is_better=True)
    assert [sampler.next() for _ in range(2)] == [{"x": 0.5}, {"x": 0.25}]
    assert not sampler.in_portfolio


def test_every_proposal_lies_in_the_space_and_keeps_what_is_not_searched():
    sampler = Sampler(
        searched(
            rate=Float(1e-3, 1e-1, log=True),
            depth=Int(2, 9),
            leaves=Int(4, 256, log=True),
            kind=Choice("a", "b", None),
        ),
        0,
        greater_is_better=False,
    )
    sampler.next()
    for number in range(1, 15):
        config = sampler.next()
        assert 1e-3 <= config["rate"] <= 1e-1
        assert config["depth"] in range(2, 10)
        assert 4 <= config["leaves"] <= 256
        assert config["kind"] in {"a", "b", None}
        assert config["fixed"] == 7
        sampler.tell(number, 0, float(config["rate"]), top=False)


def test_it_learns_where_the_good_ones_are():
    sampler = Sampler(searched(x=Float(0, 1)), 1, greater_is_better=True)
    sampler.next()
    proposed = []
    for number in range(1, 60):
        x = float(sampler.next()["x"])
        proposed.append(x)
        sampler.tell(number, 3, -abs(x - 0.8), top=True)
    early = sum(abs(x - 0.8) for x in proposed[:15]) / 15
    late = sum(abs(x - 0.8) for x in proposed[-15:]) / 15
    assert late < early / 2


def test_a_learner_without_a_space_runs_out_after_its_portfolio():
    sampler = Sampler(searched(), 0, greater_is_better=True)
    assert not sampler.exhausted
    sampler.next()
    assert sampler.exhausted


@pytest.mark.parametrize("resumed", [3, 10])
def test_a_resumed_sampler_proposes_what_it_would_have(resumed):
    """Configurations dealt and scores told decide the next proposal, not when it was dealt."""
    one = Sampler(learner("x"), 5, greater_is_better=True)
    other = Sampler(learner("x"), 5, greater_is_better=True)
    for number in range(resumed):
        config = one.next()
        one.tell(number, 0, float(config["x"]), top=False)
        other.repeat(config)
        other.tell(number, 0, float(config["x"]), top=False)
    assert one.next() == other.next()
