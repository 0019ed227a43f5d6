"""Parts of messages: text that a terminal can show, lines of errors, counts, lists, suggestions."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 300
"""Characters of an error's line that are shown: three lines of a terminal."""
CUTOFF = 0.6
"""Similarity from which a name is suggested; the default of difflib."""

_COMMANDS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ud800-\udfff]"
)
"""Characters that command a terminal or turn the direction of text: all control characters but
tab and line feed, bidirectional marks, separators of lines, and lone surrogates."""


def visible(text: str) -> str:
    r"""The text with characters that a terminal would obey spelled out as in JSON: `\u001b`.

    Names of columns, labels and the words of libraries come from files that anybody may have
    written; what is shown of them goes through here.
    """
    return _COMMANDS.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def first_line(error: BaseException | str) -> str:
    """The first line of an error's text; the error's type where it has none."""
    lines = str(error).strip().splitlines()
    if lines:
        return visible(lines[0])[:LONGEST]
    return "no message" if isinstance(error, str) else type(error).__name__


def counted(number: int, noun: str) -> str:
    """`1 line`, `2,000 lines`."""
    return f"{number:,} {noun}" + "s" * (number != 1)


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
