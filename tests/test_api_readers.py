"""Wherever the estimator is given an address, the readers of plugins are asked first."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import automl
from automl import AutoML, DataError
from automl.anomaly.supervision import supervision_of
from automl.hooks.manager import Host
from automl.types import Schema

ROWS = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [0, 1, 1]})


class Half:
    """Stands in for a saved model: class 1 from 2 on."""

    schema = Schema((), "y", "binary", "", "", (0, 1), "int64")
    supervision = supervision_of("binary")

    def predict(self, table, learner=None):
        return (table["x"] >= 2).astype(int).to_numpy()

    def predict_proba(self, table, learner=None):
        return np.eye(2)[self.predict(table)]


@pytest.fixture
def fitted(monkeypatch):
    def read(source):
        return ROWS if source == "memory:rows" else None

    host = Host()
    host.register(SimpleNamespace(__name__="memory", automl_read=automl.hookimpl(read)))
    monkeypatch.setattr("automl.workflow.prepare.get_host", lambda: host)
    auto = AutoML()
    auto._predictor = Half()
    auto.classes_ = np.array([0, 1])
    return auto


def test_predictions_and_scores_ask_the_readers(fitted):
    assert fitted.predict("memory:rows").tolist() == [0, 1, 1]
    assert fitted.predict_proba("memory:rows").shape == (3, 2)
    assert fitted.score("memory:rows") == 1.0


def test_what_no_reader_knows_is_read_as_before(fitted, tmp_path):
    ROWS.head(2).to_csv(tmp_path / "rows.csv", index=False)
    assert fitted.predict(tmp_path / "rows.csv").tolist() == [0, 1]
    with pytest.raises(DataError, match="does not exist"):
        fitted.predict("nowhere.csv")
