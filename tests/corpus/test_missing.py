"""Marks of missing values: read as missing where they can be nothing else, told where they may."""

# ruff: noqa: RUF001 - signs that look alike are the point
from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.corpus.kit import KINDS, XS, N, case, column, every, of_file, of_frame, refusal


@case("151-errors-of-spreadsheets", "biolab/orange3#5172", "dilshod/xlsx2csv#268")
@pytest.mark.parametrize("word", ["#VALUE!", "#DIV/0!", "#NV", "#N/A", "#WERT!", "########"])
def test_errors_of_spreadsheets_are_missing(write, word):
    found = of_file(write(column(lambda i: word if i % 6 == 0 else XS[i]))).numbers("v")
    assert found == every(6, None, XS)


@case("152-nines", "cmu-delphi/delphi-epidata#1366", "Quartz/bad-data-guide#14")
@pytest.mark.parametrize("mark", [-999, -999_999, 9999, -99])
def test_nines_far_from_all_other_values_are_told_and_kept(write, mark):
    seen = of_file(write(column(lambda i: mark if i % 6 == 0 else XS[i] / 10)))
    assert seen.numbers("v")[0] == mark
    assert f"{mark:g} in 10 rows is far from all others" in seen.told
    near = of_file(write(column(lambda i: 99 if i % 6 == 0 else XS[i] + 30)))
    assert "far from" not in near.told


@case("153-n-a-of-bids", "bids-standard/bids-specification#1938")
def test_n_a_is_missing_among_numbers_words_and_dates(write):
    for make, kind in (
        (lambda i: XS[i], "number"),
        (lambda i: ["red", "blue"][i % 2], "category"),
        (lambda i: f"2024-01-{1 + i % 28:02d}", "datetime"),
        (lambda i: ["yes", "no"][i % 2], "number"),
    ):
        seen = of_file(write(column(lambda i, m=make: "n/a" if i % 5 == 0 else m(i))))
        assert seen.kinds["v"] == kind
        assert seen.values("v")[::5] == [None] * 12
        assert None not in seen.values("v")[1:5]


@case("154-a-dash-is-no-zero", "LATC/EU-data-cloud#28")
@pytest.mark.parametrize("word", ["-", ":", "..", "–", "."])
def test_a_dash_or_a_colon_is_missing_and_no_zero(write, word):
    found = of_file(write(column(lambda i: word if i % 6 == 0 else i))).numbers("v")
    assert found == every(6, None, list(range(N)))


@case("155-a-constant-with-gaps", "autogluon/autogluon#4508", "autogluon/autogluon#4584")
def test_a_constant_with_gaps_is_kept_for_its_gaps():
    table = pd.DataFrame({"v": every(3, np.nan, [0.5] * N), "x": XS, "none": [np.nan] * N})
    seen = of_frame(table, KINDS)
    assert seen.numbers("v")[:2] == [None, 0.5]
    assert seen.reason("none") == "no value in any row"


@case("156-nothing-but-a-constant", "autogluon/autogluon#532")
def test_a_table_of_one_constant_is_refused_with_the_reason():
    said = refusal(of_frame, pd.DataFrame({"n": [0] * N}), KINDS)
    assert "n: the same value in every row" in said
    assert "only the target" in refusal(of_frame, pd.DataFrame({"y": KINDS}), "y")


@case("157-an-array-of-gaps", "mljar/mljar-supervised#239")
def test_an_array_with_gaps_is_a_table():
    values = np.array(every(4, np.nan, XS), dtype=np.float32)
    array = np.column_stack([values, np.full(N, np.nan, np.float32), np.arange(N) % 7])
    seen = of_frame(array, KINDS)
    assert seen.kinds == {"x0": "number", "x1": "set_aside", "x2": "number"}
    assert seen.numbers("x0")[4] is None
