"""Tables with which other tools end in an error: they are fitted, saved and predicted with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from automl import AutoML
from tests.corpus.kit import case

QUICK = {"trials": 3, "time_limit": None, "cpus": 1, "verbose": False}
ROWS = 240
RNG = np.random.default_rng(221)
SIGNAL = RNG.normal(size=ROWS)
LABELS = np.where(SIGNAL > 0, "high", "low")
NAMES = (
    "distance, km",
    "[bioteam].[physio].velocity",
    '{"a": "b"}',
    "x<1>",
    "sub_type_Сумки, Альбомы, Коврики д/мыши",
    "A very silly\nheader",
    "😀",
    "Größe",
    "größe",
    "x" * 300,
)
"""Names that one booster or another refuses."""


@pytest.fixture(scope="module")
def odd_names(ray_here):
    """A fit of boosters and a linear model to columns of odd names, and its table."""
    pytest.importorskip("lightgbm")
    columns = {name: RNG.normal(size=ROWS) for name in NAMES}
    X = pd.DataFrame(columns | {"[bioteam].[physio].velocity": SIGNAL})
    auto = AutoML(**QUICK | {"trials": 4}, learner=["lightgbm", "xgboost", "linear"])
    return auto.fit(X, LABELS), X


@case("221-names-of-json", "mljar/mljar-supervised#285", "lightgbm-org/LightGBM#6202")
def test_marks_of_json_in_names_disturb_no_learner(odd_names):
    auto, X = odd_names
    board = auto.leaderboard_.set_index("learner")
    assert set(board.loc[["lightgbm", "xgboost", "linear"], "status"]) == {"ok"}
    assert (auto.predict(X) == LABELS).mean() > 0.9


@case("222-names-of-any-letters", "autogluon/autogluon#399", "alteryx/evalml#1421")
def test_names_of_any_letters_are_kept(odd_names, tmp_path):
    auto, X = odd_names
    assert auto.feature_names_in_.tolist() == list(NAMES)
    auto.save(tmp_path / "model")
    again = AutoML.load(tmp_path / "model")
    shuffled = X[list(NAMES[::-1])]
    np.testing.assert_array_equal(again.predict_proba(shuffled), auto.predict_proba(X))


@case("223-names-of-two-lines", "pola-rs/polars#8402", "OSGeo/gdal#9172")
def test_a_file_may_have_names_of_two_lines(odd_names, tmp_path):
    auto, X = odd_names
    X.to_csv(tmp_path / "new.csv", index=False)
    assert (auto.predict(tmp_path / "new.csv") == auto.predict(X)).all()


@pytest.fixture(scope="module")
def odd_types(ray_here):
    """A fit to a table of two levels, nullable types, bytes and rows of one name."""
    X = pd.DataFrame(
        {
            ("a", "x"): pd.array(np.where(np.arange(ROWS) % 9 == 0, np.nan, SIGNAL), "Float64"),
            ("a", "y"): pd.array([i % 7 or None for i in range(ROWS)], "Int64"),
            ("b", "x"): [f"w{i % 3}".encode() for i in range(ROWS)],
            ("b", "y"): [[i, 2] for i in range(ROWS)],
        },
        index=[0] * ROWS,
    )
    y = pd.Series(np.where(SIGNAL > 0, 1, 0), index=X.index, dtype="Int8", name="kind")
    learners = ["linear", "hist_gradient_boosting"]
    return AutoML(**QUICK, task="multiclass", learner=learners).fit(X, y), X, y


@case("224-nullable-types-in-a-fit", "alteryx/evalml#3924", "autogluon/autogluon#1640")
def test_a_table_of_nullable_types_is_fitted_and_its_labels_keep_their_type(odd_types):
    auto, X, y = odd_types
    labels = auto.predict(X)
    assert labels.dtype == np.int8
    assert auto.classes_.tolist() == [0, 1]
    assert (labels == y.to_numpy()).mean() > 0.8
    assert auto.predict_proba(X).shape == (ROWS, 2)


@case("225-other-types-later", "automl/auto-sklearn#1141", "pycaret/pycaret#1060")
def test_later_rows_may_be_of_other_types(odd_types):
    auto, X, _ = odd_types
    plain = pd.DataFrame(
        {
            ("b", "x"): X[("b", "x")].str.decode("utf-8"),
            ("a", "y"): X[("a", "y")].astype("float64"),
            ("a", "x"): X[("a", "x")].astype("float64").astype(object),
        }
    )
    np.testing.assert_allclose(auto.predict_proba(plain), auto.predict_proba(X))
    new = plain.head(3).copy()
    new["note", ""] = "of no use"
    new.iloc[0, new.columns.get_loc(("b", "x"))] = "never seen"
    assert len(auto.predict(new)) == 3


@case("226-numbers-too-large-for-float32", "autogluon/autogluon#4383", "mljar/mljar-supervised#182")
def test_numbers_too_large_for_float32_are_no_error(ray_here):
    huge = np.where(np.arange(ROWS) % 30 == 0, 1e39, RNG.normal(size=ROWS))
    wild = np.where(np.arange(ROWS) % 20 == 0, np.inf, RNG.normal(size=ROWS))
    X = pd.DataFrame({"x": SIGNAL, "huge": huge, "wild": wild})
    auto = AutoML(**QUICK, learner=["linear", "hist_gradient_boosting"]).fit(X, LABELS)
    board = auto.leaderboard_.set_index("learner")
    assert board.loc["hist_gradient_boosting", "status"] == "ok"
    assert board.loc["linear", "status"] == "ok"
    assert (auto.predict(X) == LABELS).mean() > 0.9
    late = X.assign(huge=-1e300, wild=-np.inf)
    assert np.isfinite(auto.predict_proba(late)).all()
