"""Search-space dimensions, free of any search library."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Value: TypeAlias = bool | int | float | str | None
Growth: TypeAlias = Literal["linear", "root", "log2"]


@dataclass(frozen=True, slots=True)
class Float:
    """A real number in [low, high], on a log scale if `log`."""

    low: float
    high: float
    log: bool = False

    @property
    def fault(self) -> str:
        """The fault of the range; empty if there is none."""
        return _fault(self)


@dataclass(frozen=True, slots=True)
class Int:
    """An integer in [low, high], both ends included, on a log scale if `log`."""

    low: int
    high: int
    log: bool = False

    @property
    def fault(self) -> str:
        """The fault of the range; empty if there is none."""
        return _fault(self)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few unordered options."""

    options: tuple[Value, ...]

    def __init__(self, *options: Value) -> None:
        object.__setattr__(self, "options", options)

    @property
    def fault(self) -> str:
        """The fault of the options; empty if there is none. Not all authors use a type checker."""
        options: tuple[object, ...] = self.options
        if not options:
            return "offers no option"
        for option in options:
            if not isinstance(option, Value):
                return (
                    f"offers {option!r}; options are strings, numbers, booleans or None: "
                    "Choice('a', 'b')"
                )
        return ""


Dimension: TypeAlias = Float | Int | Choice


def _fault(range_: Float | Int) -> str:
    if not range_.low <= range_.high:
        return f"runs from {range_.low} to {range_.high}; low must come first"
    if range_.log and range_.low <= 0:
        return f"is logarithmic and begins at {range_.low}; begin above 0"
    return ""


@dataclass(frozen=True, slots=True)
class Size:
    """The setting that makes a learner's model larger, which a study of model sizes changes.

    `grows` is the growth of the setting with the size of the model: "linear" (leaves, trees),
    "root" (the width of a net, whose weights grow with its square), "log2" (the depth of a tree,
    whose leaves double with each level).
    """

    setting: str
    usual: int
    """Value of the setting in configurations that do not name it."""
    grows: Growth = "linear"
    multiple: int = 1
    """Common divisor of the values of the setting."""

    @property
    def fault(self) -> str:
        """The fault of the declaration; empty if there is none."""
        if self.grows not in get_args(Growth):
            return f"grows {self.grows!r}; it may be {', '.join(get_args(Growth))}"
        for name, count in {"usual": self.usual, "multiple": self.multiple}.items():
            if count < 1:
                return f"has {name}={count}; it counts from 1"
        return ""

    def grown(self, config: Mapping[str, Value], factor: float) -> dict[str, Value]:
        """The configuration with a model about `factor` times as large."""
        now = config.get(self.setting, self.usual)
        if not isinstance(now, int | float):
            now = self.usual
        wanted = {
            "linear": now * factor,
            "root": now * math.sqrt(factor),
            "log2": now + math.log2(factor),
        }[self.grows]
        return {**config, self.setting: self.multiple * max(1, round(wanted / self.multiple))}
