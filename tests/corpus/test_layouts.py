"""Files in layouts that people met: every row is read, and nothing else is."""

# ruff: noqa: RUF001 - letters of other scripts are the point
from __future__ import annotations

import io
import json

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather

from automl.data.read import read_table
from tests.corpus.kit import KINDS, XS, N, case, later, of_file, refusal, rows

PLAIN = "x,kind\n" + rows(XS, KINDS)
TABLE = pd.DataFrame({"x": XS, "kind": KINDS})


def right(seen):
    """All rows and no other, the number a number, two classes."""
    assert seen.numbers("x") == XS
    assert seen.schema.classes == ("high", "low")
    return True


@case("101-blanks-before-quotes", "python/cpython#117286", "mholt/PapaParse#829")
def test_a_blank_before_a_quote_opens_the_field_all_the_same(write):
    lines = "".join(
        f'{i}, "Wrench Set, {i} pieces", {x}, "{k}"\n'
        for i, (x, k) in enumerate(zip(XS, KINDS, strict=True))
    )
    path = write('"no", "item", "x", "kind"\n' + lines)
    seen = of_file(path)
    assert right(seen)
    assert list(seen.table) == ["no", "item", "x", "kind"]
    assert seen.table["item"][7] == "Wrench Set, 7 pieces"
    assert later(seen, path)[0].numbers("x") == XS


@case("102-quotes-around-lines", "parsecsv/parsecsv-for-php#70")
def test_quotes_around_whole_lines_are_no_fields(write):
    lines = [f'"{x},""a, b"",{k}"' for x, k in zip(XS, KINDS, strict=True)]
    seen = of_file(write('"x,note,kind"\n' + "\n".join(lines) + "\n"))
    assert right(seen)
    assert seen.table["note"][0] == "a, b"
    assert "quotes around whole lines" in seen.told
    address = "".join(f'"{i} High Street, Town, {i % 7}"\n' for i in range(N))
    assert read_table(write('"address"\n' + address)).shape == (N, 1)


@case("103-dashes-under-the-names", "microsoft/go-sqlcmd#81")
def test_a_line_of_dashes_is_no_row(write):
    foot = "\n(60 rows affected)\n"
    seen = of_file(write("x,kind\n-----,----\n" + rows(XS, KINDS) + foot))
    assert right(seen)
    assert "drawn under the names" in seen.told
    dashes = "".join(f"--,{x},{k}\n" for x, k in zip(XS, KINDS, strict=True))
    assert len(of_file(write("code,x,kind\n" + dashes)).table) == N


@case("104-a-table-drawn-on-a-console", "dbcli/mssql-cli#532")
def test_frames_of_consoles_are_no_rows(write):
    edge = "+-------+------+\n"
    lines = "".join(f"| {x:<5} | {k:<4} |\n" for x, k in zip(XS, KINDS, strict=True))
    assert right(of_file(write(f"{edge}| x     | kind |\n{edge}{lines}{edge}")))
    assert right(of_file(write(f"| x     | kind |\n|-------|-----:|\n{lines}")))
    psql = "".join(f" {x} | {k}\n" for x, k in zip(XS, KINDS, strict=True))
    assert right(of_file(write(f"  x   | kind\n------+------\n{psql}(60 rows)\n")))


@case("105-two-colons", "pola-rs/polars#23626", "jegonzal/PowerGraph#172")
def test_two_colons_divide_and_one_does_not(write):
    titles = [f"Ace {i % 9}: When Nature Calls" for i in range(N)]
    lines = "".join(f"{t}::{x}::{k}\n" for t, x, k in zip(titles, XS, KINDS, strict=True))
    path = write("title::x::kind\n" + lines)
    seen = of_file(path)
    assert right(seen)
    assert seen.table["title"].tolist() == titles
    assert later(seen, path)[0].numbers("x") == XS
    nameless = of_file(write(lines), "x3", header=False)
    assert nameless.numbers("x2") == XS


@case("106-separators-of-hive", "ClickHouse/ClickHouse#27470", "TabViewer/tabview#154")
@pytest.mark.parametrize("mark", ["\x01", "\x1f"])
def test_marks_that_no_keyboard_has_divide(write, mark):
    assert right(of_file(write(PLAIN.replace(",", mark))))


@case("107-marks-of-the-end", "Rdatatable/data.table#1612", "h2oai/datatable#590")
@pytest.mark.parametrize("tail", [b"\x1a", b"\r\n\x1a", b"\x00" * 40, b"\n\x1a\x00\x00"])
def test_what_dos_and_blocks_leave_behind_the_text_is_no_row(write, tail):
    assert right(of_file(write(PLAIN.encode() + tail)))


@case("108-zero-bytes-in-a-field", "pandas-dev/pandas#19886", "wireservice/csvkit#927")
def test_what_stands_behind_a_zero_byte_is_kept(write):
    names = ["te\x00st" if i == 5 else f"name{i % 4}" for i in range(N)]
    seen = of_file(write("name,x,kind\n" + rows(names, XS, KINDS)))
    assert right(seen)
    assert seen.table["name"][5] == "test"
    assert "1 zero byte" in seen.told


@case("109-carriage-returns", "JoshClose/CsvHelper#1087", "fivethirtyeight/data#287")
def test_lines_may_end_in_carriage_returns_and_begin_with_nothing(write):
    first = ["" if i % 3 == 0 else f"bank {i % 4}" for i in range(N)]
    seen = of_file(write("bank,x,kind\r" + rows(first, XS, KINDS, end="\r")))
    assert right(seen)
    assert seen.values("bank")[:3] == [None, "bank 1", "bank 2"]
    assert right(of_file(write(PLAIN.replace("\n", "\r\r\n"))))


@case("110-a-separator-at-the-end-of-one-row", "pandas-dev/pandas#9295", "pandas-dev/pandas#14124")
def test_one_separator_too_many_shifts_nothing(write):
    lines = rows(XS, range(N), KINDS).splitlines(keepends=True)
    for tail in ([",\n"], [", \n"], [",\n"] * N):
        ends = [*tail, *["\n"] * N][:N]
        text = "".join(line[:-1] + end for line, end in zip(lines, ends, strict=True))
        assert right(of_file(write("x,no,kind\n" + text)))


@case("111-weather-in-omsk", "pandas-dev/pandas#41304")
def test_a_file_of_quoted_fields_whose_rows_alone_end_in_a_separator(write):
    lines = "".join(
        f'"{1 + i % 28:02d}.05.2021 09:00";"{x}";"";"{k}";\n'
        for i, (x, k) in enumerate(zip(XS, KINDS, strict=True))
    )
    seen = of_file(write('"Местное время в Омске / им. Д. М. Карбышева";"T";"Pa";"kind"\n' + lines))
    assert seen.numbers("T") == XS
    assert seen.days("Местное время в Омске / им. Д. М. Карбышева")[1] == "2021-05-02T09:00:00"


@case("112-names-given-twice", "tidyverse/readr#1259", "pandas-dev/pandas#19383")
def test_a_name_given_twice_is_told_rather_than_guessed(write):
    said = refusal(of_file, write("A,B,A,kind\n" + rows(XS, XS, XS, KINDS)))
    assert "more than one column named 'A'" in said
    seen = of_file(write("x,X,kind\n" + rows(XS, [2 * x for x in XS], KINDS)))
    assert seen.numbers("X") == [2 * x for x in XS]


@case("113-a-field-of-200-000-letters", "simonw/csv-diff#41", "wireservice/csvkit#812")
def test_a_field_may_be_long(write):
    long = "ACGT" * 50_000
    seen = of_file(write("seq,x,kind\n" + rows([f"{long}{i}" for i in range(N)], XS, KINDS)))
    assert right(seen)
    assert seen.table["seq"][N - 1] == f"{long}{N - 1}"


@case("114-no-end-of-line-at-the-end", "brimdata/super#4732", "brimdata/super#5173")
def test_the_last_row_needs_no_end_of_line(write):
    quoted = "".join(f'"{x}","{k}"\n' for x, k in zip(XS, KINDS, strict=True))
    assert right(of_file(write('"x","kind"\n' + quoted.rstrip("\n"))))
    assert right(of_file(write('"x","kind"\n' + quoted + " ")))


@case("115-packed-by-zstandard", "duckdb/duckdb#2814", "pola-rs/polars#9283")
def test_a_text_may_be_packed_by_zstandard(write):
    packed = pa.Codec("zstd").compress(PLAIN.encode(), asbytes=True)
    assert right(of_file(write(packed, "table.csv.zst")))
    assert "damaged" in refusal(of_file, write(packed[:-9], "table.csv.zst"))


@case("116-feather", "paleolimbot/duckdb-nanoarrow#24", "apache/arrow-rs#286")
@pytest.mark.parametrize("packing", ["uncompressed", "lz4", "zstd"])
def test_files_of_arrow_are_read(write, packing):
    sink = io.BytesIO()
    feather.write_feather(pa.Table.from_pandas(TABLE), sink, compression=packing)
    assert right(of_file(write(sink.getvalue(), "table.feather")))
    assert "damaged" in refusal(of_file, write(sink.getvalue()[:-20], "table.feather"))


@case("117-json-by-columns", "yakew7/Fair-Code#141", "posit-dev/chatlas#180")
@pytest.mark.parametrize("orient", ["columns", "index", "split", "records", "table"])
def test_what_to_json_writes_is_read(write, orient):
    assert right(of_file(write(TABLE.to_json(orient=orient), "table.json")))


@case("118-json-otherwise", "pandas-dev/pandas#17220", "PolyMathOrg/DataFrame#112")
def test_json_of_other_shapes_is_a_table_or_a_sentence(write):
    lists = {"x": XS, "kind": KINDS}
    assert right(of_file(write(json.dumps(lists), "lists.json")))
    assert right(of_file(write(json.dumps({"data": TABLE.to_dict("records")}), "data.json")))
    assert right(of_file(write(json.dumps(lists, indent=1), "lists.json")))
    for document in ([[1, "a"], [2, "b"]], {"x": [1, 2], "kind": ["a"]}, 5, [1, 2], "word"):
        text = json.dumps(document)
        refusal(of_file, write(text, "no.json"))
    assert "not a list of records" in refusal(of_file, write("[[1, 2], [3, 4]]", "no.json"))


@case("119-arff", "openml/openml-python#548", "scikit-learn/scikit-learn#11419")
def test_a_file_of_weka_is_read(write):
    head = (
        "% 1. Title: birds\n%\n@RELATION birds\n\n@attribute 'wing length' NUMERIC\n"
        "@ATTRIBUTE x real % in mm\n@attribute kind {low, high}\n\n@DATA\n% the rows\n"
    )
    lines = "".join(f"?, {x}, {k}\r\n" if i % 5 == 0 else f"{i}.5, {x}, {k}\r\n"
                    for i, (x, k) in enumerate(zip(XS, KINDS, strict=True)))  # fmt: skip
    seen = of_file(write(head + lines, "birds.arff"))
    assert right(seen)
    assert seen.numbers("wing length")[:3] == [None, 1.5, 2.5]
    said = refusal(of_file, write(head + "{1 5, 2 high}\n", "sparse.arff"))
    assert "sparse ARFF" in said


@case("120-libsvm", "lightgbm-org/LightGBM#1576", "aws/amazon-sagemaker-examples#161")
def test_a_sparse_file_is_named_with_the_way_to_read_it(write):
    lines = "".join(f"{i % 2} qid:{i // 9} 1:{x} 7:{i}\n" for i, x in enumerate(XS))
    assert "load_svmlight_file" in refusal(of_file, write(lines, "train.svm"), None)
    times = "".join(f"{(i * 7) % 50} {9 + i % 9}:30\n" for i in range(N))
    assert of_file(write("sold open\n" + times), "sold").numbers("open")[0] == 34_200


@case("121-quotes-that-open-no-field", "mholt/PapaParse#735", "stevehansen/csv#51")
def test_quotes_in_the_middle_and_words_in_quotes_swallow_no_rows(write):
    stops = ['"C" St - West of 4th', "Main St"] * (N // 2)
    lines = "".join(f"{s},{x},{k}\n" for s, x, k in zip(stops, XS, KINDS, strict=True))
    seen = of_file(write("stop,x,kind\n" + lines))
    assert right(seen)
    assert "West of 4th" in seen.table["stop"][0]
    inch = "".join(f'{i % 5} 5" disk\t{x}\t{k}\n' for i, (x, k) in
                   enumerate(zip(XS, KINDS, strict=True)))  # fmt: skip
    assert right(of_file(write("size\tx\tkind\n" + inch)))


@case("122-one-column-of-sentences", "h2oai/datatable#491")
def test_a_single_column_is_not_divided(write):
    words = ["HELLO", "Hello Kitty", '"Hercule Poirot"', "Rating (out of 10)",
             '"Say hello, to my little friend"', "Goodbye cruel world"]  # fmt: skip
    table = read_table(write("ID\n" + "\n".join(words) + "\n"))
    assert table.shape == (6, 1)
    assert table["ID"][4] == "Say hello, to my little friend"


@case("123-files-of-other-programs", "own")
@pytest.mark.parametrize(
    ("data", "cure"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "save the sheet as CSV"),
        (b"\x89HDF\r\n\x1a\n" + bytes(600), "to_parquet"),
        (b"SQLite format 3\x00" + bytes(600), "export the table"),
        (b"\x80\x05\x95" + bytes(600), "may run code"),
        (b"\x93NUMPY\x01\x00" + bytes(600), "AutoML.fit"),
        (b"\xef\xbb\xbf", "is empty"),
        ("\ufeff\r\n".encode("utf-16"), "is empty"),
    ],
)
def test_files_of_other_programs_are_named_with_the_cure(write, data, cure):
    assert cure in refusal(of_file, write(data, "table.bin"))
