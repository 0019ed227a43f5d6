"""Labels and categories as people give them: all of them, spelled as they were."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from automl.data.schema import encode_target
from tests.corpus.kit import KINDS, XS, N, case, column, later, of_file, of_frame, refusal, rows

X = pd.DataFrame({"x": XS, "no": [i % 7 for i in range(N)]})


@case("181-a-single-label", "autogluon/autogluon#2018")
def test_a_single_label_is_refused():
    said = refusal(of_frame, X, ["yes"] * N)
    assert "'yes' in every row" in said
    assert "--target" in said


@case("182-labels-that-are-none", "autogluon/autogluon#2509", "autogluon/autogluon#621")
def test_rows_without_a_finite_target_are_left_out_and_told():
    y = np.array(XS)
    y[[1, 5]] = np.nan, np.inf
    seen = of_frame(X, y)
    assert (seen.schema.task, seen.schema.rows, seen.schema.rows_dropped) == ("regression", 58, 2)
    assert "2 of 60 rows have no target" in seen.told
    assert "no value in any row" in refusal(of_frame, X, [None] * N)


@case("183-two-classes-of-many", "autogluon/autogluon#1640")
def test_two_labels_may_be_asked_for_as_many():
    seen = of_frame(X, KINDS, task="multiclass")
    assert (seen.schema.task, seen.schema.classes) == ("multiclass", ("high", "low"))


@case("184-labels-that-differ-by-case", "eleybourn/Book-Catalogue#559")
def test_labels_that_differ_by_case_alone_are_told():
    seen = of_frame(X, [["Yes", "yes", "No"][i % 3] for i in range(N)])
    assert seen.schema.classes == ("No", "Yes", "yes")
    assert "'Yes' and 'yes' differ by case alone" in seen.told
    colours = X.assign(v=[["Red", "red ", "blue"][i % 3] for i in range(N)])
    assert "differ by case alone, such as 'Red' and 'red'" in of_frame(colours, KINDS).told


@case("185-true-and-1", "eleybourn/Book-Catalogue#559", "evancharlton/android-mileage#56")
@pytest.mark.parametrize("pair", [("true", "false"), ("Yes", "no"), ("T", "F"), ("Y", "n")])
def test_truth_may_be_written_in_two_ways_in_one_column(write, pair):
    words = [pair[0], "1", pair[1], "0", pair[0].upper()]
    path = write(column(lambda i: words[i % 5]))
    seen = of_file(path)
    assert seen.numbers("v")[:5] == [1, 1, 0, 0, 1]
    assert "as 0 and 1" in seen.reason("v")
    assert later(seen, path)[0].numbers("v") == seen.numbers("v")


@case("186-truth-in-other-languages", "sparna-git/xls2rdf#13", "phpmyadmin/phpmyadmin#19948")
@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("vrai", "faux"),
        ("WAHR", "FALSCH"),
        ("VERDADERO", "FALSO"),
        ("VERDADEIRO", "FALSO"),
        ("ИСТИНА", "ЛОЖЬ"),
        ("WAAR", "ONWAAR"),
        (".TRUE.", ".FALSE."),
    ],
)
def test_truth_as_spreadsheets_of_other_languages_write_it(write, true, false):
    seen = of_file(write(column(lambda i: [true, false, ""][i % 3])))
    assert seen.numbers("v")[:3] == [1, 0, None]
    assert seen.reason("v") == f"{false.lower()}/{true.lower()} as 0 and 1"


@case("187-labels-of-nullable-types", "lightgbm-org/LightGBM#4173", "lightgbm-org/LightGBM#2486")
@pytest.mark.parametrize("dtype", ["Int64", "boolean", "Float64", "UInt8"])
def test_labels_of_nullable_types_with_gaps(dtype):
    y = pd.Series([i % 2 for i in range(N)], dtype=dtype)
    y[::7] = pd.NA
    seen = of_frame(X, y)
    assert (seen.schema.task, seen.schema.rows) == ("binary", N - 9)
    assert seen.schema.classes == (0, 1)
    codes, known = encode_target(seen.schema, y)
    assert codes[1:4].tolist() == [1, 0, 1]
    assert not known[::7].any()


@case("188-more-digits-than-numbers-have", "pandas-dev/pandas#33766")
def test_labels_of_more_digits_than_numbers_have_stay_apart():
    seen = of_frame(X, [10**30 + i % 2 for i in range(N)])
    assert len(seen.schema.classes) == 2
    said = refusal(of_frame, X, [10**30 + i for i in range(N)])
    assert "looks like an id" in said
    assert "in every row" not in said


@case("189-levels-that-training-lacks", "automl/auto-sklearn#1055", "lopezco/ml-flask-api#4")
def test_later_rows_with_new_levels_and_labels_are_read(write):
    lines = rows([["a", "b"][i % 2] for i in range(N)], XS, KINDS)
    seen = of_file(write("v,x,kind\n" + lines))
    new, told = later(seen, write("x,v,kind\n1,zebra,odd\n2,,low\n", "new.csv"))
    assert new.values("v") == ["zebra", None]
    assert told == []
    codes, known = encode_target(seen.schema, new.table["kind"])
    assert (codes.tolist(), known.tolist()) == ([-1, 1], [False, True])
