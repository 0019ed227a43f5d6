"""Numbers as people and programs write them: each is its value, or a word, never another number."""

# ruff: noqa: RUF001 - letters of other scripts are the point
from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from tests.corpus.kit import KINDS, XS, N, case, column, every, of_file, of_frame, rows

SIGNED = [(-1) ** i * (i + 0.5) for i in range(N)]


def signed(spell):
    """A file of SIGNED in which a rule spells what is below zero."""
    return column(lambda i: spell(f"{abs(SIGNED[i]):.2f}") if SIGNED[i] < 0 else f"{SIGNED[i]:.2f}")


@case("131-the-minus-of-typographers", "pola-rs/polars#28163", "actualbudget/actual#6206")
def test_a_true_minus_is_below_zero(write):
    assert of_file(write(signed(lambda text: f"−{text}"))).numbers("v") == SIGNED
    lines = "".join(
        f"2025-02-{1 + i % 28:02d};{'−-'[i % 2]}{100 + i},50;{900 + i}.25;{k}\n"
        for i, k in enumerate(KINDS)
    )
    seen = of_file(write("Date;In/Out;Sum;kind\n" + lines))
    assert seen.numbers("In/Out") == [-(100 + i + 0.5) for i in range(N)]
    assert seen.numbers("Sum") == [900.25 + i for i in range(N)]


@case("132-currencies-and-brackets", "firefly-iii/firefly-iii#1087", "buckets/application#740")
@pytest.mark.parametrize("spell", ["€({})", "($ {})", "({})", "-€{}", "$-{}", "{}-", "({} €)"])
def test_brackets_are_below_zero_wherever_the_currency_stands(write, spell):
    assert of_file(write(signed(spell.format))).numbers("v") == SIGNED


@case(
    "133-minus-and-brackets",
    "plaintextaccounting/hledger#736",
    "moneymanagerex/moneymanagerex#2898",
)
def test_brackets_behind_a_minus_are_below_zero_once(write):
    for spell in ("-(${})", "-({})", "(-{})"):
        found = of_file(write(signed(spell.format))).numbers("v")
        assert found == SIGNED, spell
    assert of_file(write(column(lambda i: f"$+{i}500.00"))).numbers("v")[2] == 2500


@case("134-blanks-that-do-not-break", "evepraisal/go-evepraisal#19")
def test_blanks_between_thousands_and_before_units(write):
    last = [37 * i % 1000 for i in range(N)]
    lines = "".join(
        f"8\u00a0{n:03d}\t17\u00a0{n:03d} m3\t65\u00a0797\u00a0{n:03d},72 ISK\t{k}\n"
        for n, k in zip(last, KINDS, strict=True)
    )
    seen = of_file(write("amount\tvolume\tprice\tkind\n" + lines))
    assert seen.numbers("amount") == [8_000 + n for n in last]
    assert seen.numbers("volume") == [17_000 + n for n in last]
    assert seen.numbers("price") == [65_797_000.72 + n for n in last]


@case("135-flags-of-eurostat", "rOpenGov/eurostat#87", "datacommonsorg/data#128")
def test_flags_behind_numbers_are_no_units(write):
    flags = {0: " b", 7: " bu", 11: " p", 13: " e"}
    words = [f"{x}{flags.get(i % 14, '')}" for i, x in enumerate(XS)]
    words = every(9, ": ", words)
    seen = of_file(write("v\tkind\n" + rows(words, KINDS, separator="\t")))
    assert seen.numbers("v") == every(9, None, XS)
    assert "flags behind them (b, bu, e, p)" in seen.told
    assert "':' read as missing" in seen.told


@case("136-hexadecimal-words", "Rdatatable/data.table#1599", "Keyang/node-csvtojson#130")
def test_hexadecimal_words_are_no_zeros(write):
    seen = of_file(write(column(lambda i: ["0x0", "0xAE", "0x1F"][i % 3])))
    assert seen.values("v")[:3] == ["0x0", "0xAE", "0x1F"]
    seen = of_file(write(column(lambda i: hex(16**39 + i * 16**37 + 977 * i))))
    assert seen.kinds["v"] == "set_aside"
    assert "an id" in seen.reason("v")


@case("137-codes-with-an-e", "dilshod/xlsx2csv#85")
def test_a_letter_e_among_digits_of_codes_is_no_power_of_ten(write):
    codes = [f"{0x1DC + i % 12:06X}" for i in range(N)]
    assert "0001E3" in codes
    seen = of_file(write(column(lambda i: codes[i])))
    assert seen.values("v") == codes


@case(
    "138-digits-of-other-scripts", "persian-tools/persian-tools#297", "DevExpress/DevExtreme#1919"
)
@pytest.mark.parametrize(
    "digits", ["٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "０１２３４５６７８９"]
)
def test_digits_and_marks_of_other_scripts(write, digits):
    table = str.maketrans("0123456789.,", digits + "٫٬")
    if digits[0] not in "٠۰":
        table = str.maketrans("0123456789", digits)
    values = [1000 * (1 + i % 7) + x for i, x in enumerate(XS)]
    seen = of_file(write(column(lambda i: f"{values[i]:,.2f}".translate(table))))
    np.testing.assert_allclose(seen.numbers("v"), values)


@case("139-digits-beyond-2-to-the-53", "tidyverse/readr#976", "pandas-dev/pandas#52505")
def test_digits_that_numbers_do_not_keep_are_told():
    big = np.array([2**60 + 1000 * i for i in range(N)])
    seen = of_frame(pd.DataFrame({"v": big, "user_id": big, "x": XS}), KINDS)
    assert "beyond 2^53 the last digits are lost" in seen.told
    assert seen.kinds["user_id"] == "set_aside"
    labels = of_frame(pd.DataFrame({"x": XS}), [2**60 + i % 2 for i in range(N)])
    assert labels.schema.classes == (2**60, 2**60 + 1)


@case("140-money-of-a-data-base", "mindsdb/type_infer#64")
def test_money_as_postgres_gives_it_is_a_number():
    seen = of_frame(pd.DataFrame({"v": [f"${1000 * i + 234.5:,.2f}" for i in range(N)]}), KINDS)
    assert seen.numbers("v") == [1000 * i + 234.5 for i in range(N)]


@case("141-decimals-of-python", "hi-primus/optimus#267")
def test_decimals_are_numbers_as_features_and_as_target():
    values = [Decimal(str(x)) for x in XS]
    seen = of_frame(pd.DataFrame({"v": every(7, Decimal("NaN"), values), "x": XS}), KINDS)
    assert seen.numbers("v") == every(7, None, XS)
    assert of_frame(pd.DataFrame({"x": XS}), values).schema.task == "regression"


@case("142-leading-zeros", "molgenis/molgenis-service-armadillo#1027", "turicas/rows#302")
def test_digits_with_leading_zeros_are_codes(write):
    zips = [f"{501 + 509 * (i % 7):05d}" for i in range(N)]
    seen = of_file(write("zip,plot,x,kind\n" + rows(zips, zips, XS, KINDS)))
    assert seen.values("zip") == zips
    assert seen.values("plot") == zips
    hours = of_file(write(column(lambda i: f"{i % 24:02d}{7 * i % 60:02d}")))
    assert hours.numbers("v")[1] == 107


@case("143-a-plus-before-zero", "dilshod/xlsx2csv#118")
def test_a_plus_is_above_zero(write):
    seen = of_file(write(column(lambda i: f"+{i}" if i % 2 else f"-{i}.5")))
    assert seen.numbers("v")[:4] == [-0.5, 1, -2.5, 3]


@case("144-powers-of-fortran", "own")
def test_powers_of_ten_in_every_spelling(write):
    for power in ("{}D+02", "{}e2", "{}E+02", "{}E2"):
        values = [1.5 + i for i in range(N)]
        seen = of_file(write(column(lambda i, p=power, v=values: p.format(v[i]))))
        assert seen.numbers("v") == [100 * value for value in values]


@case("145-what-overflows", "autogluon/autogluon#4347", "pycaret/pycaret#1048")
def test_what_no_number_holds_is_missing(write):
    seen = of_file(
        write(column(lambda i: ["inf", "-Infinity", "1e400"][i % 3] if i < 9 else XS[i]))
    )
    assert seen.numbers("v") == [None] * 9 + XS[9:]
    wide = pd.DataFrame({"v": every(9, np.inf, XS), "w": every(9, 1e39, XS), "x": XS})
    seen = of_frame(wide, KINDS)
    assert seen.numbers("v") == every(9, None, XS)
    assert seen.numbers("w")[0] == 1e39
