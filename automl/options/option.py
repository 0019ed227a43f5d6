"""The declaration of one choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args, get_origin

from automl.errors import UsageError

Command: TypeAlias = Literal["fit", "scale"]
OnResume: TypeAlias = Literal["same", "as begun", "at least", "anew"]
"""`same`: scores would not be comparable otherwise, so another value is refused; `as begun`: may
change, and is kept where it is left out; `at least`: may grow; `anew`: of one session alone."""

NOUNS = {int: "a whole number", float: "a number", str: "a name", Path: "a path"}


@dataclass(frozen=True, slots=True)
class Option:
    """A choice: its meaning, who has it, and what becomes of it when a run goes on.

    Attributes:
        on_resume: What a run that goes on does with it.
        help: Its meaning, in a sentence or two.
        metavar: What stands for a value in the help.
        name: The field of `Options`, which also says `kind` and `default`.
        kind: Type of the values, None aside; a forward reference where a table can be one too.
        default: The value where nothing is chosen.
        parameter: Name in Python and, with dashes, of the flag: that of the field unless given.
        short: One-letter flag.
        usual: The default in words, where no value says it.
        commands: Those that have it.
        again: Whether the command that repeats a run spells it out.
        least: The smallest number it may be.
        most: The largest.
        must: What a number has to be, in words and as a test.
        parse: Reads what people write, where that is not the value itself, such as `8GB`.
        show: Writes a value as people do.
        scale: What of all this differs for `automl scale`.
    """

    on_resume: OnResume
    help: str
    metavar: str | None = None
    _: KW_ONLY
    name: str = ""
    kind: Any = None
    default: Any = None
    parameter: str = ""
    short: str = ""
    usual: str = ""
    commands: tuple[Command, ...] = ("fit", "scale")
    again: Literal["unless usual", "always", "never"] = "unless usual"
    least: int | None = None
    most: int | None = None
    must: tuple[str, Callable[[float], bool]] | None = None
    parse: Callable[[Any], Any] | None = None
    show: Callable[[Any], str] = str
    scale: Mapping[str, Any] = field(default_factory=dict)

    @property
    def flag(self) -> str:
        """Name on the command line."""
        return f"--{(self.parameter or self.name).replace('_', '-')}"

    @property
    def several(self) -> bool:
        """True if it may be repeated."""
        return get_origin(self.kind) is tuple

    @property
    def words(self) -> tuple[str, ...]:
        """The values there are, where they are few."""
        one = get_args(self.kind)[0] if self.several else self.kind
        return get_args(one) if get_origin(one) is Literal else ()

    def of(self, command: Command) -> Option:
        """The declaration as it holds for one command."""
        return replace(self, **self.scale) if command == "scale" else self

    def read(self, value: Any) -> Any:
        """The value of what was given on the command line or in Python; None leaves it open.

        Raises:
            UsageError: It cannot be read.
        """
        if self.parse is not None:
            return None if value is None else self.parse(value)
        if value is None:
            return self.default
        try:
            if self.several:
                return (value,) if isinstance(value, str) else tuple(value)
            return self.kind(value) if self.kind in {int, float, str, Path} else value
        except (TypeError, ValueError, OverflowError):
            wanted = "a name or a list of names" if self.several else NOUNS[self.kind]
            msg = f"{self.flag} is {wanted}, not {value!r}"
            raise UsageError(msg) from None

    def check(self, value: Any) -> None:
        """Refuse a value that cannot be.

        Raises:
            UsageError: It is no word of those there are, or out of range.
        """
        for word in (value if self.several else (value,)) if self.words else ():
            if word not in self.words:
                noun = self.parameter.replace("_", " ")
                msg = f"there is no {noun} {word!r}; choose from {', '.join(self.words)}"
                raise UsageError(msg)
        if value is None:
            return
        must = "" if self.least is None or value >= self.least else f"at least {self.least}"
        if self.most is not None and value > self.most:
            must = f"at most {self.most:,}"
        if self.must is not None and not self.must[1](value):
            must = self.must[0]
        if must:
            msg = f"{self.flag} is {must}, not {value:g}"
            raise UsageError(msg)

    def spelled(self, value: Any) -> list[str]:
        """The words of a command line that make this choice; none where it is left open."""
        values = value if self.several else [value]
        said = [self.show(each) for each in values if each is not None]
        return [word for each in said for word in (self.flag, each)]
