"""Parts of messages: the first line of an error, lists of names, suggestions for a wrong name."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 300
"""Characters of an error's line that are shown: three lines of a terminal."""
CUTOFF = 0.6
"""Similarity from which a name is suggested; the default of difflib."""


def first_line(error: BaseException | str) -> str:
    """The first line of an error's text; the error's type where it has none."""
    lines = str(error).strip().splitlines()
    if lines:
        return lines[0][:LONGEST]
    return "no message" if isinstance(error, str) else type(error).__name__


def listed(names: Iterable[str], last: str = "and") -> str:
    """`a, b and c`."""
    *others, final = [*names] or [""]
    return f"{', '.join(others)} {last} {final}" if others else final


def meant(name: str, known: Iterable[str], *, cutoff: float = CUTOFF) -> list[str]:
    """Suggest up to three known names for a misspelt one, the closest first."""
    spelled = {one.lower().replace("-", "_"): one for one in known}
    close = get_close_matches(name.lower().replace("-", "_"), spelled, cutoff=cutoff)
    return [spelled[one] for one in close]


def hint(name: str, known: Iterable[str], *, cutoff: float = CUTOFF) -> str:
    """`did you mean a or b?`, or the list of known names if none is close."""
    names = [*known]
    if close := meant(name, names, cutoff=cutoff):
        return f"did you mean {listed(close, 'or')}?"
    return f"there are {', '.join(names)}"
