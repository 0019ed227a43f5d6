"""Dates, times and durations: each is its moment, whatever its form, or missing and told."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from tests.corpus.kit import KINDS, XS, N, case, column, every, later, of_file, of_frame

DAYS = [dt.datetime(2019, 1, 1, 5, 6, 7) + dt.timedelta(days=9 * i, hours=i) for i in range(N)]  # noqa: DTZ001
ISO = [day.isoformat() for day in DAYS]
SPANS = [dt.timedelta(hours=5 * i, minutes=i) for i in range(N)]
SECONDS = [span.total_seconds() for span in SPANS]


@case("161-utc-behind-the-time", "bxparks/bigquery-schema-generator#19")
def test_utc_behind_a_time_is_no_word(write):
    ends = [".25 UTC", " UTC", "Z", " GMT"]
    words = [f"{day:%Y-%m-%d %H:%M:%S}{ends[i % 4]}" for i, day in enumerate(DAYS)]
    found = of_file(write(column(lambda i: words[i]))).days("v")
    assert found[1:4] == ISO[1:4]
    assert found[0] == ISO[0] + ".250000"


@case("162-summer-time", "pandas-dev/pandas#24987", "davidusb-geek/emhass#779")
def test_times_of_several_offsets_are_moments(write):
    for form in ("%a, %d %b %Y %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%z", "%d/%b/%Y:%H:%M:%S %z"):
        zones = [dt.timezone(dt.timedelta(hours=-5 - (i % 2))) for i in range(N)]
        words = [f"{d.replace(tzinfo=z):{form}}" for d, z in zip(DAYS, zones, strict=True)]
        found = of_file(write(column(lambda i, w=words: w[i]))).days("v")
        shifted = [d + dt.timedelta(hours=5 + i % 2) for i, d in enumerate(DAYS)]
        assert found == [moment.isoformat() for moment in shifted]


@case("163-before-1677", "google/timesketch#1617", "google/timesketch#3542")
def test_dates_before_1677_are_dates(write):
    found = of_file(write(column(lambda i: f"{1601 + i}-01-01T00:00:00Z"))).days("v")
    assert found == [f"{1601 + i}-01-01T00:00:00" for i in range(N)]
    objects = [dt.date(1066 + i, 10, 14) for i in range(N)]
    assert of_frame(pd.DataFrame({"v": objects}), KINDS).days("v")[0] == "1066-10-14T00:00:00"


@case("164-dates-that-are-none", "matrixorigin/matrixone#5118", "coiled/dask-bigquery#31")
@pytest.mark.parametrize(
    ("form", "none"),
    [
        ("%Y-%m-%d", "9999-12-31"),
        ("%Y-%m-%d", "0001-01-01"),
        ("%Y-%m-%d", "0000-00-00"),
        ("%d.%m.%Y", "31.12.9999"),
        ("%m/%d/%Y", "01/01/0001"),
        ("%Y-%m-%d %H:%M:%S", "0000-00-00 00:00:00"),
    ],
)
def test_dates_that_stand_for_none_are_missing_and_told(write, form, none):
    seen = of_file(write(column(lambda i: none if i % 3 == 0 else f"{DAYS[i]:{form}}")))
    days = [day if "H" in form else day.replace(hour=0, minute=0, second=0) for day in DAYS]
    assert seen.days("v") == every(3, None, [day.isoformat() for day in days])
    assert "20" in seen.reason("v")
    assert "read as missing" in seen.reason("v")
    typed = pd.DataFrame({"v": pd.to_datetime(pd.Series(DAYS)).astype("datetime64[us]"), "x": XS})
    typed.loc[0, "v"] = pd.Timestamp("9999-12-31")
    assert of_frame(typed, KINDS).days("v")[:2] == [None, ISO[1]]


@case("165-a-year-of-two-digits", "tl-its-umich-edu/my-learning-analytics#1242")
def test_a_year_of_two_digits_among_others_is_missing_and_told(write):
    seen = of_file(write(column(lambda i: "0021-03-01 04:55:00" if i == 5 else ISO[i])))
    assert seen.days("v")[4:7] == [ISO[4], None, ISO[6]]
    assert "1 row of years before 100" in seen.told


@case("166-durations-of-pandas", "pandas-dev/pandas#11731", "pandas-dev/pandas#8185")
def test_durations_that_pandas_wrote_are_seconds(write):
    for spans, sign in ((SPANS, 1), ([-span for span in SPANS], -1)):
        words = [str(pd.Timedelta(span)) for span in spans]
        path = write(column(lambda i, w=words: w[i]))
        seen = of_file(path)
        assert seen.numbers("v") == [sign * seconds for seconds in SECONDS]
        assert later(seen, path)[0].numbers("v") == seen.numbers("v")


@case("167-durations-of-python", "wireservice/csvkit#1247", "NVIDIA/cudf#6225")
def test_durations_in_other_spellings_are_seconds(write):
    for spell in (
        str,
        lambda span: pd.Timedelta(span).isoformat(),
        lambda span: f"{span // dt.timedelta(hours=1)} hrs {span.seconds // 60 % 60} mins",
        lambda span: f"{span // dt.timedelta(hours=1)}h{span.seconds // 60 % 60}m",
    ):
        words = [spell(span) for span in SPANS]
        assert of_file(write(column(lambda i, w=words: w[i]))).numbers("v") == SECONDS
    assert of_frame(pd.DataFrame({"v": pd.Series(SPANS)}), KINDS).numbers("v") == SECONDS


@case("168-laps-and-long-hours", "eckhchri/pcars-ds-liveview#43", "rburgst/time-tracker-mac#44")
def test_minutes_with_a_fraction_and_more_than_a_day_of_hours(write):
    seen = of_file(write(column(lambda i: f"2:{i % 60:02d}.094")))
    assert seen.numbers("v") == pytest.approx([120.094 + i % 60 for i in range(N)])
    seen = of_file(write(column(lambda i: f"{70 + i}:34:01")))
    assert seen.numbers("v") == [3600 * (70 + i) + 34 * 60 + 1 for i in range(N)]
    scores = of_file(write(column(lambda i: f"{90 + i % 5}:{99 + i % 3}")))
    assert scores.kinds["v"] == "category"


@case("169-days-without-separators", "ClickHouse/ClickHouse#30870", "techascent/tech.ml.dataset#40")
@pytest.mark.parametrize("form", ["%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%dT%H%M%S", "%d%m%Y", "%m%d%Y"])
def test_days_without_separators_are_days(write, form):
    path = write(column(lambda i: f"{DAYS[i]:{form}}"))
    seen = of_file(path)
    whole = [day if "H" in form else day.replace(hour=0, minute=0, second=0) for day in DAYS]
    assert seen.days("v") == [day.isoformat() for day in whole]
    assert later(seen, path)[0].days("v") == seen.days("v")


@case("170-days-of-one-digit", "buckets/application#533", "metabase/metabase#38276")
@pytest.mark.parametrize(
    "spell",
    [
        lambda d: f"{d:%b} {d.day} {d.year}",
        lambda d: f"{d.day} {d:%b} {d.year}",
        lambda d: f"{d.month}/{d.day}/{d.year}",
        lambda d: f"{d:%B} {d.day}th, {d.year}",
        lambda d: f"{d:%A}, {d:%B} {d.day}, {d.year}",
        lambda d: f"{d.day:02d}{d:%b}{d.year}".upper(),
        lambda d: f"{d.year}年{d.month}月{d.day}日",
    ],
)
def test_days_in_words_and_of_one_digit(write, spell):
    found = of_file(write(column(lambda i: spell(DAYS[i])))).days("v")
    assert found == [f"{day:%Y-%m-%d}T00:00:00" for day in DAYS]


@case("171-halves-of-the-day", "own")
def test_times_before_and_after_noon(write):
    for half in (("AM", "PM"), ("a.m.", "p.m."), ("a. m.", "p. m.")):
        words = [f"{i % 12 + 1}:34:56 {half[i % 2]}" for i in range(N)]
        hours = [(i % 12 + 1) % 12 + 12 * (i % 2) for i in range(N)]
        found = of_file(write(column(lambda i, w=words: w[i]))).numbers("v")
        assert found == [3600 * hour + 34 * 60 + 56 for hour in hours]
