"""Which of many ways of writing dates a column uses."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from automl.data import parse
from automl.text import counted

if TYPE_CHECKING:
    from automl.types import Array, Column

_DAYS = (
    *("%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%m-%d-%Y", "%d-%m-%Y"),
    *("%d.%m.%Y", "%d.%m.%y", "%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y", "%d-%b-%Y"),
    *("%d-%b-%y", "%d-%B-%Y", "%b %d %Y", "%B %Y", "%b %Y", "%b-%Y", "%b-%y", "%m/%Y", "%Y.%m.%d"),
    *("%d/%b/%Y", "%d%b%Y", "%d%b%y", "%A, %B %d, %Y", "%A, %d %B %Y", "%a, %d %b %Y"),
)
_TIMES = (
    *("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", ", %H:%M"),
    *(":%H:%M:%S", ":%H:%M:%S %z"),
)
_WHOLE = ("%a %b %d %H:%M:%S %z %Y", "%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %Y")
_TWINS = {"%m/%d": "%d/%m", "%m-%d": "%d-%m"}
_SAMPLE = 300
_COMPACT = {"%Y%m%d": (19000101, 21001231), "%Y%m%d%H%M%S": (19000101_000000, 21001231_235959)}
"""Dates without separators, and the first and the last number that is taken for one."""
_FEWEST = 10
_ENOUGH = 0.95
_SHAPE = (
    r"^\d{4}[-/]\d{1,2}(?:[-/]\d{1,2})?(?:[T ].*)?$"
    r"|^\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}\b"
    r"|\b(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b.*\d"
    r"|^\d{1,2}(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\d{2,4}|^\d{8}T\d{4,6}"
    r"|^\d{1,2}[- ]?[a-zA-Z]{3,9}[- ,]|^\d{1,2}/\d{4}$|^\d{4}\.\d{1,2}\.\d{1,2}$"
)


def _shape(word: str) -> str:
    """A word with its digits as `0` and its letters as `a`: `2/24/2015 11:35` -> `0/0/0 0:0`."""
    plain = re.sub(r"\d+|[^\W\d_]+", lambda run: "0" if run[0][0].isdigit() else "a", word)
    return plain.replace(" -0", " +0")


def _form_shape(form: str) -> str:
    return re.sub(r"%[a-zA-Z]", "0", re.sub(r"%[ABbap]", "a", form.replace("%z", "+0")))


_FORMATS = {form: _form_shape(form) for form in (*(d + t for t in _TIMES for d in _DAYS), *_WHOLE)}
"""Ways of writing a date, month-first before day-first, and the shape of each."""


_RULES = (
    (parse.CLOCK, "clock", "times as seconds"),
    (parse.SPAN, "duration", "durations in seconds"),
    (parse.QUARTER, "date:quarter", "quarters of years"),
)
"""Forms of a whole word, what reads it, and what is told."""


def find_date_rule(
    words: pd.Series[Any], counts: Array, *, day_first: bool = False
) -> tuple[str, str] | None:
    """The rule that reads nearly all rows as dates or times of day, and why; None if none does.

    Args:
        words: (k,) distinct spellings.
        counts: (k,) rows of each.
        day_first: Whether the day comes first in dates that can be read both ways.
    """
    k = len(words)
    picks = np.arange(k) if k <= _SAMPLE else np.linspace(0, k - 1, _SAMPLE).astype(int)
    sample = parse.trim_dates(words.iloc[picks].reset_index(drop=True))
    real = ~sample.str.contains(parse.NO_DATE).to_numpy(bool)
    sample, weights = sample[real].reset_index(drop=True), counts[picks][real]
    for pattern, rule, reason in _RULES:
        if _share(sample.str.fullmatch(pattern).to_numpy(bool), weights) >= _ENOUGH:
            return rule, reason
    if _share(sample.str.contains(_SHAPE).to_numpy(bool), weights) < _ENOUGH:
        return None
    form, fit = _best_format(sample, weights, day_first=day_first)
    if fit < _ENOUGH:
        return None
    lost = parse.parse_dates(words, form).isna().to_numpy()
    told = lost.copy()
    told[lost] = words[lost].str.contains(parse.NO_DATE).to_numpy(bool)
    if _share(~lost[~told], counts[~told]) < _ENOUGH:
        return None
    return f"date:{form}", _reason(form, sample, int(counts[lost].sum()))


def _best_format(sample: pd.Series[Any], weights: Array, *, day_first: bool) -> tuple[str, float]:
    """The first format of the best fit; month-first comes before day-first unless told."""
    best, best_fit = "", 0.0
    shapes = {_shape(word) for word in sample}
    forms = [f for f in _FORMATS if _FORMATS[f] in shapes]
    if day_first:
        forms.sort(key=lambda form: form.startswith("%m"))
    for form in ("ISO8601", *forms):
        fit = _fit(sample, weights, form)
        if fit > best_fit:
            best, best_fit = form, fit
        if fit == 1.0:
            break
    return best, best_fit


def _fit(sample: pd.Series[Any], weights: Array, form: str) -> float:
    """The share of rows that the format reads as a date people would write."""
    try:
        dates = parse.parse_dates(sample, form)
    except (ValueError, OverflowError):
        return 0.0
    return _share(dates.dt.year.between(1000, 2500).to_numpy(bool), weights)


def _share(mask: Array, weights: Array) -> float:
    return float(weights[mask].sum() / max(weights.sum(), 1))


def _reason(form: str, sample: pd.Series[Any], odd: int) -> str:
    text = "dates" if form == "ISO8601" else f"dates written {form}"
    for month_first, day_first in _TWINS.items():
        for one, other, order in (
            (month_first, day_first, "month first; the values would fit day first too"),
            (day_first, month_first, "day first; the values would fit month first too"),
        ):
            if one in form and _fit(sample, np.ones(len(sample)), form.replace(one, other)) == 1.0:
                text += f" ({order}; dates such as 2024-01-31 leave no doubt)"
    return f"{text}; {counted(odd, 'row')} in another form read as missing" if odd else text


def compact_form(low: float, high: float, series: pd.Series[Any]) -> str:
    """The form of a column of numbers that are all dates such as `20240131`; empty for others."""
    form = next((f for f, (a, b) in _COMPACT.items() if a <= low and high <= b), "")
    unique = pd.unique(series.dropna()) if form else ()
    if len(unique) < _FEWEST:
        return ""
    spelled = pd.Series(np.asarray(unique).astype(np.int64).astype(str))
    dates = pd.to_datetime(spelled, format=form, errors="coerce")
    return form if dates.notna().all() else ""


def padded_form(words: Any) -> str:
    """The form of digits that are all dates such as 31012024 or 01312024; empty for others."""
    unique = pd.Series(words.unique().drop_null().to_pandas())
    if len(unique) < _FEWEST or len(unique[0]) != 8:
        return ""
    for form in ("%m%d%Y", "%d%m%Y"):
        dates = pd.to_datetime(unique, format=form, errors="coerce")
        if dates.dt.year.between(1900, 2100).all():
            return form
    return ""


def as_compact_date(column: Column, form: str) -> Column:
    """The column as dates written without separators."""
    shown = datetime(2024, 1, 31, 23, 59, 59, tzinfo=UTC).strftime(form)
    reason = f"dates written as {shown}"
    return replace(column, kind="datetime", parse=f"date:{form}", reason=reason)
