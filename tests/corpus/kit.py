"""Parts that the cases share: naming a case, and seeing a table as a user is shown it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from automl.data.given import join_target
from automl.data.read import read_table
from automl.data.schema import IN_FILE, describe, infer_schema, to_features
from automl.errors import AutoMLError
from automl.types import Reading, Schema, TextLayout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

N = 60
RNG = np.random.default_rng(64)
XS = [round(float(x), 2) for x in RNG.normal(50, 9, N)]
KINDS = [["low", "high"][x > 50] for x in XS]


def case(name: str, *sources: str) -> Callable[[Any], Any]:
    """Name a test as a row of benchmarks/inputs/cases/log.md does.

    Args:
        name: Its number and what it is about.
        sources: Public reports, `owner/repo#number` each.
    """

    def named(test: Any) -> Any:
        test.case = (name, sources)
        return test

    return named


@dataclass(frozen=True)
class Seen:
    """A table as it was read."""

    table: pd.DataFrame
    schema: Schema
    features: pd.DataFrame

    @property
    def told(self) -> str:
        """All that is printed before training."""
        return "\n".join(describe(self.schema))

    @property
    def kinds(self) -> dict[str, str]:
        return {column.name: column.kind for column in self.schema.columns}

    def reason(self, name: str) -> str:
        return next(column.reason for column in self.schema.columns if column.name == name)

    def values(self, name: str) -> list[Any]:
        """Values of a feature, None where missing."""
        return [None if pd.isna(value) else value for value in self.features[name]]

    def numbers(self, name: str) -> list[Any]:
        """Values of a feature that must be a number."""
        assert self.kinds[name] == "number", (name, self.kinds[name], self.reason(name))
        return self.values(name)

    def days(self, name: str) -> list[Any]:
        """Values of a feature that must be a date, spelled as ISO does."""
        assert self.kinds[name] == "datetime", (name, self.kinds[name], self.reason(name))
        return [None if value is None else value.isoformat() for value in self.values(name)]


def of_file(path: Path, target: str | None = "kind", **asked: Any) -> Seen:
    """A file as it is read for training."""
    table = read_table(path, Reading(TextLayout(**asked)))
    table.attrs[IN_FILE] = True
    schema = infer_schema(table, target=target)
    return Seen(table, schema, to_features(schema, table))


def later(seen: Seen, path: Path) -> tuple[Seen, list[str]]:
    """A file of new rows as it is read for predictions, and what is said of it."""
    told: list[str] = []
    table = read_table(path, seen.schema.reading)
    return Seen(table, seen.schema, to_features(seen.schema, table, told.append)), told


def of_frame(X: Any, y: Any = None, **asked: Any) -> Seen:
    """A table in Python as `AutoML.fit(X, y)` takes it."""
    given = join_target(X, y)
    schema = infer_schema(given.source, target=given.target, **asked)
    return Seen(given.source, schema, to_features(schema, given.source))


def refusal(call: Callable[..., Any], *arguments: Any, **asked: Any) -> str:
    """The one sentence by which something is refused."""
    with pytest.raises(AutoMLError) as caught:
        call(*arguments, **asked)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def rows(*columns: Iterable[Any], separator: str = ",", end: str = "\n") -> str:
    """Lines of fields, quoted where they hold the separator, a quote or an end of line."""
    lines = [
        separator.join(_field(v, separator) for v in row) for row in zip(*columns, strict=True)
    ]
    return "".join(line + end for line in lines)


def _field(value: Any, separator: str) -> str:
    text = str(value)
    if any(mark in text for mark in (separator, '"', "\n", "\r")):
        return '"' + text.replace('"', '""') + '"'
    return text


def column(make: Callable[[int], Any], separator: str = ",") -> str:
    """A file of a column of N made values beside numbers and the target."""
    return f"v{separator}x{separator}kind\n" + rows(
        map(make, range(N)), XS, KINDS, separator=separator
    )


def every(n: int, word: Any, values: Sequence[Any]) -> list[Any]:
    """The values with each n-th replaced by a word."""
    return [word if i % n == 0 else value for i, value in enumerate(values)]
