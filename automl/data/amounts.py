"""Numbers as people write them: marks between digits, signs, currencies, units, multipliers."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from automl.types import Array

_SCALE = {"k": 1e3, "m": 1e6, "mm": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9, "g": 1e9, "t": 1e12} | {
    "kb": 1e3,
    "mb": 1e6,
    "gb": 1e9,
    "tb": 1e12,
    "mio": 1e6,
    "mrd": 1e9,
    "万": 1e4,
    "萬": 1e4,
    "亿": 1e8,
    "億": 1e8,
}
_ISO = (
    *("USD", "EUR", "GBP", "CHF", "JPY", "CNY", "RMB", "INR", "BRL", "AUD", "CAD", "NZD", "SEK"),
    *("NOK", "DKK", "PLN", "CZK", "HUF", "RUB", "TRY", "ZAR", "MXN", "KRW", "SGD", "HKD", "THB"),
    *("IDR", "MYR", "PHP", "VND", "ILS", "AED", "SAR", "UAH", "RON", "ARS", "CLP", "COP", "TWD"),
)
_SIGNS = r"\$\u20a0-\u20cf\u00a2-\u00a5\ufdfc\uffe5\uff04"
"""Signs of currencies."""
_LOCAL = (
    r"Rs\.?|R\$|US\$|A\$|C\$|HK\$|NT\$|S\$|kr\.?|S?Fr\.?|z\u0142|K\u010d|Ft|lei"
    r"|\u0440\u0443\u0431\.?"
)
_CURRENCY = rf"(?:{'|'.join(_ISO)}|{_LOCAL}|[{_SIGNS}])"
_MARKS = re.compile(rf"{_CURRENCY}|%")
_BLANK = r" \u00a0\u2007\u2009\u202f"
_GROUP = {
    ".": rf"[,'\u2019{_BLANK}]",
    ",": rf"[.'\u2019{_BLANK}]",
}
"""Marks between groups of digits beside each decimal mark."""
_MINUS = "\u2212\u2013-"
"""Signs of negative numbers, the plain one last as in a class of characters."""


_ARABIC = str.maketrans("\u066b\u066c", ".,")
"""Marks of Arabic numbers, before decimals and between thousands, and those that stand for them."""
NOTES = "*"
"""Unit of numbers that stand beside some with flags."""
_FLAG = re.compile(r"[bcdefnprsuz]{1,3}")
"""Flags of Eurostat and others behind numbers: break in series, confidential, estimated, ..."""
_FLAGGED = re.compile(rf"[^a-zA-Z]*\d\s+(?P<flag>{_FLAG.pattern})")
_PLAIN = re.compile(rf"[\d.,'\u2019()+{_BLANK}{_MINUS}]+(?:(?:[eE]|[dD](?=[-+]))[-+]?\d+)?")


def mixed(words: Iterable[str]) -> str:
    """A clause on several currencies, or percents beside plain numbers; empty for neither."""
    found = Counter(mark for word in words for mark in _MARKS.findall(word) or [""])
    few = 0.02 * sum(found.values())
    several = sorted(mark for mark, n in found.items() if mark and mark != "%" and n > few)
    if len(several) > 1:
        return f"; in several currencies ({', '.join(several[:4])}), taken as they stand"
    if found["%"] > few and found[""] > few:
        return "; some with % and some without, taken as they stand"
    return ""


@cache
def _grammar(decimal: str) -> re.Pattern[str]:
    """The form of an amount with one decimal mark."""
    point, group = re.escape(decimal), _GROUP[decimal]
    digits = rf"\d{{1,3}}(?:(?P<mark>{group})\d{{2,3}}(?:(?P=mark)\d{{2,3}})*(?<=\d{{3}}))"
    return re.compile(
        rf"'?[~\u2248]?\s*(?:-?\s*(?:{_CURRENCY})?\s*(?=\())?(?P<open>\()?\s*(?P<sign>[+{_MINUS}])?\s*(?:{_CURRENCY})?\s*(?P<sign2>[+{_MINUS}])?"
        rf"(?P<number>{digits}(?:{point}\d*)?|\d+(?:{point}\d*)?|{point}\d+)"
        rf"(?P<power>(?:[eE]|[dD](?=[-+]))[-+]?\d+)?(?P<last>-(?=\s*$))?\s*"
        rf"(?P<unit>%|\u2030|[{_SIGNS}]"
        r"|[^\W\d_]{1,12}\.?(?:[ /][^\W\d_]{1,6})?[\u00b2\u00b30-9]?"
        r"|\u00b0[^\W\d_]?|[\u00b5\u03a9]\w{0,3})?\.?\s*\+?\s*\)?",
    )


def split_amounts(words: Iterable[str], decimal: str = ".") -> tuple[Array, Array]:
    """(k,) float64 numbers before their unit, NaN if none, and (k,) units, `""` if none."""
    words = [word.translate(_ARABIC) for word in words]
    numbers: Array = np.full(len(words), np.nan)
    units: Array = np.full(len(words), "", dtype=object)
    form = _grammar(decimal)
    for i, word in enumerate(words):
        found = form.fullmatch(word)
        if found is None and not word.isascii():
            found = form.fullmatch(unicodedata.normalize("NFKC", word))
        if found is None or (found["open"] is None) == word.endswith(")"):
            continue
        number, mark, power = found.group("number", "mark", "power")
        plain = number if mark is None else re.sub(_GROUP[decimal], "", number)
        value = float(plain.replace(decimal, ".") + (power or "").upper().replace("D", "E"))
        signs = found.group("sign", "sign2", "last")
        negative = bool(found["open"]) or any(sign and sign in _MINUS for sign in signs)
        numbers[i], units[i] = -value if negative else value, (found["unit"] or "").rstrip(".")
    return numbers, units


def scale(unit: str) -> float:
    """Factor of a suffix: 1000 for `k`, 1 for a currency; NaN where it is no multiplier."""
    if unit in ("", "%", "\u2030") or re.fullmatch(_CURRENCY, unit):
        return 1.0
    return _SCALE.get(unit.lower(), np.nan)


def parse_amounts(words: pd.Series[Any], unit: str = "", decimal: str = ".") -> Array:
    """(k,) float64 of amounts with signs, marks, multipliers or the given unit."""
    numbers, units = split_amounts(words, decimal)
    if unit == NOTES:
        factors = [1.0 if not u or _FLAG.fullmatch(u) else np.nan for u in units]
    else:
        factors = [1.0 if unit and u == unit else scale(u) for u in units]
    return numbers * np.array(factors, dtype=np.float64)


def parse_grouped(words: pd.Series[Any], decimal: str = ".") -> Array:
    """(k,) float64 of numbers without unit or currency, with marks between groups of digits."""
    plain = (word.translate(_ARABIC) for word in words)
    return split_amounts([w if _PLAIN.fullmatch(w) else "" for w in plain], decimal)[0]


def find_flags(words: Iterable[str]) -> list[str]:
    """Flags behind some of the numbers, most of which have neither flag nor unit; else none."""
    words = list(words)
    ends = [word[-1:] for word in words]
    plain = sum(end.isdigit() for end in ends)
    lettered = [word for word, end in zip(words, ends, strict=True) if end.isalpha()]
    found = [_FLAGGED.fullmatch(word) for word in lettered]
    if plain <= len(words) / 2 or not all(found):
        return []
    return sorted({one["flag"] for one in found if one})


# ----------------------------------------------------------------- decimal marks


_TOKEN = re.compile(
    rf"[(\s+{_MINUS}]*(?:{_CURRENCY})?[\s+{_MINUS}]*(?P<number>\d[\d.,'\u2019{_BLANK}]*|[.,]\d+)"
    r"(?:[eE][-+]?\d+)?\s*(?:[^\d.,\s][^\d.,]{0,14})?[)+]?"
)
_GROUPED = re.compile(rf"\d{{1,3}}(?:[.,'\u2019{_BLANK}]\d{{2,3}})*")


@dataclass(frozen=True, slots=True)
class DecimalVotes:
    """Evidence for the decimal mark of some words: those that settle it, those that do not."""

    comma: int = 0
    point: int = 0
    either_comma: int = 0
    """Words such as `610,086`."""
    either_point: int = 0
    """Words such as `610.086`."""
    example: str = ""
    """A word that does not settle it."""

    @property
    def only_points(self) -> bool:
        """True if there are words such as `610.086` and none that settle what they are."""
        return bool(self.either_point) and not (self.comma or self.point or self.either_comma)

    @property
    def settled(self) -> str:
        """The decimal mark that the words leave no doubt of; empty for none or for both."""
        if bool(self.comma) == bool(self.point):
            return ""
        return "," if self.comma else "."


def find_marks(words: Iterable[str]) -> DecimalVotes:
    """Count what the words tell of the decimal mark."""
    counts = {",": 0, ".": 0, "either ,": 0, "either .": 0, "": 0}
    example = ""
    for word in words:
        found = _TOKEN.fullmatch(word.translate(_ARABIC))
        told = _told(found["number"].strip()) if found else ""
        counts[told] += 1
        if told.startswith("either") and not example:
            example = word
    return DecimalVotes(counts[","], counts["."], counts["either ,"], counts["either ."], example)


def _told(number: str) -> str:
    """The decimal mark that one number shows: `,` or `.`, `either ,` or `either .`, or nothing."""
    marks = [c for c in number if c in ".,"]
    if not marks:
        return ""
    last = marks[-1]
    other = "." if last == "," else ","
    whole, _, rest = number.rpartition(last)
    if len(set(marks)) == 2:
        return last if marks.count(last) == 1 and rest.isdigit() else ""
    if len(marks) > 1:
        return other if _GROUPED.fullmatch(number) and len(rest) == 3 else ""
    if len(rest) != 3 or whole in ("", "0") or not 1 <= len(whole) <= 3 or whole.startswith("0"):
        return last if rest.isdigit() or not rest else ""
    return f"either {last}"
