from __future__ import annotations

import json

import pytest

from automl import AutoML, Policy, UsageError
from automl.options import Options
from automl.policy import BEST, PRESETS


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"family_share": 1.5}, "family_share of a policy is between 0 and 1, not 1.5"),
        ({"curves": 0}, "curves of a policy is at least 1, not 0"),
        ({"margin": 0.5}, "margin of a policy is at least 1, not 0.5"),
        ({"bag_gain": -1.0}, "bag_gain of a policy is at least 0, not -1"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(wrong, said):
    with pytest.raises(UsageError) as refused:
        Policy(**wrong)
    assert str(refused.value) == said


def test_there_are_ten_choices_at_most():
    assert len(Policy.__dataclass_fields__) <= 10


def test_a_preset_is_a_policy_and_a_policy_goes_before_it():
    assert {preset: Options(preset=preset).spending for preset in PRESETS} == PRESETS
    own = Policy(curves=1)
    assert Options(preset="best", policy=own).spending is own
    kept = json.loads(json.dumps(Options(policy=BEST).arguments["policy"]))
    assert Policy(**kept) == BEST


def test_the_estimator_takes_a_policy():
    own = Policy(curve_share=0.0)
    assert AutoML(policy=own).get_params()["policy"] is own


@pytest.mark.parametrize("limit", ["9s", 5])
def test_a_time_limit_under_ten_seconds_is_refused(limit):
    with pytest.raises(UsageError, match="--time-limit is 10 seconds or more"):
        Options.parse({"seconds": limit})
    assert Options.parse({"seconds": "10s"}).seconds == 10.0
