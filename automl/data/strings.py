"""Columns of strings: numbers and dates in disguise, booleans, text, ids, categories."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from automl.data import parse
from automl.data.amounts import (
    NOTES,
    DecimalVotes,
    find_flags,
    find_marks,
    mixed,
    scale,
    split_amounts,
)
from automl.data.dates import as_compact_date, compact_form, find_date_rule, padded_form
from automl.data.numbers import NUMBER, as_code, judge_number, profile_block
from automl.data.saved import layout_of
from automl.data.texts import unspaced, why_text
from automl.data.words import (
    BOOLEAN_PAIRS,
    DIGITS,
    FALSE_WORDS,
    INDEX_NAMES,
    NUMBER_MISSING,
    TRUE_WORDS,
)
from automl.text import counted
from automl.types import Column

if TYPE_CHECKING:
    from automl.types import Array, ColumnKind

CATEGORY = "words"
"""The reason of a category that needs no explaining."""
ID = "an id, another one in nearly every row"
"""The reason of a column of words that only tell rows apart."""
PADDED = "digits with leading zeros, which name things"
_SAMPLE = 2_000
_OFTEN = 3
"""Rows of a code at least, on average; times of day at least."""
_TOLERATED = 0.05
"""Largest share of rows that may fail to parse in a column of numbers."""
_UNITS = frozenset({"b", "g", "m", "mm", "t"})
"""Suffixes that are units where a blank stands before them, and multipliers elsewhere."""


@dataclass(frozen=True)
class Tally:
    """The distinct words of a column and their rows, words for missing left out."""

    name: str
    rows: int
    words: pd.Series[Any]
    counts: Array
    codes: Array
    """(n,) position of each row's word, -1 where missing."""
    missing_words: tuple[str, ...]
    decimal: str = ""
    """The decimal mark of the file, empty where nothing tells."""

    @property
    def present(self) -> int:
        """Rows with a value."""
        return int(self.counts.sum())

    @cached_property
    def sample(self) -> Array:
        """Positions of at most 2,000 words, evenly spread."""
        k = len(self.words)
        return np.arange(k) if k <= _SAMPLE else np.linspace(0, k - 1, _SAMPLE).astype(int)

    def column(self, kind: ColumnKind, reason: str, rule: str) -> Column:
        """The decision on a column of strings, with its counts."""
        return Column(
            self.name,
            kind,
            reason,
            rule,
            missing=(self.rows - self.present) / max(self.rows, 1),
            levels=len(self.words),
            missing_words=self.missing_words,
        )


def judge_strings(series: pd.Series[Any], name: str) -> Column:
    """Decide what a column of strings holds."""
    spelled = parse.spell(series)
    words = parse.blank_out(spelled)
    seen = _seen_missing(spelled) if words.null_count > spelled.null_count else ()
    decimal = layout_of(series).decimal
    if words.null_count < len(words) and not (decimal == "," and _grouped(words)):
        values = parse.plain_numbers(words)
        if values is not None:
            return replace(_of_plain_numbers(words, values, name), missing_words=seen)
    keep = ""
    if "-" in seen and pc.any(pc.equal(words, "+")).as_py():
        keep, words = "-", parse.blank_out(spelled, "-")
        seen = tuple(w for w in seen if w != "-")
    return _judge(replace(_tally(words, name, seen), decimal=decimal), keep)


def _of_plain_numbers(words: Any, values: Array, name: str) -> Column:
    """Decide on words that are all plain numbers: quantities, dates, codes with leading zeros."""
    facts = profile_block(values[:, None])[0]
    column = judge_number(name, facts, "number", NUMBER)
    if column.kind != "number":
        return column
    if form := compact_form(facts.low, facts.high, pd.Series(values)):
        return as_compact_date(column, form)
    if not facts.whole or not _zero_padded(words):
        return column
    if form := padded_form(words):
        return as_compact_date(column, form)
    rare = facts.repeats < _OFTEN or _clock(words, values)
    return column if rare else as_code(column, PADDED)


def _zero_padded(words: Any) -> bool:
    """True if all words have the same number of digits, at least three, and some begin with 0."""
    lengths = pc.min_max(pc.utf8_length(words)).as_py()
    alike = lengths["min"] == lengths["max"] and lengths["min"] >= 3
    return alike and bool(pc.any(pc.starts_with(words, "0")).as_py())


def _clock(words: Any, values: Array) -> bool:
    """True for times of day such as 0830, which are in order as they stand."""
    known = values[np.isfinite(values)]
    if pc.max(pc.utf8_length(words)).as_py() != len("0830"):
        return False
    return bool(((known < 2400) & (known % 100 < 60)).all()) and len(np.unique(known)) >= _OFTEN


def _grouped(words: Any) -> bool:
    """True if all words are whole numbers, some grouped by points: 1.234 beside decimal commas."""
    pattern = r"^[-+]?[0-9]{1,3}([.][0-9]{3})*$"
    return bool(pc.all(pc.match_substring_regex(words, pattern)).as_py())


def _seen_missing(spelled: Any) -> tuple[str, ...]:
    found = pc.unique(pc.filter(spelled, parse.missing_mask(spelled)))
    return tuple(sorted(w for w in found.to_pylist() if w))


def _tally(words: Any, name: str, seen: tuple[str, ...]) -> Tally:
    unique, codes = parse.distinct(words)
    counts = np.bincount(codes[codes >= 0], minlength=len(unique))
    return Tally(name, len(codes), unique, counts, codes, seen)


def _judge(tally: Tally, keep: str) -> Column:
    rule = f"level:{keep}" if keep else "level"
    if not len(tally.words):
        return tally.column("set_aside", "no value in any row", rule)
    lower = frozenset(tally.words.str.lower()) if len(tally.words) <= 6 else frozenset()
    if any(pair <= lower <= pair | DIGITS for pair in BOOLEAN_PAIRS):
        return tally.column("number", f"{_pair(lower)} as 0 and 1", "boolean")
    return (
        _as_number(tally)
        or _as_date(tally)
        or _as_nothing(tally, rule)
        or _as_text(tally)
        or _as_category(tally, rule)
    )


def _pair(words: frozenset[str]) -> str:
    """The words for false, then those for true."""
    parts = (sorted(words & FALSE_WORDS), sorted(words & TRUE_WORDS))
    return "/".join(" or ".join(part) for part in parts)


def _as_number(tally: Tally) -> Column | None:
    """A column of numbers with a few odd words or written with signs and units."""
    sample = tally.words.iloc[tally.sample]
    if sample.str.contains(r"\d").mean() < 0.5:
        return None
    marks = find_marks(sample)
    decimal, doubt = _decimal(marks, tally.decimal)
    for rule, why in _number_rules(sample, decimal):
        values = parse.parse_words(tally.words, rule)
        if accepted := _accept(tally, values):
            odd, odd_words = accepted
            reason = _reason(why + doubt, odd, odd_words)
            rows = np.append(values, np.nan)[tally.codes]
            column = judge_number(tally.name, profile_block(rows[:, None])[0], rule, reason)
            return replace(column, missing_words=(*tally.missing_words, *odd_words[:20]))
    return None


def _decimal(marks: DecimalVotes, usual: str) -> tuple[str, str]:
    """The decimal mark of a column, and a clause on what could be read otherwise.

    Args:
        marks: Evidence of its words.
        usual: The mark of the file, empty where nothing tells.
    """
    if marks.settled:
        return marks.settled, ""
    if marks.comma and marks.point:
        return ("," if marks.comma > marks.point else "."), ""
    if usual or not marks.either_comma:
        return usual or ".", ""
    example = marks.example
    return ".", f"; {example} is taken for thousands (--decimal , says otherwise)"


def _number_rules(sample: pd.Series[Any], decimal: str) -> list[tuple[str, str]]:
    """Rules that read at least half of the sample, with their reasons, simplest first."""
    kind = "quantity" if decimal == "." else "decimal_comma"
    if flags := find_flags(sample):
        told = f"numbers, some with flags behind them ({', '.join(flags[:6])}), which are left out"
        return [(f"{kind}:{NOTES}", told)]
    rules: list[tuple[str, str]] = []
    if decimal == "." and np.isfinite(parse.parse_numbers(sample)).mean() >= 0.5:
        rules.append(("number", "numbers in strings"))
    numbers, units = split_amounts(sample, decimal)
    if np.isfinite(numbers).mean() < 0.5:
        return rules
    comma = " and a decimal comma" if decimal == "," else ""
    found = pd.Series(units[np.isfinite(numbers)], dtype=object)
    for unit in sorted(set(found) & _UNITS):
        apart = sample.str.contains(rf"\d\s+{unit}\.?$")
        if apart.mean() >= 0.9:
            return [*rules, (f"{kind}:{unit}", f"numbers with the unit {unit}{comma}")]
    known = found.map(scale)
    if known.notna().mean() >= 0.9:
        plain = comma and not found.astype(bool).any()
        told = "numbers with a decimal comma" if plain else "numbers with signs, separators or "
        return [*rules, (kind, (told if plain else f"{told}suffixes{comma}") + mixed(sample))]
    unit = found.mode().iloc[0]
    if (found == unit).mean() >= 0.9:
        return [*rules, (f"{kind}:{unit}", f"numbers with the unit {unit}{comma}")]
    return rules


def _accept(tally: Tally, values: Array) -> tuple[int, list[str]] | None:
    """The rows and words that do not parse, if few enough to be accidents; else None."""
    bad = np.isnan(values)
    known = tally.words[bad].str.lower().isin(NUMBER_MISSING).to_numpy()
    odd_words = tally.words[bad].tolist()
    odd = int(tally.counts[bad].sum())
    unknown = int(tally.counts[bad][~known].sum())
    levels = len(np.unique(values[~bad]))
    share = unknown / max(tally.present, 1)
    many = levels >= 10
    if unknown == 0 and levels >= 2 and odd <= 0.9 * tally.present:
        return odd, odd_words
    if many and (share <= _TOLERATED or (len(odd_words) <= 3 and share <= 0.5)):
        return odd, odd_words
    if levels >= 3 and (unknown <= 1 or share <= 0.001) and tally.present >= 100:
        return odd, odd_words
    return None


def _reason(why: str, odd: int, words: list[str]) -> str:
    if not words:
        return why
    shown = ", ".join(f"'{w[:30]}'" for w in words[:2]) + (", ..." if len(words) > 2 else "")
    rows = counted(odd, "row")
    return f"{why}; {rows} with {shown} read as missing"


def _as_date(tally: Tally) -> Column | None:
    found = find_date_rule(tally.words, tally.counts, day_first=tally.decimal == ",")
    if found is None:
        return None
    rule, reason = found
    kind: ColumnKind = "number" if rule in ("clock", "duration") else "datetime"
    return tally.column(kind, reason, rule)


def _as_nothing(tally: Tally, rule: str) -> Column | None:
    """Constants and keys, which teach nothing; of words without blanks those that may teach."""
    if len(tally.words) == 1 and tally.present == tally.rows:
        return tally.column("set_aside", "the same value in every row", rule)
    distinct = len(tally.words) / tally.present
    return None if tally.present < 20 or distinct < 0.5 else _as_unspaced(tally, rule, distinct)


def _as_unspaced(tally: Tally, rule: str, distinct: float) -> Column | None:
    """Words without blanks that mostly differ: text of some kind, names of rows, or ids."""
    sample = tally.words.iloc[tally.sample]
    if sample.str.contains(r"\s").mean() >= 0.1 and unspaced(sample.tolist()) < 0.3:
        if distinct >= 0.95 and INDEX_NAMES.fullmatch(tally.name.lower()):
            return tally.column("set_aside", "names of the rows, saved with them", rule)
        return None
    if why := why_text(sample.tolist()):
        return tally.column("text", why, "text:characters")
    if distinct >= 0.95:
        return tally.column("set_aside", ID, rule)
    return None


def _as_text(tally: Tally) -> Column | None:
    """Several words to a value and mostly different values, or long and many."""
    sample = tally.words.iloc[tally.sample]
    width = float((sample.str.count(r"\s+") + 1).mean())
    letters = float((sample.str.count(r"[^\W\d_]") / sample.str.len()).mean())
    levels = len(tally.words)
    distinct = levels / tally.present
    if letters < 0.5 or levels < 20:
        return None
    if (width >= 2 and distinct >= 0.5) or (width >= 5 and distinct >= 0.1 and levels >= 50):
        return tally.column("text", f"free text, about {width:.0f} words each", "text")
    return None


def _as_category(tally: Tally, rule: str) -> Column:
    levels = len(tally.words)
    if levels > 0.5 * tally.present and levels > 20:
        return tally.column("category", "words, most of them in one row only", rule)
    twice = tally.words.str.casefold().duplicated()
    if twice.any():
        first = str(tally.words[twice].iloc[0])
        other = str(tally.words[tally.words.str.casefold() == first.casefold()].iloc[0])
        told = f"{CATEGORY}; some differ by case alone, such as '{other[:30]}' and '{first[:30]}'"
        return tally.column("category", told, rule)
    return tally.column("category", CATEGORY, rule)
