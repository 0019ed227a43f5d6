"""Search-space dimensions, free of any search library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Float:
    """A real number in [low, high], searched on a log scale if asked."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True, slots=True)
class Int:
    """An integer in [low, high], both ends included, searched on a log scale if asked."""

    low: int
    high: int
    log: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few unordered options."""

    options: tuple[Value, ...]

    def __init__(self, *options: Value) -> None:
        object.__setattr__(self, "options", options)

    @property
    def fault(self) -> str:
        """What is wrong with the options, if anything; not every author has a type checker."""
        options: tuple[object, ...] = self.options
        for option in options:
            if not isinstance(option, Value):
                return (
                    f"offers {option!r}; options are strings, numbers, booleans or None: "
                    "Choice('a', 'b')"
                )
        return ""


Dimension: TypeAlias = Float | Int | Choice
