"""Tables made at random come back as they were written, and spoilt ones as one sentence."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from automl import AutoML
from automl.data.read import read_table
from automl.data.schema import infer_schema, to_features
from automl.errors import AutoMLError
from benchmarks.inputs.hostile import differences, make, spoil


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile") / "table.csv"


def typed(path):
    table = read_table(path)
    schema = infer_schema(table, target=str(table.columns[-1]))
    return table, schema, to_features(schema, table)


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 10**9))
@example(1001838)  # kana of EUC-JP, which are characters of Big5 as well
def test_what_is_written_is_read(path, seed):
    made = make(seed)
    path.write_bytes(made.data)
    try:
        table, schema, found = typed(path)
    except AutoMLError as error:
        assert "target" in str(error) or "No column is left" in str(error), made.form  # noqa: PT017
        return
    assert differences(made, table, found) == [], made.form
    later = to_features(schema, read_table(path, schema.reading), lambda _: None)
    assert differences(made, table, later) == [], made.form


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 4, 7])
def test_a_fit_and_its_predictions(path, seed):
    made = make(seed)
    path.write_bytes(made.data)
    target = str(made.truth.columns[0])
    auto = AutoML(learner=["linear"], trials=1, time_limit=None, verbose=False)
    auto.fit(path, target)
    predicted = auto.predict(path)
    assert len(predicted) == len(made.truth)
    assert made.truth[target].min() - 200 < predicted.mean() < made.truth[target].max() + 200


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 10**9))
def test_a_spoilt_file_is_a_table_or_one_sentence(path, seed):
    path.write_bytes(spoil(make(seed).data, random.Random(seed)) or b" ")
    try:
        table, _, found = typed(path)
    except AutoMLError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert len(table) == len(found)
