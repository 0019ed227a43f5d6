from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest

from automl.anomaly.supervision import supervision_of
from automl.cli.predict import without_formulas
from automl.data.schema import infer_schema
from automl.errors import ArtifactError

TABLE = pd.DataFrame(
    {
        "x": np.linspace(0.0, 1.0, 40),
        "z": np.tile([1.5, 2.25], 20),
        "y": ["lo"] * 20 + ["hi, there"] * 20,
    }
)


class FakePredictor:
    """Says the second class with probability x."""

    names = ("ensemble", "linear")
    default = "ensemble"

    def __init__(self, schema):
        self.schema = schema
        self.supervision = supervision_of(schema.task)
        self.classes = schema.classes

    def raw(self, table, learner=None):
        if learner not in (None, *self.names):
            msg = f"this model has no {learner!r}; choose one of {', '.join(self.names)}"
            raise ArtifactError(msg)
        x = table["x"].to_numpy(dtype=float)
        x = x / 2 if learner == "linear" else x
        return np.column_stack([1 - x, x]) if self.classes else x

    predict_proba = raw

    def predict(self, table, learner=None):
        raw = self.raw(table, learner)
        return np.asarray(self.classes)[raw.argmax(1)] if self.classes else raw


@pytest.fixture
def predictor(monkeypatch):
    """Loads for any run; binary."""
    fake = FakePredictor(infer_schema(TABLE, target="y", positive="hi, there"))
    monkeypatch.setattr("automl.artifact.Predictor.load", lambda _: fake)
    return fake


@pytest.fixture
def data(tmp_path):
    file = tmp_path / "new.csv"
    TABLE.to_csv(file, index=False)
    return file


def test_predictions_go_to_stdout_one_row_each(automl, predictor, data):
    code, out, err = automl("predict", "run", data)
    frame = pd.read_csv(io.StringIO(out))
    assert (code, err) == (0, "")
    assert list(frame.columns) == ["prediction"]
    assert frame["prediction"].tolist() == TABLE["y"].tolist()


def test_proba_adds_a_column_per_class_spelled_as_in_training(automl, predictor, data):
    code, out, _ = automl("predict", "run", data, "--proba")
    frame = pd.read_csv(io.StringIO(out))
    assert code == 0
    assert list(frame.columns) == ["prediction", "proba_lo", "proba_hi, there"]
    assert frame["prediction"].tolist() == TABLE["y"].tolist()
    np.testing.assert_allclose(frame["proba_hi, there"], TABLE["x"])


@pytest.mark.parametrize("name", ["p.csv", "p.parquet"])
def test_a_file_gets_the_same_and_is_overwritten(automl, predictor, data, tmp_path, name):
    file = tmp_path / name
    file.write_text("old")
    code, out, err = automl("predict", "run", data, "--proba", "-o", file)
    frame = pd.read_parquet(file) if name.endswith("parquet") else pd.read_csv(file)
    assert (code, out) == (0, "")
    assert err == f"wrote 40 predictions to {file}\n"
    assert frame.shape == (40, 3)


def test_one_learner_predicts(automl, predictor, data):
    _, out, _ = automl("predict", "run", data, "--learner", "linear")
    assert set(pd.read_csv(io.StringIO(out))["prediction"]) == {"lo"}


def test_regression_gives_numbers_and_has_no_probabilities(automl, monkeypatch, data):
    fake = FakePredictor(infer_schema(TABLE, target="z", task="regression"))
    monkeypatch.setattr("automl.artifact.Predictor.load", lambda _: fake)
    _, out, _ = automl("predict", "run", data)
    np.testing.assert_allclose(pd.read_csv(io.StringIO(out))["prediction"], TABLE["x"])
    code, _, err = automl("predict", "run", data, "--proba")
    assert code == 2
    assert "leave it out" in err


SUM = '=HYPERLINK("http://x")'


def formulas(monkeypatch, first):
    """A model of two classes, one of which a spreadsheet would compute."""
    table = TABLE.assign(y=[first] * 20 + [SUM] * 20)
    fake = FakePredictor(infer_schema(table, target="y", positive=SUM))
    monkeypatch.setattr("automl.artifact.Predictor.load", lambda _: fake)


def test_labels_that_are_formulas_are_escaped_where_asked_alone(automl, monkeypatch, data):
    formulas(monkeypatch, "fine")
    _, plain, _ = automl("predict", "run", data, "--proba")
    _, escaped, _ = automl("predict", "run", data, "--proba", "--escape-formulas")
    plain, escaped = (pd.read_csv(io.StringIO(text)) for text in (plain, escaped))
    assert set(plain["prediction"]) == {"fine", SUM}
    assert set(escaped["prediction"]) == {"fine", f"'{SUM}"}
    assert list(escaped.columns) == ["prediction", "proba_fine", f"proba_{SUM}"]
    pd.testing.assert_frame_equal(escaped.iloc[:, 1:], plain.iloc[:, 1:])


def test_numbers_are_no_formulas(automl, monkeypatch, data):
    table = TABLE.assign(z=-TABLE["z"])
    fake = FakePredictor(infer_schema(table, target="z", task="regression"))
    monkeypatch.setattr("automl.artifact.Predictor.load", lambda _: fake)
    _, plain, _ = automl("predict", "run", data)
    assert automl("predict", "run", data, "--escape-formulas")[1] == plain


@pytest.mark.parametrize("first", ["=1", "+1", "-1", "@a", "\ta", "\ra", "\uff1d1"])
def test_every_beginning_of_a_formula_is_escaped(first):
    frame = without_formulas(pd.DataFrame({"prediction": [first, "a=1", None]}))
    assert frame["prediction"].tolist()[:2] == [f"'{first}", "a=1"]
    assert frame["prediction"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--escape-formulas", "-o", "p.parquet"], "is for CSV"),
        (["--learner", "lin"], "choose one of ensemble, linear"),
        (["-o", "no/such/folder/p.csv"], "there is no folder"),
        (["-o", "."], "cannot write"),
    ],
)
def test_predict_refuses_in_one_sentence(
    automl, predictor, data, tmp_path, monkeypatch, words, told
):
    monkeypatch.chdir(tmp_path)
    code, out, err = automl("predict", "run", data, *words)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


def test_no_model_is_one_sentence(automl, tmp_path, data):
    code, _, err = automl("predict", tmp_path / "nowhere", data)
    assert code == 2
    assert "nowhere" in err
    assert err.count("\n") == 1


def test_evaluate_scores_everyone_by_every_metric(automl, predictor, data):
    code, out, err = automl("evaluate", "run", data, "--json")
    rows = json.loads(out)
    assert (code, err) == (0, "")
    assert [row["learner"] for row in rows] == ["ensemble", "linear"]
    assert rows[0]["rows"] == 40
    assert rows[0]["accuracy"] == 1.0
    assert rows[1]["accuracy"] == 0.5
    assert rows[1]["roc_auc"] == 1.0
    assert "rmse" not in rows[0]
    _, table, told = automl("evaluate", "run", data)
    assert len(table.splitlines()) == 3
    assert "uses ensemble" in told


def test_evaluate_leaves_out_rows_without_an_answer_and_says_so(automl, predictor, tmp_path):
    file = tmp_path / "part.csv"
    TABLE.assign(y=[None, "other", *TABLE["y"][2:]]).to_csv(file, index=False)
    _, out, err = automl("evaluate", "run", file, "--json")
    assert json.loads(out)[0]["rows"] == 38
    assert err.startswith("2 rows left out")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.drop(columns="y"), "no column 'y'"),
        (lambda t: t.assign(y=None), "known label"),
    ],
)
def test_evaluate_needs_answers(automl, predictor, tmp_path, change, told):
    file = tmp_path / "part.csv"
    change(TABLE).to_csv(file, index=False)
    code, out, err = automl("evaluate", "run", file)
    assert (code, out) == (2, "")
    assert told in err


def test_evaluate_says_what_is_defined_of_targets_below_zero(automl, monkeypatch, tmp_path):
    table = TABLE.assign(z=TABLE["x"] - 0.5)
    fake = FakePredictor(infer_schema(table, target="z", task="regression"))
    monkeypatch.setattr("automl.artifact.Predictor.load", lambda _: fake)
    table.to_csv(tmp_path / "below.csv", index=False)
    code, out, _ = automl("evaluate", "run", tmp_path / "below.csv", "--json")
    row = json.loads(out)[0]
    assert (code, row["rmsle"]) == (0, None)
    assert row["rmse"] > 0
