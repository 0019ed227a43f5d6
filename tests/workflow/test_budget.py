"""The seconds of the training: what is left of the limit, and enough for a first model."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from automl.types import Rung
from automl.workflow.train import FIRST_MODEL, seconds_for_training

TOPPED = Rung("tree", "tree-0", {}, 3, 0, 0, 200, 0.5, 3.0, 1.0, "ok")


def fit(left, told, seconds=60.0):
    return SimpleNamespace(
        options=SimpleNamespace(seconds=seconds),
        left=lambda: left,
        workers=SimpleNamespace(slots=2),
        observer=SimpleNamespace(say=told.append),
    )


@pytest.mark.parametrize(
    ("left", "earlier", "seconds"),
    [(50.0, [], 47.0), (50.0, [TOPPED], 45.0), (3.0, [TOPPED], -2.0)],
)
def test_what_is_left_is_for_training(left, earlier, seconds):
    told = []
    assert seconds_for_training(fit(left, told), 3.0, earlier) == seconds
    assert not told


@pytest.mark.parametrize("left", [4.0, -100.0])
def test_a_limit_that_is_used_up_leaves_enough_for_a_first_model(left):
    told = []
    assert seconds_for_training(fit(left, told), 3.0, []) == FIRST_MODEL
    assert "used up before the training" in told[0]


def test_without_a_limit_there_is_none():
    assert seconds_for_training(fit(4.0, [], seconds=None), 3.0, []) is None
