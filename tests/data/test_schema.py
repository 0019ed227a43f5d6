from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.data.schema import (
    decode_labels,
    describe,
    encode_target,
    guess_target,
    infer_schema,
    schema_from_json,
    schema_to_json,
    to_dataset,
    to_features,
)
from automl.errors import DataError, UsageError

RNG = np.random.default_rng(0)
N = 400


def column_of(values, name="x", **options):
    """The schema's judgement on one column beside a plain binary target."""
    table = pd.DataFrame({name: values, "filler": RNG.normal(size=len(values))})
    table["target"] = np.arange(len(values)) % 2
    schema = infer_schema(table, target="target", **options)
    column = next(c for c in schema.columns if c.name == name)
    return column, (to_features(schema, table).get(name) if column.kind != "set_aside" else None)


# ------------------------------------------------------------------- missing values


@pytest.mark.parametrize("word", ["?", "NA", "N/A", "nan", "-", "", None, "null"])
def test_words_for_missing_among_numbers(word):
    column, typed = column_of([word, "1.5", "2", "3e1"] * 100)
    assert column.kind == "number"
    assert column.missing == 0.25
    assert typed[:4].tolist()[1:] == [1.5, 2.0, 30.0]
    assert np.isnan(typed[0])


@pytest.mark.parametrize("word", ["None", "unknown", "Missing"])
def test_more_words_are_missing_among_numbers_than_among_words(word):
    numbers, _ = column_of([word, *map(str, range(99))] * 4)
    assert (numbers.kind, numbers.missing) == ("number", 0.01)
    words, typed = column_of([word, *["red", "blue"] * 2] * 80)
    assert (words.kind, words.missing, words.levels) == ("category", 0.0, 3)
    assert word in typed.cat.categories


def test_a_word_that_fills_nearly_every_row_is_a_level():
    column, typed = column_of(["None"] * 398 + ["Christmas Day", "Labor Day"])
    assert (column.kind, column.missing) == ("category", 0.0)
    assert typed.cat.categories.tolist() == ["Christmas Day", "Labor Day", "None"]


def test_question_marks_and_blanks_are_missing_among_words():
    column, typed = column_of(["?", "private", " ", "public"] * 100)
    assert column.missing == 0.5
    assert column.missing_words == ("?",)
    assert typed.cat.categories.tolist() == ["private", "public"]


def test_a_minus_beside_a_plus_is_a_level():
    column, typed = column_of(["+", "-", "-", "?"] * 100)
    assert (column.levels, column.missing) == (2, 0.25)
    assert typed.tolist()[:3] == ["+", "-", "-"]


def test_infinity_is_missing():
    column, typed = column_of([np.inf, 1.0, -np.inf, 2.5] * 100)
    assert column.missing == 0.5
    assert np.isnan(typed.to_numpy()[[0, 2]]).all()


# --------------------------------------------------------------- numbers in strings


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("19M", 19e6),
        ("201k", 201e3),
        ("10,000+", 10_000),
        ("$4.99", 4.99),
        ("45%", 45),
        ("(1,234)", -1234),
        ("-$3", -3),
        ("€ 12", 12),
        ("1.5e3", 1500),
        ("2.5GB", 2.5e9),
    ],
)
def test_ways_of_writing_amounts(raw, value):
    column, typed = column_of([raw, "$7", *(f"${i}" for i in range(10, 20))] * 40)
    assert column.kind == "number"
    assert typed[0] == pytest.approx(value)
    assert typed[1] == 7


def test_one_unit_for_the_whole_column():
    column, typed = column_of([f"{i} kg" for i in range(50, 90)] * 10)
    assert column.parse == "quantity:kg"
    assert "unit kg" in column.reason
    assert typed[0] == 50


def test_a_decimal_comma():
    column, typed = column_of(["3,14", "1.234,5", "2", "0,75"] * 100)
    assert column.parse == "decimal_comma"
    assert typed[:4].tolist() == [3.14, 1234.5, 2.0, 0.75]


def test_a_frequent_odd_word_is_missing_and_named():
    column, _ = column_of(["Varies with device"] * 60 + [f"{i % 50}M" for i in range(340)])
    assert column.kind == "number"
    assert column.missing == pytest.approx(0.15)
    assert "'Varies with device'" in column.reason


def test_one_shifted_row_does_not_spoil_a_column():
    column, _ = column_of(["Everyone", *(f"${i % 9}.50" for i in range(N - 1))])
    assert column.kind == "number"
    assert "1 row with 'Everyone'" in column.reason


@pytest.mark.parametrize(
    "values",
    [
        ["10-19", "20-29", "30-39", "40-49"],
        ["A1", "B22", "C3", "D4"],
        ["1.0.0", "1.2.3", "2.0.1", "4.4.4"],
        ["1", "2", "many", "few"],
        ["4WD", "two", "3", "x5"],
    ],
)
def test_words_with_digits_stay_categories(values):
    assert column_of(values * 100)[0].kind == "category"


@pytest.mark.parametrize("pair", [("TRUE", "FALSE"), ("yes", "no"), ("Y", "N"), (True, False)])
def test_booleans_are_ones_and_zeros(pair):
    column, typed = column_of([*pair, None, pair[0]] * 100)
    assert (column.kind, column.parse) == ("number", "boolean")
    np.testing.assert_array_equal(typed[:4], [1, 0, np.nan, 1])


# ------------------------------------------------------------------ dates and times


@pytest.mark.parametrize(
    "form",
    [
        *("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%m/%d/%Y %H:%M", "%d.%m.%Y"),
        *("%B %d, %Y", "%d-%b-%Y", "%m/%d/%y", "%d/%m/%Y", "%Y%m%d", "%a %b %d %H:%M:%S %Y"),
    ],
)
def test_ways_of_writing_dates(form):
    dates = pd.Series(pd.date_range("2015-01-29", periods=N, freq="31h")).dt.floor("D")
    column, typed = column_of(dates.dt.strftime(form))
    assert column.kind == "datetime"
    assert typed.dtype == "datetime64[us]"
    assert (typed == dates).all()


def test_dates_that_fit_both_ways_say_so():
    column, typed = column_of(["01/02/2020", "03/04/2020", "05/06/2021", "07/08/2021"] * 100)
    assert "day first" in column.reason
    assert typed[0] == pd.Timestamp(2020, 1, 2)


def test_a_bad_date_does_not_spoil_a_column():
    days = pd.Series(pd.date_range("2018-01-01", periods=N - 1)).dt.strftime("%B %d, %Y")
    column, typed = column_of(["1.0.19", *days])
    assert column.kind == "datetime"
    assert "1 row in another form" in column.reason
    assert typed.isna().sum() == 1


def test_typed_dates_times_of_day_and_durations():
    aware, typed = column_of(pd.date_range("2020-01-01", periods=N, tz="Europe/Berlin"))
    assert aware.kind == "datetime"
    assert typed[0] == pd.Timestamp(2019, 12, 31, 23)
    clock, typed = column_of(["09:30:00", "23:59:59", "00:00:10", "12:00:00"] * 100)
    assert (clock.kind, typed[0], typed[2]) == ("number", 34_200, 10)
    spans, typed = column_of(pd.to_timedelta(np.arange(N) + 90.5, unit="s"))
    assert (spans.kind, typed[0]) == ("number", 90.5)


# --------------------------------------------------------- categories, ids, constants


def coded_table(n=3000):
    """Columns of ids as an access log has them: repeated, wide-gapped, without meaning."""
    rng = np.random.default_rng(1)
    pools = {"RESOURCE": 700, "ROLLUP": 120, "DEPT": 300, "TITLE": 80, "MGR_ID": 500}
    ids = {k: rng.choice(rng.integers(100, 300_000, size), n) for k, size in pools.items()}
    return pd.DataFrame(ids).assign(ACTION=rng.integers(0, 2, n))


def test_a_table_of_integer_codes_is_read_as_categories():
    schema = infer_schema(coded_table(), target="ACTION")
    assert {c.kind for c in schema.columns} == {"category"}
    assert all("things" in c.reason or "codes" in c.reason for c in schema.columns)


def test_a_lone_column_that_looks_like_codes_stays_a_number():
    size = RNG.choice(RNG.integers(30_000, 220_000, 40), N)
    assert column_of(size, "Size")[0].kind == "number"


@pytest.mark.parametrize(
    "values",
    [
        RNG.integers(1, 52, N),
        RNG.integers(1859, 3858, N),
        RNG.integers(0, 256, N),
        RNG.poisson(3, N),
        (RNG.lognormal(8, 2, N)).astype(int),
        (RNG.lognormal(10, 1, N) // 100 * 100).astype(int),
        np.where(RNG.random(N) < 0.9, 0, RNG.integers(1, 10**6, N)),
        RNG.integers(0, 2, N),
        RNG.integers(-5, 5, N),
    ],
    ids=["age", "elevation", "pixel", "count", "bytes", "income", "mostly 0", "0/1", "signed"],
)
def test_quantities_stay_numbers(values):
    quantities = {f"q{i}": np.roll(values, 7 * i) for i in range(4)}
    table = pd.DataFrame({**quantities, "target": np.arange(N) % 2})
    schema = infer_schema(table, target="target")
    assert {c.kind for c in schema.columns} == {"number"}


@pytest.mark.parametrize("name", ["store_id", "zip", "MgrId", "ROLE_CODE", "Dept"])
def test_integers_named_as_codes_are_categories(name):
    column, typed = column_of(RNG.integers(1, 99, N), name)
    assert column.kind == "category"
    assert "by the column's name" in column.reason
    assert typed.cat.categories.str.isdigit().all()


@pytest.mark.parametrize(
    ("values", "name", "why"),
    [
        (np.arange(N) + 1, "row", "running number"),
        (np.random.default_rng(3).permutation(3 * N)[:N], "n", "running number"),
        (np.random.default_rng(3).integers(0, 10**9, N), "customer_id", "an id"),
        ([f"{i:x}-{i * 7919:x}" for i in range(N)], "key", "an id"),
        (["same"] * N, "x", "the same value"),
        ([7] * N, "x", "the same value"),
        ([None] * N, "x", "no value"),
        (["?"] * N, "x", "no value"),
        ([np.nan] * N, "x", "no value"),
        ([[1, 2]] * N, "x", "lists"),
    ],
)
def test_what_teaches_nothing_is_set_aside_with_its_reason(values, name, why):
    column, _ = column_of(values, name)
    assert column.kind == "set_aside"
    assert why in column.reason


def test_a_constant_with_gaps_is_kept_because_the_gaps_may_tell():
    assert column_of([1.0, None] * 200)[0].kind == "number"
    assert column_of(["yes it is", None] * 200)[0].kind == "category"


def test_distinct_measurements_are_no_ids():
    assert column_of(RNG.integers(0, 10**7, N), "weight_g")[0].kind == "number"


def test_free_text_and_names_are_text_but_repeated_words_are_categories():
    words = np.array(["the", "flight", "was", "late", "again", "thanks", "crew", "lost", "bags"])
    sentences = [" ".join(RNG.choice(words, 9)) for _ in range(N)]
    assert column_of(sentences)[0].kind == "text"
    assert column_of([f"Miss. {a}{b} Smith" for a in words for b in range(45)])[0].kind == "text"
    assert column_of(["St Louis, MO", "New York, NY", "Paris, FR", "Bern, CH"] * 100)[0].kind == (
        "category"
    )


def test_a_category_dtype_is_believed():
    column, typed = column_of(pd.Categorical(RNG.integers(0, 7, N)))
    assert column.kind == "category"
    assert typed.cat.categories.tolist() == list("0123456")


def test_levels_are_spelled_alike_from_integers_floats_and_strings():
    table = coded_table()
    schema = infer_schema(table, target="ACTION")
    expected = to_features(schema, table)
    floats = table.astype({"RESOURCE": "float64", "DEPT": "str", "TITLE": "Int64"})
    pd.testing.assert_frame_equal(to_features(schema, floats), expected)


# --------------------------------------------------------------------------- target


def task_of(values, name="target", **options):
    table = pd.DataFrame({"a": RNG.normal(size=len(values)), name: values})
    return infer_schema(table, target=name, **options)


@pytest.mark.parametrize(
    ("values", "name", "task"),
    [
        (["a", "b"], "t", "binary"),
        ([1, 2], "t", "binary"),
        ([0.0, 1.0], "t", "binary"),
        ([True, False], "t", "binary"),
        (["x", "y", "z"], "t", "multiclass"),
        (list(range(10)), "digit", "multiclass"),
        ([1, 2, 3, 4, 5, 6, 7], "Cover_Type", "multiclass"),
        ([1, 2, 3, 4, 5], "rating", "regression"),
        ([3, 4, 5, 6, 7, 8], "quality", "regression"),
        ([1.0, 1.5, 2.0, 2.5], "t", "regression"),
        (list(range(50)), "t", "regression"),
        ([100, 250, 500, 900], "t", "regression"),
        ([0, 1, 2, 3, 4], "claim_count", "regression"),
    ],
)
def test_the_task_is_inferred_with_a_reason(values, name, task):
    schema = task_of(values * (N // len(values)), name)
    assert schema.task == task
    assert schema.task_reason


def test_prices_in_strings_are_a_regression_target():
    schema = task_of([f"${i}.50" for i in range(N)])
    assert schema.task == "regression"
    table = pd.DataFrame({"a": RNG.normal(size=N), "target": [f"${i}.50" for i in range(N)]})
    assert to_dataset(schema, table).y[:2].tolist() == [0.5, 1.5]


def test_the_task_can_be_overruled():
    assert task_of([1, 2, 3, 4] * 100, task="regression").task == "regression"
    assert task_of([1, 2, 3, 4] * 100, "rating", task="multiclass").classes == (1, 2, 3, 4)
    with pytest.raises(DataError, match="3 labels"):
        task_of([1, 2, 3] * 100, task="binary")
    with pytest.raises(DataError, match="words, not numbers"):
        task_of(["a", "b"] * 100, task="regression")


@pytest.mark.parametrize(
    "labels",
    [
        *(("no", "yes"), ("nein", "Ja"), ("nee", "ja"), ("non", "oui"), ("no", "s\u00ed")),
        *(("n\u00e3o", "sim"), ("nie", "tak"), ("faux", "vrai"), ("falso", "vero")),
        *(("\u043d\u0435\u0442", "\u0434\u0430"), ("\u5426", "\u662f")),
    ],
)
def test_a_yes_of_any_language_comes_last(labels):
    assert task_of([*labels] * 100).classes == labels
    assert task_of([*labels[::-1]] * 100).classes == labels


def test_the_positive_label_comes_last():
    assert task_of(["yes", "no"] * 100).classes == ("no", "yes")
    assert task_of(["abnormal", "normal"] * 100).classes == ("normal", "abnormal")
    assert task_of([1, 2] * 100).classes == (1, 2)
    assert task_of([1, 2] * 100, positive="1").classes == (2, 1)
    assert task_of([1.0, 2.0] * 100, positive="1").classes == (2.0, 1.0)
    with pytest.raises(UsageError, match="no label '3'"):
        task_of([1, 2] * 100, positive="3")


def test_labels_may_be_signs():
    schema = task_of(["+", "-", "?"] * 100)
    assert schema.classes == ("+", "-")
    assert schema.rows_dropped == 100


def test_rows_without_a_target_are_dropped_and_counted():
    table = pd.DataFrame({"a": RNG.normal(size=6), "t": [1, None, 2, 1, None, 2]})
    schema = infer_schema(table, target="t")
    assert (schema.rows, schema.rows_dropped) == (4, 2)
    assert schema.classes == (1, 2)
    assert schema.target_dtype == "int64"
    data = to_dataset(schema, table)
    assert data.X.index.tolist() == [0, 2, 3, 5]
    assert data.y.tolist() == [0, 1, 0, 1]
    assert any("2 of 6 rows" in line for line in describe(schema))


def test_unknown_labels_are_told_apart():
    schema = task_of(["a", "b"] * 100)
    y, known = encode_target(schema, ["b", "c", None, " a "])
    assert y.tolist() == [1, -1, -1, 0]
    assert known.tolist() == [True, False, False, True]
    numbers = task_of([3, 1, 2] * 100)
    y, known = encode_target(numbers, ["2", "7", "?", "1.0"])
    assert y.tolist() == [1, -1, -1, 0]
    assert known.tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (["a"] * N, "in every row"),
        ([5] * N, "in every row"),
        ([None] * N, "no value in any row"),
        ([np.nan] * N, "no value in any row"),
        (["?"] * N, "no value in any row"),
        ([f"id-{i}" for i in range(N)], "looks like an id or text"),
    ],
)
def test_a_target_that_cannot_be_learned(values, sentence):
    with pytest.raises(DataError, match=sentence):
        task_of(values)


# ---------------------------------------------------------------- guessing the target


@pytest.mark.parametrize(
    ("columns", "guess"),
    [
        ({"Label": [0, 1], "b": [1, 2]}, "Label"),
        ({"a": [1, 2], "y": [0, 1], "b": [3, 4]}, "y"),
        ({"a": [1.5, 2.5], "tweet_sentiment": ["x", "y"], "b": [3.0, 4.5]}, "tweet_sentiment"),
        ({"a": [1.5, 2.5], "b": ["x", "y"], "c": [1, 1]}, "b"),
        ({"a": [1.5, 2.5], "b": ["x", "y"], "c": [None, None]}, "b"),
    ],
)
def test_the_target_is_guessed(columns, guess):
    table = pd.DataFrame({name: values * 100 for name, values in columns.items()})
    name, reason = guess_target(table)
    assert name == guess
    assert reason
    schema = infer_schema(table, target=None)
    assert schema.target == guess
    assert "--target" in describe(schema)[0]


def test_a_first_column_of_two_values_goes_before_a_last_with_more():
    name, _ = guess_target(coded_table()[["ACTION", "RESOURCE", "MGR_ID"]])
    assert name == "ACTION"


def test_the_source_names_the_target():
    table = pd.DataFrame({"a": [0, 1] * 50, "class": [0, 1] * 50})
    table.attrs["target"] = "a"
    assert guess_target(table)[0] == "a"


def test_no_column_can_be_the_target():
    with pytest.raises(DataError, match="No column can be the target"):
        guess_target(pd.DataFrame({"a": [1] * 50, "b": range(50)}))


# ------------------------------------------------------- options, errors and printing


def messy(n=N, seed=0):
    rng = np.random.default_rng(seed)
    days = pd.Series(pd.date_range("2020-01-01", periods=n))
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "income": [f"${v:,}" for v in rng.integers(1000, 99_999, n)],
            "job": rng.choice(["nurse", "clerk", "?", "None"], n),
            "seen": days.dt.strftime("%m/%d/%Y"),
            "member": rng.choice(["yes", "no"], n),
            "shop_id": rng.integers(1, 30, n),
            "house": rng.integers(1, 40, n),
            "ratio": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "target": rng.choice(["<=50K", ">50K"], n),
        }
    )


def test_unknown_columns_are_named_with_a_suggestion():
    for option in ({"drop": ["ages"]}, {"group": "ages"}, {"time": "ages"}, {"target": "ages"}):
        with pytest.raises(DataError, match="did you mean 'age'"):
            infer_schema(messy(), **{"target": "target", **option})
    with pytest.raises(UsageError, match="names the target"):
        infer_schema(messy(), target="target", drop=["target"])


def test_two_columns_of_one_name_are_refused():
    table = messy().rename(columns={"house": "age"})
    with pytest.raises(DataError, match="more than one column named 'age'"):
        infer_schema(table, target="target")


def test_nothing_left_to_learn_from():
    with pytest.raises(DataError, match="No column is left"):
        infer_schema(messy()[["age", "target"]], target="target", drop=["age"])


def test_a_column_cannot_both_group_and_order():
    with pytest.raises(UsageError, match="--group and --time both name 'house'"):
        infer_schema(messy(), target="target", group="house", time="house")


def test_groups_are_set_aside_and_coded():
    schema = infer_schema(messy(), target="target", group="house")
    assert "house" not in [c.name for c in schema.features]
    data = to_dataset(schema, messy())
    assert (pd.factorize(messy()["house"])[0] == data.groups).all()


def test_time_orders_rows_and_stays_a_feature():
    table = messy().sample(frac=1, random_state=0)
    schema = infer_schema(table, target="target", time="seen")
    data = to_dataset(schema, table)
    assert (data.X["seen"].iloc[np.argsort(data.times)].diff().dropna() > pd.Timedelta(0)).all()
    dropped = infer_schema(table, target="target", time="seen", drop=["seen"])
    assert "seen" not in [c.name for c in dropped.features]
    np.testing.assert_array_equal(to_dataset(dropped, table).times, data.times)
    running = table.assign(seen=np.arange(N))
    assert "seen" in to_dataset(infer_schema(running, target="target", time="seen"), running).X
    with pytest.raises(DataError, match="neither dates nor numbers"):
        infer_schema(table, target="target", time="job")
    table.loc[3, "seen"] = None
    with pytest.raises(DataError, match="1 rows without a readable time"):
        to_dataset(schema, table)


def test_missing_columns_are_named():
    schema = infer_schema(messy(), target="target")
    with pytest.raises(DataError, match="lacks the columns 'age', 'job'"):
        to_features(schema, messy().drop(columns=["age", "job"]))


def test_what_is_printed_stays_short_for_wide_tables():
    table = pd.DataFrame(RNG.integers(0, 2, (50, 3000)), columns=[f"c{i}" for i in range(3000)])
    table.iloc[:, :1000] = 1
    table["target"] = np.arange(50) % 2
    lines = describe(infer_schema(table, target="target"))
    assert len(lines) < 30
    assert max(map(len, lines)) < 300
    assert any("and 994 more - the same value in every row" in line for line in lines)


def test_the_table_is_not_changed():
    table, before = messy(), messy()
    schema = infer_schema(table, target="target")
    to_dataset(schema, table)
    pd.testing.assert_frame_equal(table, before)


# ------------------------------------------------------------------------ invariants

CELLS = {
    "integers": st.integers(-(10**6), 10**6),
    "codes": st.integers(0, 5),
    "floats": st.floats(allow_nan=True, allow_infinity=True, width=32),
    "words": st.sampled_from(["a", "b", "None", "?", "", " c ", "-", "+", "NA"]),
    "amounts": st.sampled_from(["$1", "2,000", "3M", "4%", "?", "5 kg", "n/a", "x"]),
    "dates": st.sampled_from(["2020-01-02", "2021-12-31", "?", "03/04/2021"]),
    "text": st.text(max_size=12),
    "booleans": st.booleans(),
    "mixed": st.one_of(st.none(), st.integers(0, 9), st.text(max_size=3), st.booleans()),
}


@st.composite
def tables(draw):
    n = draw(st.integers(4, 30))
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4))
    columns = {
        f"{kind}_{i}": draw(st.lists(CELLS[kind], min_size=n, max_size=n))
        for i, kind in enumerate(kinds)
    }
    table = pd.DataFrame({**columns, "always": np.arange(n) ** 2 % 7.5})
    labels = draw(st.sampled_from([["b", "a"], [2, 1], [True, False], [0.5, 1.5], [10, -10, 7]]))
    table["goal"] = [labels[i % len(labels)] for i in range(n)]
    return table


@settings(max_examples=40, deadline=None)
@given(tables())
def test_reading_is_a_function_of_the_schema(table):
    schema = infer_schema(table, target="goal")
    again = schema_from_json(json.loads(json.dumps(schema_to_json(schema))))
    assert again == schema
    data = to_dataset(schema, table)
    features = to_features(again, table)
    pd.testing.assert_frame_equal(data.X, features)
    assert list(features) == [c.name for c in schema.features]
    assert list(features.index) == list(range(len(table)))
    shuffled = table[list(reversed(table.columns))].drop(columns="goal").assign(extra=1)
    pd.testing.assert_frame_equal(to_features(schema, shuffled), features)
    kinds = {"number": "f", "category": "O", "datetime": "M", "text": "O"}
    for column in schema.features:
        typed = features[column.name]
        assert typed.dtype.kind == kinds[column.kind]
        assert typed.isna().mean() == pytest.approx(column.missing)
        if column.kind == "number":
            assert not np.isinf(typed).any()


@settings(max_examples=40, deadline=None)
@given(tables())
def test_labels_come_back_as_they_were(table):
    schema = infer_schema(table, target="goal", task="auto")
    y, known = encode_target(schema, table["goal"])
    assert known.all()
    labels = decode_labels(schema, y)
    assert labels.tolist() == table["goal"].tolist()
    if schema.classes:
        assert {type(v) for v in labels.tolist()} == {type(v) for v in table["goal"].tolist()}


@settings(max_examples=15, deadline=None)
@given(st.integers(1, N), st.integers(0, 10**6))
def test_rows_are_read_alike_alone_and_together(rows, seed):
    table = messy()
    schema = infer_schema(table, target="target")
    whole = to_features(schema, table)
    picked = np.random.default_rng(seed).permutation(N)[:rows]
    part = to_features(schema, table.iloc[picked])
    for name in whole:
        expected = whole[name].iloc[picked].astype(object).reset_index(drop=True)
        pd.testing.assert_series_equal(part[name].astype(object), expected, check_index=True)


def test_a_unit_after_a_blank_is_no_multiplier():
    heights = [f"{1 + i / 100:.2f} m" for i in range(N)]
    table = pd.DataFrame({"a": RNG.normal(size=N), "height": heights, "size": heights})
    schema = infer_schema(table, target="height")
    data = to_dataset(schema, table)
    assert data.y[:2].tolist() == [1.0, 1.01]
    assert data.X["size"].tolist() == data.y.tolist()
    sizes = pd.DataFrame({"a": RNG.normal(size=N), "y": [f"{1 + i % 90}M" for i in range(N)]})
    assert to_dataset(infer_schema(sizes, target="y"), sizes).y[0] == 1e6


def test_new_rows_of_a_target_are_read_by_the_rule_of_the_training_rows():
    values = [f"{i},{i % 9 + 1}" for i in range(N)]
    table = pd.DataFrame({"a": RNG.normal(size=N), "y": values})
    schema = infer_schema(table, target="y")
    assert schema.task == "regression"
    new = pd.DataFrame({"a": [0.0, 1.0], "y": ["1,250", "2,400"]})
    assert to_dataset(schema, new).y.tolist() == [1.25, 2.4]
    again = schema_from_json(json.loads(json.dumps(schema_to_json(schema))))
    assert to_dataset(again, new).y.tolist() == [1.25, 2.4]


def test_numbers_in_strings_are_labels_as_they_are_spelled():
    assert task_of(["0", "1", "2", "3"] * 100, "kind").classes == ("0", "1", "2", "3")
    mixed = task_of(["1.0", "2.0", "3.0", "?"] * 100, "kind")
    assert mixed.classes == ("1.0", "2.0", "3.0")
    both = task_of(["1", "2", "3", "2.0"] * 100 + ["2"], "kind")
    assert both.classes == ("1", "2", "3")
    odd = task_of(["0", "1"] * 200 + ["unknown"], "kind")
    assert odd.classes == ("0", "1")
    assert (odd.task, odd.rows_dropped) == ("binary", 1)


def test_a_category_of_numbers_is_classes():
    levels = pd.Series([1, 2, 3, 4, 5] * 80).astype("category")
    assert task_of(list(levels), "rating").task == "regression"
    table = pd.DataFrame({"a": RNG.normal(size=400), "rating": levels})
    schema = infer_schema(table, target="rating")
    assert (schema.task, schema.classes) == ("multiclass", (1, 2, 3, 4, 5))
    holed = table.assign(rating=levels.where(levels != 3))
    assert infer_schema(holed, target="rating").classes == (1, 2, 4, 5)
    assert infer_schema(table, target="rating", task="regression").task == "regression"


def test_a_single_row_is_told_in_words_that_fit():
    days = [f"March {1 + i % 28}, 2020" for i in range(3000)]
    table = pd.DataFrame({"day": [*days[:-1], "1.0.19"], "x": range(3000), "y": ["a", "b"] * 1500})
    table["x"] = table["x"].where(table["x"] != 7) ** 1.5
    told = " ".join(describe(infer_schema(table, target="y")))
    assert "1 row in another form read as missing" in told
    assert "x 0.1%" in told
