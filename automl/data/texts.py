"""Words that differ in every row and yet say something: text, addresses, sequences; and ids."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)
"""Letters of Thai, Lao, Burmese, Khmer, Chinese and Japanese: no blanks between words."""
_TOKEN = re.compile(r"[^\W\d_]{3,}")
_SHORTEST = 10
_SEQUENCE = 15
"""Letters of the shortest words that are taken for sequences of a small alphabet."""
_NUCLEOTIDES, _AMINO_ACIDS = 6, 25
"""Sizes of alphabets: four bases with the letters for unknown ones; twenty acids likewise."""


def unspaced(words: Sequence[str]) -> float:
    """The share of letters in scripts without blanks between words."""
    text = "".join(words)
    return len(_UNSPACED.findall(text)) / max(len(text), 1)


def why_text(words: Sequence[str]) -> str:
    """Why words without blanks are text, read by their characters; empty if they are ids.

    Args:
        words: Some of the distinct words of a column.
    """
    lengths = [len(word) for word in words]
    mean = sum(lengths) / max(len(lengths), 1)
    if unspaced(words) >= 0.3 and mean >= 6:
        return f"text without blanks between words, about {mean:.0f} characters each"
    if mean >= _SEQUENCE and _is_sequence(words):
        return f"sequences of a few letters, about {mean:.0f} each"
    if mean >= _SHORTEST and _shares_parts(words):
        return f"addresses or names made of parts that recur, about {mean:.0f} characters each"
    return ""


def _is_sequence(words: Sequence[str]) -> bool:
    letters = set("".join(words))
    if not all(word.isascii() and word.isalpha() for word in words):
        return False
    one_case = all(word.isupper() for word in words) or all(word.islower() for word in words)
    return one_case and (
        len(letters) <= _NUCLEOTIDES
        or (len(letters) <= _AMINO_ACIDS and min(map(len, words)) >= 20)
    )


def _shares_parts(words: Sequence[str]) -> bool:
    """True if most words have a part of letters that some, but not nearly all others have, too."""
    parts = [set(_TOKEN.findall(word.lower())) for word in words]
    counts = Counter(part for found in parts for part in found)
    telling = {part for part, n in counts.items() if 3 <= n < 0.9 * len(words)}
    return sum(bool(found & telling) for found in parts) >= 0.5 * len(words)
