"""Files as people export them: each is read to the values that a person would read."""

# ruff: noqa: RUF001 - letters of other scripts are the point
from __future__ import annotations

import gzip
import lzma

import numpy as np
import pandas as pd
import pytest

from automl.data.read import read_table
from automl.data.saved import layout_of
from automl.data.schema import describe, infer_schema, schema_from_json, schema_to_json, to_features
from automl.errors import DataError
from automl.types import Reading, TextLayout

RNG = np.random.default_rng(5)
N = 60
XS = [round(float(x), 2) for x in RNG.normal(50, 9, N)]
KINDS = [["low", "high"][x > 50] for x in XS]


def read(path, **asked):
    return read_table(path, Reading(TextLayout(**asked)))


def schema_of(path, target="kind", **asked):
    return infer_schema(read(path, **asked), target=target)


def kinds_of(schema):
    return {c.name: c.kind for c in schema.columns}


def lines_of(schema):
    return "\n".join(describe(schema))


def rows(values, kinds=KINDS, separator=","):
    return "".join(f"{v}{separator}{k}\n" for v, k in zip(values, kinds, strict=True))


def point(value, digits=2):
    return f"{value:.{digits}f}"


def comma(value, digits=2):
    return point(value, digits).replace(".", ",")


# -------------------------------------------------------------------- lines around a table


def notes_above():
    return "Report of the week\n\n" + "x,kind\n" + rows(XS)


def plain(separator=","):
    return f"x{separator}kind\n" + rows(XS, separator=separator)


BIRDS = "".join(f'"bird{i}",{x},"{k}"\n' for i, (x, k) in enumerate(zip(XS, KINDS, strict=True)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("sep=;\r\n" + plain(";").replace("\n", "\r\n"), "meant for Excel"),
        ("\ufeffsep=;\n" + plain(";"), "meant for Excel"),
        ("sep=\t\n" + plain("\t"), "meant for Excel"),
        ("# made by a robot\n# on a Sunday\n" + plain(), "above the table"),
        ("Report of the week, all shops, all days\n\n" + plain(), "above the table"),
        ("Report of the week,\n,\n" + plain(), ""),
        (plain() + "# the end\n", "begin with #"),
        (plain() + "\nSource: the office of statistics\n", "below the table"),
        (plain() + "\nTotal amount funded in policy code 1: 4812500\n", "below the table"),
        (plain().replace("\nx", "\n") + "x,kind\n" + rows(XS[:0], KINDS[:0]), "repeat the header"),
        ("\n".join(["x,kind", *rows(XS).split()[:30], "x,kind", *rows(XS).split()[30:]]), "repeat"),
        ("x,kind\n" + rows(XS).replace("\n", ",\n"), "behind the last separator"),
        ("x,kind,\n" + rows(XS).replace("\n", ",\n"), ""),
        (plain() + ",\n" * 9, "without any value"),
        ('"x","kind"\n' + BIRDS, "names of the rows"),
        (plain().replace("\n", "\r"), ""),
        (plain().replace("\n", "\r\n"), ""),
        (plain().encode("utf-16"), ""),
        (plain().encode("utf-16-le"), "UTF-16"),
        (plain().encode("utf-32"), ""),
        (plain().replace("low", "lo\x00w", 1), "zero byte"),
        (plain() + "\ufeff" + rows(XS[:1], KINDS[:1]), ""),
        (plain("|"), ""),
        (plain("\t"), ""),
        (plain("^"), ""),
        (plain("~"), ""),
        (plain(" "), ""),
        (plain("   "), ""),
        ("x,kind\n" + rows(XS).replace("low", "'low'").replace("high", "'high'"), ""),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_stands_around_a_table_is_none_of_its_rows(write, content, said):
    schema = schema_of(write(content))
    assert schema.classes == ("high", "low")
    assert kinds_of(schema)["x"] == "number"
    table = read(write(content))
    features = to_features(schema, table)
    assert features["x"].dropna().tolist()[: len(XS)] == XS
    assert len(features) in (N, N + 1)
    assert said in lines_of(schema)


def test_units_under_the_names_are_no_row(write):
    lines = "".join(f"{x},{2 * x:.2f},{k}\n" for x, k in zip(XS, KINDS, strict=True))
    path = write("speed,mass,kind\n[m/s],[kg],\n" + lines)
    schema = schema_of(path)
    assert "holds units" in lines_of(schema)
    assert to_features(schema, read(path))["speed"].tolist() == XS
    assert len(read(write("speed,mass,kind\n1.5,2.5,low\n" + lines))) == N + 1


def test_totals_below_are_no_rows(write):
    lines = "".join(f"d{i % 7},{i},{2 * i}\n" for i in range(N))
    schema = schema_of(write(f"day,sold,left\n{lines}Total,1770,\n"), target="sold")
    assert "totals" in lines_of(schema)
    assert schema.rows == N
    assert len(read(write(f"day,sold,left\n{lines}d3,7,\n"))) == N + 1


def test_rows_cut_short_or_too_long_stay_errors(write):
    for tail in ("3\n", "3,low,5\n"):
        with pytest.raises(DataError, match="line 62 has"):
            read(write(plain() + tail))
    assert len(read(write(plain() + "3,low,,\n"))) == N + 1


def test_a_file_without_a_header_is_refused_with_the_flag(write):
    letters = "".join(f"{'pe'[i % 2]},{'xbs'[i % 3]},{'nf'[i % 2]}\n" for i in range(N))
    for content in (letters, rows(XS), "".join(f"{i % 3},{i % 2},0,0\n" for i in range(N))):
        with pytest.raises(DataError, match="--no-header"):
            read(write(content))
    table = read(write(letters), header=False)
    assert list(table) == ["x1", "x2", "x3"]
    assert len(table) == N
    schema = infer_schema(table, target="x1")
    assert read_table(write(letters), schema.reading).shape == (N, 3)


# --------------------------------------------------------------------------------- numbers


def swiss(value):
    return f"CHF {value:,.2f}".replace(",", "'")


def german(value):
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


AMOUNTS = [round(float(x), 2) for x in RNG.uniform(20, 9_000, N)]


@pytest.mark.parametrize(
    "spell",
    [
        comma,
        german,
        swiss,
        lambda x: german(x) + " €",
        lambda x: "€ " + german(x),
        lambda x: german(x).replace(".", "\u202f"),
        lambda x: german(x).replace(".", "\u00a0"),
        lambda x: german(x).replace(".", " ") + " zł",
        lambda x: comma(x) + " m²",
        lambda x: comma(x) + "\u00a0kg",
        lambda x: f"{x:,.2f}",
        lambda x: f"${x:,.2f}",
        lambda x: f"US$ {x:,.2f}",
        lambda x: f"{x:.2f} USD",
        lambda x: f"{x:.2f} m³/h",
        lambda x: f"{x:.2f}°C",
        lambda x: f"{x:.2f} km/h",
        lambda x: f"£{x}",
        lambda x: f"¥{x}",
        lambda x: f"{x} руб.",
        lambda x: f"+{x}",
        lambda x: f"{x!r}e0",
        lambda x: f" {x} ",
    ],
)
def test_amounts_are_numbers_as_features_and_as_targets(write, spell):
    cells = [f'"{spell(x)}"' for x in AMOUNTS]
    others = [f'"{spell(round(x / 2, 2))}"' for x in AMOUNTS]
    lines = "".join(f"{a};{b};{k}\n" for a, b, k in zip(cells, others, KINDS, strict=True))
    path = write(f"amount;cost;kind\n{lines}")
    schema = schema_of(path)
    assert kinds_of(schema) == {"amount": "number", "cost": "number"}
    features = to_features(schema, read(path))
    np.testing.assert_allclose(features["amount"], AMOUNTS)
    np.testing.assert_allclose(features["cost"], [round(x / 2, 2) for x in AMOUNTS])
    again = schema_from_json(schema_to_json(schema))
    later = read_table(path, again.reading)
    np.testing.assert_allclose(to_features(again, later)["amount"], AMOUNTS)
    goal = infer_schema(read(path), target="amount")
    assert goal.task == "regression"


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("(1,234)", -1234),
        ("1,234-", -1234),
        ("−5", -5),
        ("1.5e3", 1500),
        ("1,23,456", 123_456),
        ("#DIV/0!", np.nan),
        ("#N/A", np.nan),
        ("n/a", np.nan),
        ("-", np.nan),
        ("--", np.nan),
        (".", np.nan),
        ("—", np.nan),
        ("\\N", np.nan),
        ("NULL", np.nan),
        ("k.A.", np.nan),
    ],
)
def test_signs_and_words_among_numbers(write, word, value):
    path = write("x,kind\n" + rows([f'"{word}"', *XS[1:]]))
    schema = schema_of(path)
    assert kinds_of(schema)["x"] == "number"
    np.testing.assert_equal(to_features(schema, read(path))["x"][0], value)


def test_three_decimals_after_a_comma(write):
    """The semicolons and the other columns tell what 0,321 and 610,086 are."""
    many = [round(float(x), 3) for x in RNG.uniform(100, 999, N)]
    lines = "".join(
        f"{comma(x, 3)};{comma(y, 3)};{comma(z, 1)}\n"
        for x, y, z in zip(RNG.uniform(0.1, 0.9, N), many, XS, strict=True)
    )
    path = write(f"price;load;wind\n{lines}")
    schema = schema_of(path, target="price")
    assert schema.layout.decimal == ","
    np.testing.assert_allclose(to_features(schema, read(path))["load"], many)
    assert infer_schema(read(path), target="load").task == "regression"


def test_whole_thousands_beside_decimal_commas(write):
    lines = "".join(f"{1 + i % 9}.{500 + i};{comma(x)};{k}\n" for i, (x, k) in enumerate(PAIRS))
    path = write(f"people;wind;kind\n{lines}")
    schema = schema_of(path)
    assert to_features(schema, read(path))["people"].tolist() == [
        1000 * (1 + i % 9) + 500 + i for i in range(N)
    ]


PAIRS = list(zip(XS, KINDS, strict=True))


def test_what_is_ambiguous_is_told_with_the_flag(write):
    lines = "".join(f'"{1 + i % 9},{500 + i}",{k}\n' for i, (_, k) in enumerate(PAIRS))
    path = write(f"people,kind\n{lines}")
    schema = schema_of(path)
    assert "--decimal" in lines_of(schema)
    thousands = [1000 * (1 + i % 9) + 500 + i for i in range(N)]
    assert to_features(schema, read(path))["people"].tolist() == thousands
    asked = schema_of(path, decimal=",")
    assert "--decimal" not in lines_of(asked)
    table = read(path, decimal=",")
    np.testing.assert_allclose(to_features(asked, table)["people"], np.array(thousands) / 1000)


def test_points_of_three_digits_between_semicolons_are_told(write):
    lines = "".join(f"{1 + i % 9}.{500 + i};{k}\n" for i, (_, k) in enumerate(PAIRS))
    schema = schema_of(write(f"people;kind\n{lines}"))
    assert "--decimal" in lines_of(schema)


def test_a_file_of_two_marks_keeps_each_columns_own(write):
    lines = "".join(
        f'"{comma(x, 1)}",{y:.3f}\n' for x, y in zip(XS, RNG.uniform(20, 40, N), strict=True)
    )
    path = write(f"warm,beer\n{lines}")
    schema = infer_schema(read(path), target="beer")
    assert to_features(schema, read(path))["warm"].tolist() == pytest.approx(
        [round(x, 1) for x in XS], abs=0.051
    )
    assert read(path)["beer"].between(20, 40).all()


# ------------------------------------------------------------------------------ later files


def train(write):
    lines = "".join(f"{x},{40 * x:.1f},{k}\n" for x, k in PAIRS)
    path = write("km,kg,kind\n" + lines)
    return schema_of(path), path


def later(schema, path):
    told = []
    return to_features(schema, read_table(path, schema.reading), told.append), told


def test_thousands_in_a_later_file_are_read(write):
    schema, _ = train(write)
    path = write("km,kg\n" + "".join(f'{x},"{40 * x:,.1f}"\n' for x in XS), "new.csv")
    found, told = later(schema, path)
    np.testing.assert_allclose(found["kg"], [round(40 * x, 1) for x in XS])
    assert told == []


@pytest.mark.parametrize(
    "line",
    ["{km} km,{kg} kg", "about {km},{kg}", "{km};{kg}"],
)
def test_numbers_written_otherwise_later_are_refused(write, line):
    schema, _ = train(write)
    separator = ";" if ";" in line else ","
    cells = [(comma(x), comma(40 * x)) if ";" in line else (x, f"{40 * x:.1f}") for x in XS]
    body = "".join(line.format(km=a, kg=b) + "\n" for a, b in cells)
    with pytest.raises(DataError, match=r"written with decimal commas|cannot be read"):
        later(schema, write(f"km{separator}kg\n{body}", "new.csv"))


def test_a_few_odd_values_later_are_told(write):
    schema, _ = train(write)
    body = "".join(f"{x if i else 'seven'},{40 * x:.1f}\n" for i, x in enumerate(XS))
    found, told = later(schema, write(f"km,kg\n{body}", "new.csv"))
    assert np.isnan(found["km"][0])
    assert told == [
        "'km': 1 of 60 values, such as 'seven', cannot be read as numbers and count as missing"
    ]


def test_another_separator_later_is_found(write):
    schema, path = train(write)
    text = path.read_text()
    found, _ = later(schema, write(text.replace(",", ";"), "new.csv"))
    assert found["km"].tolist() == XS
    found, _ = later(schema, write("a note\n" + text, "new.csv"))
    assert found["km"].tolist() == XS


def test_a_later_file_is_read_with_the_decimal_mark_of_training(write):
    lines = "".join(f"{comma(x)};{i};{k}\n" for i, (x, k) in enumerate(PAIRS))
    schema = schema_of(write(f"km;people;kind\n{lines}"), target="kind")
    new = write("km;people\n12,50;1.234\n7,25;2.500\n", "new.csv")
    found, _ = later(schema, new)
    assert found["km"].tolist() == [12.5, 7.25]
    if "people" in found:
        assert found["people"].tolist() == [1234, 2500]


# -------------------------------------------------------------------------- indices and ids


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "index", "level_0", "row_number"])
def test_a_saved_index_is_no_feature(write, name):
    places = RNG.permutation(4000)[:N]
    lines = "".join(f"{i},{x},{k}\n" for i, (x, k) in zip(places, PAIRS, strict=True))
    schema = schema_of(write(f"{name},x,kind\n{lines}"))
    assert next(iter(schema.columns)).kind == "set_aside"
    assert "index" in next(iter(schema.columns)).reason


def test_an_id_as_asked_is_no_feature():
    table = pd.DataFrame({"x": XS, "batch": [i % 7 for i in range(N)], "kind": KINDS})
    schema = infer_schema(table, target="kind", ids=["batch"])
    column = next(c for c in schema.columns if c.name == "batch")
    assert (column.kind, column.reason) == ("set_aside", "an id, as asked")
    with pytest.raises(DataError, match="--id"):
        infer_schema(table, target="kind", ids=["match"])


def random_words(letters, length, n=200, seed=3):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list(letters), length)) for _ in range(n)]


@pytest.mark.parametrize(
    "words",
    [
        random_words("acgt", 57),
        random_words("ACDEFGHIKLMNPQRSTVWY", 40),
        [f"http://{w}.org/{['news', 'login', 'gift'][i % 3]}" for i, w in enumerate(
            random_words("abcdefgh", 8))],
        [f"{w}@{['gmail.com', 'web.de'][i % 2]}" for i, w in enumerate(random_words("abcdef", 9))],
        random_words("的一是在不了有和人这中大为上个国我以要他", 12),
        random_words("กขคงจฉชซญดตถทนบปผพฟมยรลวสห", 15),
        random_words("あいうえおかきくけこさしすせそ日本語東京", 14),
    ],
    ids=["dna", "protein", "urls", "mail", "chinese", "thai", "japanese"],
)  # fmt: skip
def test_words_without_blanks_may_be_text(words):
    table = pd.DataFrame({"word": words, "y": [i % 2 for i in range(len(words))]})
    (column,) = infer_schema(table, target="y").columns
    assert (column.kind, column.parse) == ("text", "text:characters")


@pytest.mark.parametrize(
    "words",
    [
        random_words("0123456789abcdef", 32),
        [f"M{i:05d}" for i in range(200)],
        [f"{i:04d}_01" for i in range(200)],
        random_words("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 10),
        [f"customer-{i}" for i in range(200)],
    ],
)
def test_ids_stay_set_aside(words):
    table = pd.DataFrame({"word": words, "x": np.arange(200) % 9 + 0.5})
    table["y"] = [i % 2 for i in range(len(words))]
    assert kinds_of(infer_schema(table, target="y"))["word"] == "set_aside"


def test_ids_are_read_when_nothing_else_is_left():
    words = random_words("abcdefghijklmnopqrstuvwxyz", 9)
    table = pd.DataFrame({"word": words, "y": [i % 2 for i in range(len(words))]})
    (column,) = infer_schema(table, target="y").columns
    assert column.kind == "text"
    assert "no other column" in column.reason


# ------------------------------------------------------------------------------- encodings

TEXTS = {
    "cp1251": "город,цена\nМосква,12\nКазань,13\nНижний Новгород,5\nСамара,7\n",
    "koi8-r": "город,цена\nМосква,12\nКазань,13\nНижний Новгород,5\nСамара,7\n",
    "gbk": "城市,价格\n北京,12\n上海,13\n广州,5\n深圳,7\n",
    "gb18030": "城市,价格\n北京,12\n上海,13\n广州,5\n深圳,7\n",
    "big5": "城市,價格\n臺北,12\n高雄,13\n臺中,4\n",
    "shift-jis": "都市,価格\n東京,12\n大阪,13\nさいたま,3\nカタカナ,2\n",
    "euc-jp": "都市,価格\n東京,12\n大阪,13\nさいたま,3\nカタカナ,2\n",
    "euc-kr": "도시,가격\n서울,12\n부산,13\n대구,3\n",
    "cp1252": "Straße,Größe\nMünchen,12\nKöln,3\ncafé,3\n",
    "cp1250": "město,cena\nPraha,12\nČeské Budějovice,3\nłódź,4\n",
    "cp1253": "πόλη,τιμή\nΑθήνα,12\nΠάτρα,3\n",
    "cp1254": "şehir,fiyat\nIğdır,12\nİzmir,3\nKırşehir,4\n",
    "cp874": "เมือง,ราคา\nกรุงเทพ,12\nเชียงใหม่,3\n",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_an_encoding_is_found_and_told(write, encoding):
    text = TEXTS[encoding]
    table = read(write(text.encode(encoding)))
    first = text.splitlines()
    assert list(table) == first[0].split(",")
    assert table.iloc[:, 0].tolist() == [line.split(",")[0] for line in first[1:]]
    assert "--encoding" in " ".join(layout_of(table).notes)
    asked = read(write(text.encode(encoding)), encoding=encoding)
    assert list(asked) == first[0].split(",")
    assert layout_of(asked).notes == ()


def test_a_byte_of_another_encoding_does_not_change_the_rest(write):
    text = "thé,café\n" + "pressé,12\n" * 30
    data = text.encode().replace("pressé".encode(), "pressé".encode("cp1252"), 1)
    table = read(write(data))
    assert list(table) == ["thé", "café"]
    assert set(table["thé"]) == {"pressé"}
    assert "1 byte is not" in layout_of(table).notes[0]


def test_a_later_file_may_be_in_the_training_files_encoding_or_utf_8(write):
    text = "город,x,kind\n" + "".join(f"{['Уфа', 'Омск'][i % 2]},{x},{k}\n" for i, (x, k) in
                                        enumerate(PAIRS))  # fmt: skip
    schema = schema_of(write(text.encode("cp1251")))
    assert schema.layout.encoding == "cp1251"
    for encoding in ("cp1251", "utf-8"):
        table = read_table(write(text.encode(encoding), "new.csv"), schema.reading)
        assert table["город"][:2].tolist() == ["Уфа", "Омск"]


def test_an_encoding_that_does_not_fit_is_refused(write):
    with pytest.raises(DataError, match="not written in utf-8"):
        read(write("é".encode("cp1252")), encoding="utf-8")
    with pytest.raises(DataError, match="no encoding 'klingon'"):
        read(write("a,b\n1,2\n"), encoding="klingon")


# --------------------------------------------------------------------------- words and dates


@pytest.mark.parametrize("pair", ["ja/nein", "oui/non", "sí/no", "да/нет", "是/否", "sim/não"])
def test_yes_and_no_of_other_languages(write, pair):
    yes, no = pair.split("/")
    path = write("member,kind\n" + rows([[yes, no][i % 2] for i in range(N)]))
    schema = schema_of(path)
    assert kinds_of(schema)["member"] == "number"
    assert to_features(schema, read(path))["member"][:2].tolist() == [1, 0]


def test_days_come_first_beside_decimal_commas(write):
    days = [f"{1 + i % 9:02d}/{1 + i % 7:02d}/2021" for i in range(N)]
    path = write(
        "day;x;kind\n"
        + rows([f"{d};{comma(x)}" for d, x in zip(days, XS, strict=True)], separator=";")
    )
    schema = schema_of(path)
    assert to_features(schema, read(path))["day"][1] == pd.Timestamp(2021, 2, 2)
    assert to_features(schema, read(path))["day"][8] == pd.Timestamp(2021, 2, 9)
    assert "day first; the values would fit month first too" in lines_of(schema)


def test_times_with_leading_zeros_are_read_once(write, monkeypatch):
    """Such as 08:30, which is no number that begins with a zero."""
    from automl.data import delimited

    parses = []
    whole = delimited._Body._arrow
    monkeypatch.setattr(
        delimited._Body, "_arrow", lambda self, *of: parses.append(1) or whole(self, *of)
    )
    days = [f"2024-03-{1 + i % 28:02d} 08:30" for i in range(N)]
    path = write("day,n,kind\n" + rows([f"{d},{i}" for i, d in enumerate(days)]))
    table = read(path)
    assert str(table["day"].dtype).startswith("datetime64")
    assert table["n"].tolist() == list(range(N))
    assert parses == [1]


@pytest.mark.parametrize("spell", ["{y}Q{q}", "{y}-Q{q}", "Q{q} {y}", "q{q}-{y}"])
def test_quarters_are_dates(write, spell):
    words = [spell.format(y=2018 + i // 4 % 6, q=1 + i % 4) for i in range(N)]
    path = write("quarter,kind\n" + rows(words))
    schema = schema_of(path)
    assert kinds_of(schema)["quarter"] == "datetime"
    assert to_features(schema, read(path))["quarter"][5] == pd.Timestamp(2019, 4, 1)


def test_excels_way_of_keeping_words(write):
    path = write("code,kind\n" + rows([f'="00{i % 7}"' for i in range(N)]))
    assert read(path)["code"][:2].tolist() == ["000", "001"]


@pytest.mark.parametrize("tail", ["", "1,low,\n"], ids=["", "an empty field too many"])
def test_quotes_behind_backslashes(write, tail):
    path = write("text,kind\n" + rows([f'"a \\"b\\", \\\\{i}"' for i in range(N)]) + tail)
    assert read(path)["text"][:N].tolist() == [f'a "b", \\{i}' for i in range(N)]


def test_a_row_with_a_long_field_may_be_cut_too(write):
    """Beyond 131,072 characters, where Python's `csv` gives up unless told."""
    text = "x" * 200_000
    assert read(write(plain() + f"{text},low,\n"))["x"].iloc[-1] == text
    with pytest.raises(DataError, match="line 62 has 3 values where the header has 2"):
        read(write(plain() + f"{text},low,5\n"))


# ------------------------------------------------------------------------------------ dtypes


def test_periods_and_spans_of_any_dtype():
    pa = pytest.importorskip("pyarrow")
    import datetime as dt

    spans = [dt.timedelta(seconds=90 * i) for i in range(N)]
    table = pd.DataFrame(
        {
            "quarter": pd.PeriodIndex([pd.Period("2018Q1", "Q") + i % 24 for i in range(N)]),
            "month": pd.Series(
                [pd.Period("2023-01", "M") + i % 12 for i in range(N)], dtype=object
            ),
            "arrow": pd.Series(spans, dtype=pd.ArrowDtype(pa.duration("us"))),
            "python": pd.Series(spans, dtype=object),
            "day": pd.Series(
                [dt.date(2024, 1, 1 + i % 28) for i in range(N)], dtype=pd.ArrowDtype(pa.date32())
            ),
            "kind": KINDS,
        }
    )
    schema = infer_schema(table, target="kind")
    assert kinds_of(schema) == {
        "quarter": "datetime",
        "month": "datetime",
        "arrow": "number",
        "python": "number",
        "day": "datetime",
    }
    found = to_features(schema, table)
    assert found["quarter"][1] == pd.Timestamp(2018, 4, 1)
    assert found["month"][13] == pd.Timestamp(2023, 2, 1)
    assert found["arrow"][2] == found["python"][2] == 180
    assert found["day"][2] == pd.Timestamp(2024, 1, 3)


# --------------------------------------------------------------------------------- big files


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_file_that_unpacks_beyond_the_memory_is_refused_in_time(write, monkeypatch, pack):
    monkeypatch.setattr("automl.data.load._most", lambda: 1 << 20)
    path = write(pack(b"a,b\n" + b"1,2\n" * (1 << 21)), "big.csv.gz")
    with pytest.raises(DataError, match="a quarter of the memory that is free"):
        read(path)


# ------------------------------------------------------------------- what nearly went wrong


def test_a_quote_left_open_does_not_swallow_the_rows(write):
    cells = [f'"{i} inch' if i == 5 else str(i) for i in range(N)]
    for tail in ("", "Source: the office\n"):
        with pytest.raises(DataError, match="a quote in '\"5 inch"):
            read(write("x,kind\n" + rows(cells) + tail))


def test_a_first_field_that_repeats_is_no_name_of_a_row(write):
    with pytest.raises(DataError, match="has 3 values where the header has 2"):
        read(write("x;kind\n" + rows([f"a&amp;b {i % 3}" for i in range(N)], separator=";")))


def test_headings_over_groups_of_names_are_left_out(write):
    lines = "".join(f"{x},{x},{k}\n" for x, k in PAIRS)
    table = read(write(f"2020,,\nprice,cost,kind\n{lines}"))
    assert list(table) == ["price", "cost", "kind"]
    table = read(write(f",,kind\n{lines}"))
    assert list(table) == ["unnamed_1", "unnamed_2", "kind"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([f"{'$€'[i % 2]}{x}" for i, x in enumerate(AMOUNTS)], "several currencies ($, €)"),
        ([f"{x}{['%', ''][i % 2]}" for i, x in enumerate(AMOUNTS)], "some with % and some without"),
    ],
)
def test_amounts_of_several_kinds_are_told(words, said):
    table = pd.DataFrame({"x": words, "kind": KINDS})
    schema = infer_schema(table, target="kind")
    assert kinds_of(schema) == {"x": "number"}
    assert said in lines_of(schema)


def test_digits_of_other_scripts_and_excels_apostrophe(write):
    wide = str.maketrans("0123456789.", "０１２３４５６７８９．")
    for spell in (lambda x: str(x).translate(wide), lambda x: f"'{x}"):
        path = write("x,kind\n" + rows([spell(x) for x in XS]))
        schema = schema_of(path)
        assert to_features(schema, read(path))["x"].tolist() == XS


def test_decimal_commas_in_quotes_are_no_separators(write):
    cells = [f'"{comma(x)}"\t"{comma(2 * x)}"\t"{k}"\n' for x, k in PAIRS]
    table = read(write('"size"\t"cost"\t"kind"\n' + "".join(cells[:40]) + '"-"\t"-"\t"low"\n'))
    assert list(table) == ["size", "cost", "kind"]
    assert len(table) == 41
