from __future__ import annotations

import pytest

from tests.artifact.world import CONFIGS, installed, make_world


@pytest.fixture(scope="session")
def world(customers, tmp_path_factory):
    """A model of a few cheap learners, those of PyTorch and Keras among them; not to be changed."""
    run = tmp_path_factory.mktemp("artifact") / "run"
    return make_world(run, customers, installed(*CONFIGS), target="churned")
