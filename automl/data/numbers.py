"""Columns of numbers: quantities, running numbers, constants, codes of things."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from automl.data.words import INDEX_NAMES, names_a_code, names_a_numbered_thing
from automl.types import Column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.types import Array

_BLOCK_CELLS = 4_000_000
_SORTED_ROWS = 5_000
"""Up to here levels are counted by sorting whole blocks, above by hashing column by column."""
EXACT = 2.0**53
"""Beyond it float64 does not tell whole numbers apart: so many digits are a code."""
_NEARLY_ALL = 0.95
_MANY = 30
"""Distinct values from which unnamed integers may be ids."""
_COMPANY = 3
_MOST_JUDGED = 500

_MARKS = frozenset(sign * (10.0**k - 1) for sign in (1, -1) for k in range(2, 7))
"""99, -999, 9999 and the like: what people write for missing among numbers."""
_MARKED_LEVELS = 5
"""Distinct values up to which each may be as far from the others."""

NUMBER = "numbers"
"""The reason of a column that needs no explaining."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Counts and habits of one column of numbers."""

    rows: int
    present: int
    levels: int
    low: float
    high: float
    whole: bool
    """All values are integers."""

    @property
    def repeats(self) -> float:
        """Rows per distinct value."""
        return self.present / max(self.levels, 1)

    @property
    def spread(self) -> float:
        """Mean distance between neighbouring distinct values; 1 for a gapless range."""
        return (self.high - self.low) / max(self.levels - 1, 1)


def profile_columns(frame: pd.DataFrame) -> list[Profile]:
    """Profiles of (n, d) numeric columns, made in blocks; infinities count as missing."""
    per_block = max(1, _BLOCK_CELLS // max(len(frame), 1))
    profiles: list[Profile] = []
    for start in range(0, frame.shape[1], per_block):
        block = frame.iloc[:, start : start + per_block]
        profiles += profile_block(block.to_numpy(np.float64, na_value=np.nan))
    return profiles


def profile_block(values: Array) -> list[Profile]:
    """Profiles of the columns of an (n, d) float64 block."""
    ok = np.isfinite(values)
    present = ok.sum(axis=0)
    full = bool((present == len(values)).all())
    low = (values if full else np.where(ok, values, np.inf)).min(axis=0, initial=np.inf)
    high = (values if full else np.where(ok, values, -np.inf)).max(axis=0, initial=-np.inf)
    same = values == np.trunc(values)
    whole = (same if full else same | ~ok).all(axis=0)
    levels = _levels(values, ok)
    rows = len(values)
    return [
        Profile(rows, *facts)
        for facts in zip(
            present.tolist(), levels, low.tolist(), high.tolist(), whole.tolist(), strict=True
        )
    ]


def _levels(values: Array, ok: Array) -> list[int]:
    if len(values) <= _SORTED_ROWS:
        ordered = np.sort(np.where(ok, values, np.nan), axis=0)
        steps: Array = (ordered[1:] > ordered[:-1]).sum(axis=0) + ok.any(axis=0)
        return [int(k) for k in steps]
    columns = (np.ascontiguousarray(values[:, j]) for j in range(values.shape[1]))
    return [
        len(pd.unique(column[mask] if not mask.all() else column))
        for column, mask in zip(columns, ok.T, strict=True)
    ]


def judge_number(name: str, facts: Profile, parse: str, reason: str) -> Column:
    """Decide on one column of numbers by what it holds and what it is called.

    Args:
        name: The column's name.
        facts: Its profile.
        parse: The rule that made the numbers.
        reason: Why that rule, or `NUMBER`.
    """
    column = Column(
        name,
        "number",
        reason,
        parse,
        missing=(facts.rows - facts.present) / max(facts.rows, 1),
        levels=facts.levels,
    )
    if why := _useless(name, facts):
        return replace(column, kind="set_aside", reason=why)
    if facts.whole and facts.levels > 2 and facts.levels < facts.present:
        if names_a_code(name):
            return as_code(column, "whole numbers that name things, by the column's name")
        if names_a_numbered_thing(name) and facts.levels >= 20 and facts.spread >= 20:
            return as_code(column, "whole numbers with wide gaps that name things")
    return column


def remark_on(facts: Profile, series: pd.Series[Any]) -> str:
    """A clause on values that may stand for missing, or lose their last digits; mostly empty."""
    if facts.levels <= _MARKED_LEVELS:
        return ""
    inexact = max(abs(facts.low), abs(facts.high)) > EXACT
    if inexact and pd.api.types.is_integer_dtype(series.dtype):
        return "; beyond 2^53 the last digits are lost: give codes as words"
    for mark in {facts.low, facts.high} & _MARKS:
        values = series.to_numpy(np.float64, na_value=np.nan)
        others = values[np.isfinite(values) & (values != mark)]
        low, high = float(others.min()), float(others.max())
        rows = int((values == mark).sum())
        if rows > 1 and min(abs(mark - low), abs(mark - high)) > high - low:
            return (
                f"; {mark:g} in {rows:,} rows is far from all others: leave those cells empty if "
                "it stands for missing"
            )
    return ""


def as_code(column: Column, reason: str) -> Column:
    """The column as a category of integer codes."""
    return replace(column, kind="category", parse="level", reason=reason)


def _useless(name: str, facts: Profile) -> str:
    """Why a column is set aside; empty if it is not."""
    if facts.levels == 0:
        return "no value in any row"
    if facts.levels == 1 and facts.present == facts.rows:
        return "the same value in every row"
    if not facts.whole or facts.rows < 10:
        return ""
    return _why_key(name, facts)


def _why_key(name: str, facts: Profile) -> str:
    """Why whole numbers only tell rows apart; empty if they do not."""
    if facts.levels == facts.rows and INDEX_NAMES.fullmatch(name.lower()):
        return "an index that was saved with the rows"
    width = facts.high - facts.low + 1
    if facts.levels == facts.rows and (
        width == facts.rows or (facts.rows >= 100 and width <= 3 * facts.rows)
    ):
        return "a running number, another one in every row"
    many = facts.levels > _NEARLY_ALL * facts.present
    inexact = max(abs(facts.low), abs(facts.high)) > EXACT
    if not (many or inexact) or not names_a_code(name):
        return ""
    if inexact:
        return "an id with more digits than the file keeps exactly"
    return "an id, another one in nearly every row"


def find_codes(
    columns: Sequence[Column], profiles: Mapping[str, Profile], frame: pd.DataFrame
) -> dict[str, Column]:
    """Columns of integers that look like ids of things, judged over the whole table.

    A column by itself never suffices, as an attribute of repeated things (the size of a shop)
    looks alike. So columns of repeated, wide-gapped, unround, never-zero-heavy integers count
    only when they and the columns named as codes are at least three, and most of the table's
    many-valued columns of numbers.

    Returns:
        Replacements by column name.
    """
    numbers = [c for c in columns if c.kind == "number" and c.levels >= _MANY]
    named = sum(c.kind == "category" and c.name in profiles for c in columns)
    if len(numbers) > _MOST_JUDGED or not numbers:
        return {}
    suspects = [
        c for c in numbers if c.name in profiles and _looks_coded(profiles[c.name], frame[c.name])
    ]
    alike = len(suspects) + named
    if alike < _COMPANY or 2 * alike <= len(numbers) + named:
        return {}
    why = "whole numbers with wide gaps, often repeated, in a table of such codes"
    return {c.name: as_code(c, why) for c in suspects}


def _looks_coded(facts: Profile, series: pd.Series[Any]) -> bool:
    if not facts.whole or facts.low < 0 or facts.repeats < 3 or facts.spread < 20:
        return False
    values = series.to_numpy(np.float64, na_value=np.nan)
    # A tenth of all ids end in 0; amounts that people choose or machines round do far more often.
    return bool((values == 0).mean() < 0.01 and (values % 10 == 0).mean() < 0.25)
