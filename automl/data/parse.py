"""From raw values to typed ones: the rules that a column's `parse` names.

| rule | result |
|---|---|
| `as_is` | numbers that were numbers already |
| `number` | numbers in strings; what does not parse is missing |
| `quantity`, `quantity:UNIT` | `$4.99`, `10,000+`, `19M`, `45%` (45), `12 kg`, `CHF 1'234.50` |
| `decimal_comma`, `decimal_comma:UNIT` | `1.234,56`, `1 234,50 \u20ac`, `75,5 m\u00b2` |
| `boolean` | true/false, yes/no, y/n, t/f, on/off as 1 and 0 |
| `clock` | `HH:MM[:SS]`, `HH:MM PM`, `M:SS.f` as seconds |
| `duration` | time spans as seconds, also `1 days 02:00:00`, `PT5M`, `1h 20m` |
| `date:FORMAT` | datetime64[us], FORMAT as `pandas.to_datetime` takes it |
| `level`, `level:WORDS` | category of spellings; WORDS, split by blanks, are not missing here |
| `text` | strings |

Every rule takes a column of any dtype, because a file of new rows may be typed differently.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from automl.data.amounts import parse_amounts, parse_grouped
from automl.data.words import FALSE_WORDS, MISSING_WORDS, TRUE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automl.types import Array

Strings: TypeAlias = "pa.Array[Any]"

_HEAD = 1_000
CLOCK = (
    r"(?i)^(\d{1,2}|\d{3}(?=:\d\d:)):(\d{2})(?::(\d{2}(?:[.,]\d+)?)|([.,]\d+))?"
    r"(?: ?([ap])\.? ?m\.?)?$"
)
"""Times of day and of laps."""
SPAN = (
    r"(?i)^-?(?:(?:\d+ days?,? ?)?(?:[-+]?\d{1,2}:\d{2}:\d{2}(?:\.\d+)?)?"
    r"|P(?=T?\d)(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?"
    r"|\d+ ?h(?:ours?|rs?)?,? ?\d+ ?m(?:in(?:ute)?s?)?(?:,? ?\d+ ?s(?:ec(?:ond)?s?)?)?"
    r"|\d+ ?m(?:in(?:ute)?s?)?,? ?\d+ ?s(?:ec(?:ond)?s?)?)$"
)
"""Time spans in words."""
YEARS = (100, 9998)
"""First and last year of dates: others come of two digits, or stand for none as 9999-12-31 does."""
NO_DATE = r"(?<![\d+])(?<!:\d\d[.,])(?:0000|0001|9999)(?!\d)"
_TRIMMED = (
    (r"(?<=[:.-]\d\d|\d\d\d) ?(?:UTC|GMT)$", ""),
    (r"(?i)\b([ap])\. ?m\.?$", r"\1m"),
    (r"(?<=\d)(?:st|nd|rd|th)\b", ""),
    (r"^(\d{4})[年년]\s*(\d{1,2})[月월]\s*(\d{1,2})[日일]", r"\1/\2/\3"),
)
"""Marks around dates that no format has, and what stands for them."""
_MARKED = r"(?i)utc|gmt|[ap]\. ?m|\d(?:st|nd|rd|th)\b|[年년]"
"""Some of those marks, told fast."""
QUARTER = r"(?i)^(?:Q(?P<q1>[1-4])[ -]?(?P<y1>\d{4})|(?P<y2>\d{4})[ -]?Q(?P<q2>[1-4]))$"
"""Quarters of years."""


def spell(series: pd.Series[Any], *, strip: bool = True) -> Strings:
    """(n,) strings, null where missing; whole floats are spelled as integers.

    Args:
        series: Of any dtype.
        strip: Whether blanks around the words go.
    """
    if isinstance(series.dtype, pd.CategoricalDtype):
        words = spell(pd.Series(series.cat.categories), strip=strip)
        codes = series.cat.codes.to_numpy()
        return words.take(pa.array(codes, mask=codes < 0))
    if isinstance(series.dtype, pd.StringDtype):
        array = pa.array(series)
    elif pd.api.types.is_integer_dtype(series.dtype):
        array = pc.cast(pa.array(series, from_pandas=True), pa.string())
    elif pd.api.types.is_float_dtype(series.dtype):
        array = _spell_floats(series.to_numpy(np.float64, na_value=np.nan))
    else:
        missing = series.isna().to_numpy()
        array = pa.array([word_of(v) for v in series], pa.string(), mask=missing)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return pc.utf8_trim_whitespace(array) if strip else array


def word_of(value: Any) -> str:
    """The spelling of one value; that of bytes is what they hold."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _spell_floats(values: Array) -> Strings:
    missing = np.isnan(values)
    finite = np.where(np.isfinite(values), values, 0.0)
    if (finite == np.trunc(finite)).all() and (np.abs(finite) < 2**63).all():
        return pc.cast(pa.array(finite.astype(np.int64), mask=missing), pa.string())
    words = [str(int(v)) if v.is_integer() else repr(v) for v in values.tolist()]
    return pa.array(words, mask=missing)


def missing_mask(words: Strings, keep: Iterable[str] = ()) -> Strings:
    """(n,) bool: which values are blank or a word for missing; null stays null."""
    chosen = [w for w in ("", *MISSING_WORDS) if w not in set(keep)]
    return pc.is_in(words, value_set=pa.array(chosen, words.type))


def blank_out(words: Strings, keep: Iterable[str] = ()) -> Strings:
    """The words with every word for missing made null."""
    mask = missing_mask(words, keep)
    return pc.if_else(mask, pa.scalar(None, words.type), words) if pc.any(mask).as_py() else words


def distinct(words: Strings) -> tuple[pd.Series[Any], Array]:
    """(k,) distinct words, and (n,) position of each row's among them, -1 where missing."""
    coded: Any = words.dictionary_encode()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return pd.Series(coded.dictionary.to_pandas(), dtype="str"), codes


def plain_numbers(words: Strings) -> Array | None:
    """(n,) float64 if every word is a plain number, else None. `inf` is missing."""
    try:
        # The head first: a cast that fails costs as much as one that succeeds.
        pc.cast(words.slice(0, _HEAD), pa.float64())
        values = pc.cast(words, pa.float64())
    except pa.ArrowInvalid:
        return None
    return finite(_floats(values))


def finite(values: Array) -> Array:
    """The values with infinities made missing."""
    bad = np.isinf(values)
    return np.where(bad, np.nan, values) if bad.any() else values


def _floats(values: Any) -> Array:
    out: Array = values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    return out


def parse_numbers(words: pd.Series[Any]) -> Array:
    """(k,) float64 of numbers with a decimal point, if any; NaN for anything else."""
    values = pd.to_numeric(words.astype(object), errors="coerce")
    numbers = finite(values.to_numpy(np.float64, na_value=np.nan))
    odd = np.flatnonzero(np.isnan(numbers))
    if len(odd):
        numbers = numbers.copy()
        numbers[odd] = parse_grouped(words.iloc[odd])
    return numbers


def parse_booleans(words: pd.Series[Any]) -> Array:
    """(k,) 1.0, 0.0 or NaN."""
    lower = words.str.lower()
    values = np.where(lower.isin(FALSE_WORDS), 0.0, np.nan)
    return np.where(lower.isin(TRUE_WORDS), 1.0, values)


def parse_clock(words: pd.Series[Any]) -> Array:
    """(k,) float64 seconds of `HH:MM`, `HH:MM:SS`, `HH:MM PM` or, with a fraction, `M:SS.f`."""
    parts = words.str.extract(CLOCK).astype(object).fillna("")
    hours, minutes, seconds, fraction = (
        parse_numbers(parts[i].str.replace(",", ".")) for i in range(4)
    )
    half = parts[4].str.lower()
    hours = np.where(half == "", hours, hours % 12 + 12 * (half == "p"))
    times = hours * 3600 + minutes * 60 + np.nan_to_num(seconds)
    return np.where(parts[3] == "", times, hours * 60 + minutes + fraction)


def parse_spans(words: pd.Series[Any]) -> Array:
    """(k,) float64 seconds of time spans in words, NaN for anything else."""
    plain = words.where(words.str.contains(SPAN)).str.replace(r"[,+]", " ", regex=True)
    plain = plain.str.replace(r"(?i)(?<=\d) ?([hms])[a-z]+", r"\1 ", regex=True)
    spans = pd.to_timedelta(plain.astype(object), errors="coerce")
    return pd.Series(spans).dt.total_seconds().to_numpy(np.float64, na_value=np.nan)


def trim_dates(words: pd.Series[Any]) -> pd.Series[Any]:
    """Dates without the marks that no format has."""
    if not words.str.contains(_MARKED).any():
        return words
    for pattern, plain in _TRIMMED:
        words = words.str.replace(pattern, plain, regex=True)
    return words


def parse_dates(words: pd.Series[Any], form: str) -> pd.Series[Any]:
    """(k,) datetime64[us] in UTC, NaT for what does not fit the format."""
    if form == "quarter":
        parts = words.str.extract(QUARTER).astype(object)
        year = parts["y1"].fillna(parts["y2"]).fillna("")
        month = 3 * pd.to_numeric(parts["q1"].fillna(parts["q2"]), errors="coerce") - 2
        spelled = year + "-" + month.map("{:02.0f}".format, na_action="ignore")
        words, form = spelled, "%Y-%m"
    plain = trim_dates(words).astype(object)
    dates = _naive(pd.Series(pd.to_datetime(plain, format=form, errors="coerce", utc=True)))
    return without_no_dates(dates)


def without_no_dates(dates: pd.Series[Any]) -> pd.Series[Any]:
    """Dates with those missing that stand for none, such as 9999-12-31."""
    real = dates.dt.year.between(*YEARS) | dates.isna()
    return dates if real.all() else dates.where(real)


def _naive(dates: pd.Series[Any]) -> pd.Series[Any]:
    if dates.dt.tz is not None:
        dates = dates.dt.tz_convert("UTC").dt.tz_localize(None)
    return dates.astype("datetime64[us]")


def to_dates(series: pd.Series[Any], form: str) -> pd.Series[Any]:
    """A column of dates of any dtype as datetime64[us]."""
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return without_no_dates(_naive(series))
    if isinstance(series.dtype, pd.PeriodDtype):
        return _naive(series.dt.to_timestamp())
    words, codes = distinct(blank_out(spell(series)))
    dates = parse_dates(words, form).to_numpy()
    picked = dates[codes] if len(dates) else np.full(len(codes), np.datetime64("NaT", "us"))
    return pd.Series(np.where(codes < 0, np.datetime64("NaT", "us"), picked))


def to_numbers(series: pd.Series[Any], rule: str) -> Array:
    """A column of any dtype as (n,) float64, by one of the rules for numbers."""
    kind = rule.partition(":")[0]
    if kind == "as_is" or (kind != "clock" and is_number(series)):
        if is_number(series):
            return finite(series.to_numpy(np.float64, na_value=np.nan))
        kind = "number"
    if kind == "duration":
        return _seconds(series)
    words = blank_out(spell(series))
    if kind == "number" and (values := plain_numbers(words)) is not None:
        return values
    unique, codes = distinct(words)
    values = parse_words(unique, rule if kind != "number" else kind)
    picked: Array = np.append(values, np.nan)[codes]
    return picked


def parse_words(words: pd.Series[Any], rule: str) -> Array:
    """(k,) float64 of words by one of the rules for numbers in strings; NaN where it fails."""
    kind, _, unit = rule.partition(":")
    if kind in ("quantity", "decimal_comma"):
        return parse_amounts(words, unit, "." if kind == "quantity" else ",")
    parsers = {
        "number": parse_numbers,
        "boolean": parse_booleans,
        "clock": parse_clock,
        "duration": parse_spans,
    }
    return parsers[kind](words)


def _seconds(series: pd.Series[Any]) -> Array:
    """(n,) float64 seconds of time spans of any dtype."""
    if isinstance(series.dtype, pd.ArrowDtype):
        series = series.astype("timedelta64[us]")
    if pd.api.types.infer_dtype(series, skipna=True) == "string":
        words, codes = distinct(blank_out(spell(series)))
        return np.append(parse_spans(words), np.nan)[codes]
    if not pd.api.types.is_timedelta64_dtype(series.dtype):
        series = pd.Series(pd.to_timedelta(series.astype(object), errors="coerce"))
    return series.dt.total_seconds().to_numpy(np.float64, na_value=np.nan)


def to_levels(series: pd.Series[Any], keep: str = "") -> pd.Series[Any]:
    """A column of any dtype as `category` of sorted spellings."""
    words, codes = distinct(blank_out(spell(series), keep.split()))
    unique = words.to_numpy(object)
    order = np.argsort(unique)
    place = np.empty(len(order) + 1, dtype=np.int64)
    place[order], place[-1] = np.arange(len(order)), -1
    levels = pd.Index(unique[order], dtype="str")
    return pd.Series(pd.Categorical.from_codes(place[codes], categories=levels))


def to_text(series: pd.Series[Any]) -> pd.Series[Any]:
    """A column of any dtype as `str`, missing where blank or a word for missing."""
    return pd.Series(blank_out(spell(series)).to_pandas(), dtype="str")


def is_number(series: pd.Series[Any]) -> bool:
    """True for a column of real numbers or booleans."""
    return is_number_dtype(series.dtype)


@cache
def is_number_dtype(dtype: Any) -> bool:
    """True for real numbers and booleans."""
    return bool(
        (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype))
        and not pd.api.types.is_complex_dtype(dtype)
        and not isinstance(dtype, pd.CategoricalDtype)
    )
