from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import UsageError
from automl.units import (
    format_duration,
    format_latency,
    format_size,
    parse_duration,
    parse_latency,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("600", 600),
        ("90s", 90),
        ("10m", 600),
        ("10min", 600),
        ("1h", 3600),
        ("1h30m", 5400),
        ("1h 30m 5s", 5405),
        ("0.5h", 1800),
        ("1.5", 1.5),
        (" 5M ", 300),
    ],
)
def test_durations_are_read_as_people_write_them(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0", "0s", "-5", "5x", "m", "1m1h", "soon", "inf", "nan", "1e3"]
)
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match="1h30m"):
        parse_duration(text)


@given(st.integers(min_value=1, max_value=10**7))
def test_a_written_duration_reads_back(seconds):
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.floats(min_value=0.1, max_value=10**6))
def test_a_written_duration_is_off_by_less_than_its_last_digit(seconds):
    off = abs(parse_duration(format_duration(seconds)) - seconds)
    assert off <= (0.051 if seconds < 10 else 0.51)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8GB", 8 * 10**9),
        ("500MB", 5 * 10**8),
        ("8000000000B", 8 * 10**9),
        ("2GiB", 2**31),
        ("1.5 gb", 1_500_000_000),
        ("64k", 64_000),
        ("1T", 10**12),
    ],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "8", "GB", "-1GB", "0MB", "8XB", "8GBB"])
def test_what_is_no_size_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match="8GB"):
        parse_size(text)


@given(st.integers(min_value=1000, max_value=10**15))
def test_a_written_size_reads_back_to_its_digits(size):
    assert parse_size(format_size(size)) == pytest.approx(size, rel=0.06)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1536, "1.5 kB"),
        (999_700, "1 MB"),
        (24e9, "24 GB"),
    ],
)
def test_sizes_are_written_in_the_unit_that_reads_best(size, text):
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("50us", 5e-5), ("50 µs", 5e-5), ("1.5ms", 0.0015), ("0.002", 0.002), ("1e-4", 1e-4)],
)
def test_times_for_a_row_are_read(text, seconds):
    assert parse_latency(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "0", "0ms", "-1ms", "fast", "1m", "1e999"])
def test_other_times_for_a_row_are_refused(text):
    with pytest.raises(UsageError, match="is not a time for a row"):
        parse_latency(text)


@given(st.floats(1e-9, 100.0))
def test_times_for_a_row_are_read_back(seconds):
    assert parse_latency(format_latency(seconds)) == pytest.approx(seconds, rel=5e-3)
