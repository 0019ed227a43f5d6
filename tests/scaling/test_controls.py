"""Pairs whose truth is known must be judged rightly on any seed.

2,000 simulations of each are published under benchmarks/controls.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from automl.scaling import scaling_document
from benchmarks.controls import planted

# of a text, so that nobody chose them
SEEDS = tuple(np.frombuffer(hashlib.sha256(b"automl controls").digest()[:12], np.uint32).tolist())
BETTER = {"deep scales better"}
NOTHING = {"no evidence", "equivalent"}


def family(study):
    return scaling_document(study)["contrasts"][0]


def parallel(n):
    return planted.falling(n) + 0.03


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pair_that_crosses_is_found_with_its_crossing(seed):
    found = family(planted.study(planted.falling, planted.flat, seed))
    assert found["rate"]["verdict"] == "deep scales better"
    assert found["rate"]["low"] < -0.0372 < found["rate"]["high"]
    assert found["level"]["verdict"] == "deep ahead"
    assert found["crossover"]["status"] == "observed"
    assert found["crossover"]["low"] <= 1531 <= found["crossover"]["high"]
    assert found["crossover"]["high"] < 2 * found["crossover"]["low"]
    assert found["sentence"].startswith(
        "On 16,000 training rows, the best deep learner (net) leads "
        "the best classical learner (tree) by "
    )
    assert "pulls ahead" in found["sentence"]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("make", [planted.study, planted.fit])
def test_a_learner_against_itself_shows_nothing(seed, make):
    found = family(make(planted.falling, planted.falling, seed))
    assert found["rate"]["verdict"] in NOTHING
    assert found["crossover"]["status"] != "observed"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("make", [planted.study, planted.fit])
@pytest.mark.parametrize("behind", ["deep", "classical"])
def test_parallel_curves_do_not_scale_better_or_worse(seed, make, behind):
    curves = [parallel, planted.falling]
    found = family(make(*(curves if behind == "deep" else curves[::-1]), seed))
    assert found["rate"]["verdict"] in NOTHING
    assert found["crossover"]["status"] != "observed"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_clear_lead_at_every_anchor_is_no_crossover_up_to_n(seed):
    found = family(planted.study(lambda n: planted.falling(n) + 0.08, planted.falling, seed))
    assert found["level"]["verdict"] == "classical ahead"
    assert found["crossover"] == {"status": "none up to N", "low": None, "high": None}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_fit_sees_a_strong_pair_with_four_rungs(seed):
    found = family(
        planted.fit(lambda n: 0.29 - 0.06 * np.log2(n / 2000), lambda n: 0 * n + 0.25, seed)
    )
    assert found["level"]["verdict"] == "deep ahead"
    assert found["rate"]["verdict"] == "deep scales better"
    assert found["rate"]["low"] < -0.06 < found["rate"]["high"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_kink_in_the_last_octave_withholds_extrapolation(seed):
    def kinked(n):
        return np.where(n <= 8100, 0.5 * (n / 1000) ** -0.45, 0.5 * 8.1**-0.45)

    content = scaling_document(planted.study(kinked, lambda n: kinked(n) + 0.05, seed))
    tested = content["backtest"]
    assert tested["extrapolation"] == "withheld"
    assert tested["mae"] > tested["mae_last1"]
    assert "assuming no change" in tested["reason"]
    assert content["contrasts"][0]["crossover"]["status"] != "not within 2x"


@pytest.mark.parametrize("seed", SEEDS)
def test_smooth_curves_pass_the_back_test(seed):
    tested = scaling_document(planted.study(planted.falling, parallel, seed))["backtest"]
    assert tested["extrapolation"] == "shown"
    assert tested["mae"] < tested["mae_last1"]
    assert tested["winner_accuracy"] == tested["leader_stays"] == 1.0


def test_a_fit_has_too_few_anchors_to_extrapolate():
    tested = scaling_document(planted.fit(planted.falling, planted.flat, 1))["backtest"]
    assert tested["extrapolation"] == "withheld"
    assert tested["reason"].startswith("too few anchors")


@pytest.mark.parametrize("repeats", [1, 2])
def test_fewer_than_three_repeats_give_no_rate(repeats):
    found = family(planted.study(planted.falling, planted.flat, 5, repeats=repeats))
    assert found["rate"]["verdict"] == "no evidence"
