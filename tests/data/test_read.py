from __future__ import annotations

import bz2
import gzip
import json
import lzma
import tempfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.data.read import read_table
from automl.data.schema import infer_schema, to_features
from automl.errors import DataError
from automl.types import Reading

CSV = "a,b,c\n1,x,2.5\n2,y,3.5\n"
EXPECTED = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [2.5, 3.5]})


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_separator_is_found(write, delimiter):
    table = read_table(write(CSV.replace(",", delimiter)))
    pd.testing.assert_frame_equal(table, EXPECTED)


def test_a_separator_inside_quotes_does_not_mislead(write):
    table = read_table(write('name;note\n"a,b,c,d";1\n"e,f,g,h";2\n'))
    assert table["name"].tolist() == ["a,b,c,d", "e,f,g,h"]


def test_one_column_needs_no_separator(write):
    assert read_table(write("x\n1\n2\n"))["x"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)],
)
def test_packed_files_are_known_by_their_content(write, suffix, pack):
    for name in (f"table.csv.{suffix}", "table"):
        pd.testing.assert_frame_equal(read_table(write(pack(CSV.encode()), name)), EXPECTED)


def test_a_zip_with_one_file(tmp_path):
    path = tmp_path / "table.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("table.csv", CSV)
    pd.testing.assert_frame_equal(read_table(path), EXPECTED)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.csv", CSV)
    with pytest.raises(DataError, match="holds 2 files"):
        read_table(path)


def test_parquet_and_json_lines(tmp_path, write):
    EXPECTED.to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.parquet"), EXPECTED)
    lines = "".join(json.dumps(r) + "\n" for r in EXPECTED.to_dict("records"))
    pd.testing.assert_frame_equal(read_table(write(lines, "t.jsonl")), EXPECTED)


def test_json_lines_of_mixed_types(write):
    table = read_table(write('{"a": 1}\n{"a": "x", "b": 2}\n', "t.ndjson"))
    assert table["a"].tolist() == [1, "x"]
    assert table["b"].isna().tolist() == [True, False]


def test_words_for_missing_survive_and_only_blank_is_missing(write):
    table = read_table(write("a,b\nNone,1\nNA,?\n,2\n  ,3\n"))
    assert table["a"].isna().tolist() == [False, False, True, True]
    assert table["a"].tolist()[:2] == ["None", "NA"]
    assert table["b"].tolist() == ["1", "?", "2", "3"]


def test_booleans_stay_as_written(write):
    assert read_table(write("a,b\nTRUE,1\nFALSE,2\n"))["a"].tolist() == ["TRUE", "FALSE"]


def test_spaces_around_names_and_values_go(write):
    table = read_table(write(" a , b\n 1 , x y \n2,  z\n"))
    assert list(table) == ["a", "b"]
    assert table["a"].tolist() == [1, 2]
    assert table["b"].tolist() == ["x y", "z"]


def test_types_are_inferred_from_every_row(write):
    rows = "\n".join(str(i) for i in range(50_000))
    table = read_table(write(f"a\n{rows}\nlate\n"))
    assert table["a"].tolist()[-2:] == ["49999", "late"]


def test_dates_times_and_quoted_newlines(write):
    table = read_table(write('d,t,s\n2020-01-02,09:30:00,"two\nlines"\n2020-01-03,10:00:00,one\n'))
    assert str(table["d"].dtype).startswith("datetime64")
    assert table["t"].tolist() == ["09:30:00", "10:00:00"]
    assert table["s"].tolist() == ["two\nlines", "one"]


@pytest.mark.parametrize(
    "content",
    [
        CSV.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + CSV.encode(),
        CSV.encode("utf-16"),
        ("\n\n" + CSV).encode(),
    ],
    ids=["crlf", "bom", "utf16", "blank lines first"],
)
def test_ways_of_encoding_text(write, content):
    pd.testing.assert_frame_equal(read_table(write(content)), EXPECTED)


def test_windows_text_is_the_fall_back(write):
    table = read_table(write("café,price\nnaïve “q”,1\n".encode("cp1252")))
    assert list(table) == ["café", "price"]
    assert table["café"].tolist() == ["naïve “q”"]


def test_a_nameless_column_gets_a_name(write):
    assert list(read_table(write(",a\n0,5\n1,6\n"))) == ["unnamed_1", "a"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("a,b\n", "has column names but no rows"),
        ("a,b,a\n1,2,3\n", "more than one column named 'a'"),
        ("a,b, a\n1,2,3\n", "more than one column named 'a'"),
        ("a,b\n1,2\n3\n", "line 3 has 1 value where the header has 2"),
        ('a,b\n1,"x\ny"\n3,4,5\n', "line 4 has 3 values where the header has 2"),
        ("1.5,2.5\n1,2\n", "starts with numbers, not with column names"),
        (bytes(range(256)) * 20, "binary data"),
        (b"\x01\x02\x03\x04\x05\x06\x07" * 100, "binary data"),
        (gzip.compress(CSV.encode() * 100, mtime=0)[:-9], "is damaged"),
        (b"PAR1 and no more", "damaged Parquet"),
        ("[1, 2]", "not a list of records"),
        ("<!DOCTYPE html><p>a,b</p>", "is a web page"),
        ('{"a": 1}\n{"a": \n', "line 2, is not one JSON object"),
    ],
)
def test_what_is_no_table_is_refused_in_one_sentence(write, content, sentence):
    with pytest.raises(DataError, match=sentence) as caught:
        read_table(write(content))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_missing_file_and_a_directory(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_table(tmp_path / "nothing.csv")
    with pytest.raises(DataError, match="is a directory"):
        read_table(tmp_path)


def test_a_data_set_of_scikit_learn():
    iris = read_table("sklearn:iris")
    assert iris.shape == (150, 5)
    assert iris.attrs["target"] == "target"
    assert sorted(set(iris["target"])) == ["setosa", "versicolor", "virginica"]
    assert read_table("sklearn:diabetes")["target"].dtype == "float64"
    with pytest.raises(DataError, match="did you mean sklearn:iris"):
        read_table("sklearn:irish")


def test_no_network_is_one_sentence(monkeypatch):
    from sklearn import datasets

    def no_network(**_):
        msg = "no route to host"
        raise OSError(msg)

    monkeypatch.setattr(datasets, "fetch_openml", no_network)
    monkeypatch.setattr(datasets, "fetch_covtype", no_network)
    for source in ("openml:adult", "sklearn:covtype"):
        with pytest.raises(DataError, match="no route to host"):
            read_table(source)


@given(
    st.lists(
        st.tuples(st.integers(-(10**12), 10**12), st.sampled_from(["x", "y,z", 'q"r', "é\nf"])),
        min_size=2,
        max_size=20,
    )
)
def test_what_pandas_writes_is_read_back(tmp_path_factory, rows):
    frame = pd.DataFrame(rows, columns=["number", "word"])
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    frame.to_csv(path, index=False)
    pd.testing.assert_frame_equal(read_table(path), frame, check_dtype=False)


def test_words_that_only_look_like_whole_numbers_stay_words(write):
    table = read_table(write("code,n\n007,1\n012,20\n"))
    assert table["code"].tolist() == ["007", "012"]
    assert table["n"].tolist() == [1, 20]
    assert read_table(write("code,when\n7,05/06\n12,07/08\n"))["code"].tolist() == [7, 12]


WORDS = ["1", "2", "1.0", "1.50", "2.5", "007", "0", "1e3", "-3", "10%", "1,5", "1.200", "true"]
WORDS += ["x", "a b", "2020-01-02", "2020-01-02 10:00:00", "12:30", "9:05:00", "", "NA", "20200102"]


@st.composite
def words_of_columns(draw):
    """Columns of few words each, and some of their rows."""
    n = draw(st.integers(6, 12))
    pool = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5)
    pools = draw(st.lists(pool, min_size=1, max_size=4))
    columns = [draw(st.lists(st.sampled_from(pool), min_size=n, max_size=n)) for pool in pools]
    some = draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=n, unique=True))
    return columns, some


@settings(max_examples=150, deadline=None)
@given(words_of_columns())
def test_rows_are_read_alike_in_any_file_of_them(tmp_path_factory, drawn):
    """A schema reads a part of its file as it read the whole."""
    columns, some = drawn
    n = len(columns[0])
    folder = tmp_path_factory.mktemp("files")

    def file(rows):
        names = [f"c{i}" for i in range(len(columns))]
        lines = ["\t".join([*names, "filler", "y"])]
        lines += ["\t".join([*(c[i] for c in columns), f"{i}.5", "ab"[i % 2]]) for i in rows]
        path = folder / "table.tsv"
        path.write_text("\n".join(lines) + "\n")
        return path

    whole = read_table(file(range(n)))
    schema = infer_schema(whole, target="y")
    part = read_table(file(sorted(some)), schema.reading)
    expected = to_features(schema, whole).iloc[sorted(some)]
    found = to_features(schema, part)
    for name in expected:
        told = found[name].astype(object).where(found[name].notna(), None).tolist()
        assert told == expected[name].astype(object).where(expected[name].notna(), None).tolist()


def test_a_quote_that_is_never_closed_is_told_in_one_sentence(write):
    with pytest.raises(DataError, match="quote in the first line is never closed"):
        read_table(write('"unclosed,a,b\n' + "1,2,3\n" * 60_000))


def test_empty_lines_of_one_column_are_rows(write):
    assert read_table(write("text\nfirst\n\nthird\n"))["text"].isna().tolist() == [
        False,
        True,
        False,
    ]
    assert len(read_table(write("a,b\n1,2\n\n3,4\n"))) == 2
    assert read_table(write('"price, EUR"\n1\n\n3\n')).shape == (3, 1)
    assert read_table(write('"long\nname",x\n1,2\n\n3,4\n')).shape == (2, 2)


# ------------------------------------------------------------------------ large tables


@pytest.fixture
def parquet(tmp_path):
    """A folder with two years of a table, and what is no part of it."""
    folder = tmp_path / "sales"
    for year in (2024, 2025):
        table = pd.DataFrame({" amount": [year + 0.5, 1.5], "kind": ["a", "b "], "rest": [0, 1]})
        (folder / f"year={year}").mkdir(parents=True)
        table.to_parquet(folder / f"year={year}" / "part.parquet", index=False)
    (folder / "_SUCCESS").touch()
    return folder


def test_a_folder_of_parquet_files_is_one_table(parquet):
    table = read_table(parquet)
    assert list(table.columns) == ["amount", "kind", "rest", "year"]
    assert table["amount"].tolist() == [2024.5, 1.5, 2025.5, 1.5]
    assert table["kind"].tolist() == ["a", "b", "a", "b"]
    assert table["year"].tolist() == [2024, 2024, 2025, 2025]


def test_of_a_later_parquet_file_the_columns_of_training_are_read(parquet):
    later = Reading(expected=("amount", "gone"), roles=("kind",))
    assert list(read_table(parquet, later)) == ["amount", "kind"]
    file = next(parquet.rglob("*.parquet"))
    assert list(read_table(file, later)) == ["amount", "kind"]
    assert list(read_table(file, Reading(expected=("gone",)))) == ["amount", "kind", "rest"]


def test_a_folder_whose_files_differ_is_refused(parquet):
    (parquet / "year=2025" / "part.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="sales does not hold one table: "):
        read_table(parquet)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.integers(-(2**40), 2**40),
            st.floats(allow_infinity=False, width=32),
            st.sampled_from(["a", "b", "", "NA", " a"]),
        )
    )
)
def test_a_large_table_is_read_and_typed_as_a_small_one(rows):
    numbers = pd.DataFrame(rows, columns=["whole", "part", "word"]).astype({"word": "str"})
    text = numbers.to_csv(index=False)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "table.csv"
        path.write_text("whole,part,word\n1,2.5,a\n2,3.5,b\n3,1.25,a\n" + text.partition("\n")[2])
        small = read_table(path)
        patch.setattr("automl.data.frames.LARGE", 0)
        large = read_table(path)
        pd.testing.assert_frame_equal(small, large)
        schema = infer_schema(small, target="word", task="multiclass")
        before = to_features(schema, small)
        patch.setattr("automl.data.apply.BLOCK_CELLS", 1)
        pd.testing.assert_frame_equal(before, to_features(schema, large))
