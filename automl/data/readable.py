"""Values of later rows that cannot be read as the training rows were: told, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from automl.data import parse
from automl.data.words import NUMBER_MISSING, shown
from automl.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.types import Column

_KINDS = {"number": "numbers", "datetime": "dates"}
_MOST = 0.5
"""Share of a column's values that may be unreadable; with more, most would be guesses."""
_MANY_ODD = 20
"""Odd words that a schema keeps of a column; with so many, training had more of them."""


def check_readable(
    column: Column,
    raw: pd.Series[Any],
    typed: pd.Series[Any],
    tell: Callable[[str], object],
) -> None:
    """Say which values of a column of numbers or dates became missing.

    Args:
        column: The column of the schema.
        raw: (n,) values as they are.
        typed: (n,) values as they were read.
        tell: Is told of a few odd values.

    Raises:
        DataError: Most values cannot be read, so that they are written otherwise.
    """
    if column.kind not in _KINDS or parse.is_number(raw):
        return
    lost = typed.isna().to_numpy() & raw.notna().to_numpy()
    if not lost.any():
        return
    words = pd.Series(parse.blank_out(parse.spell(raw[lost])).to_pandas(), dtype="str").dropna()
    known = {word.lower() for word in column.missing_words} | NUMBER_MISSING
    odd = words[~words.str.lower().isin(known)]
    if not len(odd):
        return
    present = int(raw.notna().sum())
    example = shown(str(odd.iloc[0]))
    what = f"{column.name!r}: {len(odd):,} of {present:,} values, such as {example},"
    kind = _KINDS[column.kind]
    if (
        len(odd) > _MOST * present
        and len(odd.unique()) > 1
        and len(column.missing_words) < _MANY_ODD
    ):
        msg = (
            f"{what} cannot be read as the {kind} of the training rows ({column.reason}); write "
            "them as there."
        )
        raise DataError(msg)
    tell(f"{what} cannot be read as {kind} and count as missing")
