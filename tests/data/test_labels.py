"""Labels go in and come out: spelled alike, of the same type and dtype."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.data.read import read_table
from automl.data.schema import (
    IN_FILE,
    decode_labels,
    encode_target,
    infer_schema,
    schema_from_json,
    schema_to_json,
)
from automl.errors import DataError
from automl.types import Reading

ROWS = 120
TWO = np.arange(ROWS) % 2
THREE = np.arange(ROWS) % 3


def column(labels, dtype=object, order=None):
    """The labels in turn, as a Series."""
    objects = np.empty(ROWS, dtype=object)
    turns = np.arange(ROWS) % len(labels) if order is None else order
    for row, place in enumerate(turns):
        objects[row] = labels[place]
    return pd.Series(objects) if dtype is object else pd.Series(list(objects), dtype=dtype)


def round_trip(labels, **options):
    """The schema, read back from JSON, and the labels after encoding and decoding."""
    table = pd.DataFrame({"a": np.arange(ROWS) ** 2 % 7.5}).assign(goal=labels.array)
    schema = infer_schema(table, target="goal", **options)
    again = schema_from_json(json.loads(json.dumps(schema_to_json(schema))))
    assert again == schema
    codes, known = encode_target(again, table["goal"])
    return again, decode_labels(again, codes[known])


KEPT = {
    "whole numbers of dtype object": column([0, 1]),
    "three of them": column([0, 1, 2]),
    "fractions of dtype object": column([1.0, 2.0, 3.0]),
    "truth values of dtype object, with gaps": column([True, False, None]),
    "several types": column([0, "a", True]),
    "leading zeros": column(["01", "02", "10"]),
    "many codes with leading zeros": column([f"{i:03d}" for i in range(30)]),
    "strings of fractions": column(["1.0", "2.0", "3.0"], "str"),
    "eighteen digits": column([123456789012345671 + i for i in range(3)], "int64"),
    "eighteen digits in strings": column([f"12345678901234567{i}" for i in range(3)], "str"),
    "eighteen digits with gaps": column([123456789012345671, 123456789012345672, None], "Int64"),
    "beyond int64": column([2**63 + i for i in range(3)], "uint64"),
    "a category called NA": pd.Series(
        pd.Categorical(np.array(["AF", "EU", "NA"])[THREE], ["AF", "EU", "NA", "SA"])
    ),
    "the word NA": column(["AF", "EU", "NA"], "str"),
    "the word None": column(["None", "aspirin", "placebo"], "str"),
    "the word null": column(["null", "x", "y"], "str"),
    "a nullable integer": column([1, 2, None], "Int64"),
    "a nullable truth value": column([True, False, None], "boolean"),
    "a nullable string": column(["a", "b", None], "string"),
    "an Arrow integer": column([1, 2, None], "int64[pyarrow]"),
    "an Arrow truth value": column([True, False, None], "bool[pyarrow]"),
    "an Arrow string": column(["a", "b", None], "string[pyarrow]"),
    "an Arrow decimal": pd.Series(
        [Decimal("1.50"), Decimal("2.50")] * (ROWS // 2), dtype=pd.ArrowDtype(pa.decimal128(5, 2))
    ),
    "decimals": column([Decimal("1.50"), Decimal("2.50")]),
    "whole decimals": column([Decimal(1), Decimal(2), Decimal(3)]),
    "quarters": pd.Series(
        pd.PeriodIndex(np.array(["2024Q1", "2024Q2", "2024Q3"])[THREE], freq="Q")
    ),
    "days": column([dt.date(2024, 1, 1), dt.date(2024, 2, 1)]),
    "moments with a zone": pd.Series(
        pd.to_datetime(np.array(["2024-01-01", "2024-02-01"])[TWO])
    ).dt.tz_localize("UTC"),
    "bytes": column([b"a", b"b"]),
    "intervals of a cut": pd.Series(pd.cut(np.arange(ROWS) % 9.0, 3)),
    "categories that are numbers": pd.Series(THREE).astype("category"),
    "categories that are truth values": pd.Series(TWO.astype(bool)).astype("category"),
    "truth values": pd.Series(TWO.astype(bool)),
    "small integers": pd.Series(THREE.astype("int8")),
    "single precision": pd.Series(TWO.astype("float32") + np.float32(0.1)),
    "blanks before every label": column([" a", " b", " c"]),
    "other alphabets": column(["\u00e9", "\u00fc", "\u65e5\u672c"], "str"),
}


@pytest.mark.parametrize("name", KEPT)
def test_labels_come_out_as_they_went_in(name):
    labels = KEPT[name]
    _, back = round_trip(labels)
    wanted = labels[labels.notna()].tolist()
    assert back.tolist() == wanted
    assert [type(v) for v in back.tolist()] == [type(v) for v in wanted]
    if isinstance(labels.dtype, np.dtype):
        assert back.dtype == labels.dtype


@pytest.mark.parametrize("kind", ["datetime64[us]", "timedelta64[us]"])
def test_moments_and_spans_keep_their_dtype(kind):
    labels = pd.Series(TWO.astype(kind))
    _, back = round_trip(labels)
    assert back.dtype == kind
    assert (back == labels.to_numpy()).all()


def test_of_an_ordered_category_the_highest_is_positive():
    levels = pd.Categorical(np.array(["low", "high"])[TWO], ["low", "high"], ordered=True)
    assert round_trip(pd.Series(levels))[0].classes == ("low", "high")


def test_words_that_only_missing_values_become_are_missing():
    for word in ("nan", "<NA>", "NaT", "", "?"):
        schema, _ = round_trip(column(["a", "b", word]))
        assert (schema.classes, schema.rows_dropped) == (("a", "b"), ROWS // 3)


def test_one_number_spelled_in_two_ways_is_one_label():
    schema, back = round_trip(column(["1", "2", "3", "3.0", "3"]))
    assert schema.classes == ("1", "2", "3")
    assert set(back) == {"1", "2", "3"}


def test_new_rows_may_be_typed_otherwise():
    schema, _ = round_trip(pd.Series(THREE))
    for values in (["0", "2"], ["0.0", "2.0"], [0.0, 2.0], pd.array([0, 2], dtype="Int64")):
        assert encode_target(schema, values)[0].tolist() == [0, 2]
    truth, _ = round_trip(pd.Series(TWO.astype(bool)))
    for values in ([0, 1], ["false", "True"], ["no", "yes"]):
        assert encode_target(truth, values)[0].tolist() == [0, 1]
    assert encode_target(schema, ["x", None, "7"])[1].tolist() == [False] * 3


@pytest.mark.parametrize(
    ("words", "labels"),
    [
        (["01", "02", "10"], ("01", "02", "10")),
        (["TRUE", "FALSE"], ("FALSE", "TRUE")),
        (["0", "1", ""], (0, 1)),
        (["0.5", "1.5"], (0.5, 1.5)),
        (["1.50", "2.50"], ("1.50", "2.50")),
        (
            ["123456789012345671", "123456789012345672", ""],
            (123456789012345671, 123456789012345672),
        ),
        (["AF", "EU", "NA"], ("AF", "EU", "NA")),
        (["yes", "no", "NA"], ("no", "yes")),
    ],
)
def test_labels_of_a_file_are_spelled_as_written(tmp_path, words, labels):
    file = tmp_path / "table.csv"
    rows = "".join(f"{i % 7},{words[i % len(words)]}\n" for i in range(ROWS))
    file.write_text(f"a,goal\n{rows}")
    table = read_table(file, Reading(as_text=("goal",)))
    table.attrs[IN_FILE] = True
    schema = infer_schema(table, target="goal")
    assert schema.classes == labels
    assert [type(v) for v in schema.classes] == [type(v) for v in labels]
    codes, known = encode_target(schema, table["goal"])
    spelled = [str(label) for label in decode_labels(schema, codes[known])]
    assert spelled == [word for word in table["goal"].dropna() if word in map(str, labels)]


def test_a_date_to_be_estimated_is_refused_with_a_mend():
    days = pd.Series(pd.date_range("2024-01-01", periods=ROWS))
    with pytest.raises(DataError, match="days since a first day"):
        round_trip(days)


LABELS = st.one_of(
    st.integers(-(10**18), 10**18),
    st.booleans(),
    st.text("ab01 _-", min_size=1, max_size=4).filter(lambda word: word.strip(" -")),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-9, max_value=9),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(LABELS, min_size=2, max_size=5, unique_by=lambda v: str(v).strip()))
def test_any_mixture_of_labels_comes_back(labels):
    labels = [v.strip() if isinstance(v, str) else v for v in labels]
    _, back = round_trip(column(labels).astype(object), task="multiclass")
    wanted = column(labels).tolist()
    assert [(type(v), str(v)) for v in back.tolist()] == [(type(v), str(v)) for v in wanted]
