"""Values of later rows that cannot be read as the training rows were: told, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from automl.data import parse
from automl.data.words import NUMBER_MISSING, shown
from automl.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from automl.types import Column

_KINDS = {"number": "numbers", "datetime": "dates"}
_MOST = 0.5
"""Share of a column's values that may be unreadable; with more, most would be guesses."""
_MANY_ODD = 20
"""Odd words that a schema keeps of a column; with so many, training had more of them."""


def may_be_unreadable(column: Column, raw: pd.Series[Any]) -> bool:
    """Return whether values that are no numbers are to be read as numbers or dates."""
    return column.kind in _KINDS and not parse.is_number(raw)


def odd_values(column: Column, raw: pd.Series[Any], typed: pd.Series[Any]) -> list[str]:
    """Spellings of the values that became missing though they say something.

    Args:
        column: The column of the schema, one that may be unreadable.
        raw: (n,) values as they are.
        typed: (n,) values as they were read.
    """
    lost = typed.isna().to_numpy() & raw.notna().to_numpy()
    if not lost.any():
        return []
    words = pd.Series(parse.blank_out(parse.spell(raw[lost])).to_pandas(), dtype="str").dropna()
    known = {word.lower() for word in column.missing_words} | NUMBER_MISSING
    return [str(word) for word in words if word.lower() not in known]


def check_readable(
    column: Column, odd: Sequence[str], present: int, tell: Callable[[str], object]
) -> None:
    """Say which values of a column of numbers or dates became missing.

    Args:
        column: The column of the schema.
        odd: Its odd values.
        present: All of its values that are not missing.
        tell: Is told of a few odd values.

    Raises:
        DataError: Most values cannot be read, so that they are written otherwise.
    """
    if not odd:
        return
    what = f"{column.name!r}: {len(odd):,} of {present:,} values, such as {shown(odd[0])},"
    kind = _KINDS[column.kind]
    many = len(odd) > _MOST * present and len(set(odd)) > 1
    if many and len(column.missing_words) < _MANY_ODD:
        msg = (
            f"{what} cannot be read as the {kind} of the training rows ({column.reason}); write "
            "them as there."
        )
        raise DataError(msg)
    tell(f"{what} cannot be read as {kind} and count as missing")
