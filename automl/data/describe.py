"""The lines about a schema that are printed before training."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from automl.data.numbers import NUMBER
from automl.data.strings import CATEGORY
from automl.data.words import MISSING_WORDS
from automl.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.types import Column, Schema

_MOST_NAMES = 6
_MOST_GROUPS = 12
_NOUNS = {
    "number": ("number", "numbers"),
    "category": ("category", "categories"),
    "datetime": ("date", "dates"),
    "text": ("text", "texts"),
    "image": ("image", "images"),
}
_VERBS = {
    "number": "read as numbers",
    "category": "read as categories",
    "datetime": "read as dates",
    "text": "read as text",
    "image": "read as images",
    "set_aside": "set aside",
}


def describe(schema: Schema) -> list[str]:
    """Lines that say what was inferred, guessed, parsed and set aside; a few dozen at most."""
    lines = [_target(schema), _task(schema), _features(schema)]
    if missing := _missing(schema.features):
        lines.append(missing)
    return [*lines, *schema.notes, *_decisions(schema)]


def _target(schema: Schema) -> str:
    if schema.target is None:
        return f"Target: none ({schema.target_reason}; --target NAME takes labels to score by)"
    if schema.task == "anomaly":
        return f"Labels: {schema.target} ({schema.target_reason}); they score and train nothing"
    if schema.target_reason == "as asked":
        return f"Target: {schema.target}"
    return f"Target: {schema.target} ({schema.target_reason}; --target NAME takes another)"


def _task(schema: Schema) -> str:
    text = f"Task: {schema.task} ({schema.task_reason})"
    if schema.task == "anomaly":
        told = "; an anomaly is {} (--positive LABEL takes another)"
        return text + (told.format(schema.classes[-1]) if schema.classes else "")
    if schema.task == "binary":
        return f"{text}; positive is {schema.classes[-1]!s} (--positive LABEL takes another)"
    if schema.task == "multiclass":
        shown = ", ".join(str(c) for c in schema.classes[:10])
        return f"{text}; labels {shown}" + (", ..." if len(schema.classes) > 10 else "")
    return text


def _features(schema: Schema) -> str:
    counts: Counter[str] = Counter(c.kind for c in schema.features)
    parts = [
        f"{counts[kind]:,} {nouns[counts[kind] != 1]}"
        for kind, nouns in _NOUNS.items()
        if counts[kind]
    ]
    return f"Rows: {schema.rows:,}; features: {', '.join(parts)}"


LEAST = 0.001
"""Share as which fewer missing values are shown, so that some are not shown as none."""


def _missing(columns: Sequence[Column]) -> str:
    holes = sorted((c for c in columns if c.missing > 0), key=lambda c: -c.missing)
    if not holes:
        return ""
    worst = ", ".join(f"{c.name} {max(c.missing, LEAST):.1%}" for c in holes[:3])
    words = sorted({w for c in holes for w in c.missing_words if w in MISSING_WORDS})
    written = f"; written {', '.join(words[:6])}" if words else ""
    where = counted(len(holes), "column")
    return f"Missing values in {where}, most in {worst}{written}"


def _decisions(schema: Schema) -> list[str]:
    """One line for each kind of decision that could surprise."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for column in schema.columns:
        if column.reason not in (NUMBER, CATEGORY):
            groups[column.kind, column.reason].append(column.name)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0] != "set_aside", item[0][0]))
    lines = [
        f"{_VERBS[kind].capitalize()}: {_names(names)} - {reason}"
        for (kind, reason), names in ordered
    ]
    if len(lines) > _MOST_GROUPS:
        rest = len(lines) - _MOST_GROUPS
        lines = [*lines[:_MOST_GROUPS], f"... and {rest} more decisions, all in run.json"]
    return lines


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown
