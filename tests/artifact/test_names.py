"""Names of the files of a model: they stay inside its folder, and odd ones are told when saving."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl import Learner
from automl.files import PLAIN_PATH
from automl.hooks.manager import get_host
from automl.workers.evaluate import FitRequest, RungData, run_rung

ROOT = Path("/model")


@given(st.from_regex(PLAIN_PATH, fullmatch=True))
def test_a_plain_path_stays_inside(name):
    place = (ROOT / name).resolve()
    assert place.is_relative_to(ROOT)
    assert place != ROOT
    assert not any(part.startswith(".") for part in Path(name).parts)


@pytest.mark.parametrize("name", ["..", "a/../b", "/a", "a//b", "a/", ".a", "", "a\0", "~a"])
def test_others_are_no_plain_paths(name):
    assert not PLAIN_PATH.fullmatch(name)


class OddModel:
    """Predicts 0, and saves a file whose name it is told."""

    def __init__(self, config, task, n_classes):
        self.name = config["name"]

    def fit(self, train, stop, run):
        pass

    def predict(self, view):
        return np.zeros(len(view))

    def save(self, folder):
        (folder / self.name).write_text("0")

    def load(self, folder):
        pass


ODD = Learner(
    name="odd",
    family="classical",
    tasks=frozenset({"regression"}),
    view="matrix",
    factory=OddModel,
)


@pytest.mark.parametrize(("name", "told"), [("model.txt", ""), (".model", "not saved: '.model'")])
def test_a_model_with_an_odd_file_is_ranked_and_not_saved(monkeypatch, name, told):
    monkeypatch.setattr(get_host(), "learner", lambda _: ODD)
    X = np.zeros((40, 1), dtype=np.float32)
    rows = RungData(train_X=X, train_y=np.arange(40.0), n_stop=0, validation_X=X)
    order = FitRequest(
        learner="odd",
        config={"name": name},
        seed=0,
        task="regression",
        n_classes=0,
        metric="rmse",
        save=True,
    )
    found = run_rung(order, rows, lambda _: None)
    assert found.status == "ok"
    assert (found.model is None) == bool(told)
    assert found.reason.startswith(told)
