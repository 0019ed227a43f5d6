"""The flags of the commands that train, from the choices there are."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Annotated, Any, ForwardRef, TypeAlias

import typer

from automl.options import Command, Option, options_of

TARGET = Option(
    "same", "Column to predict.", "COL", name="target", kind=str, short="-t", usual="guessed"
)
AS_JSON = Option(
    "anew",
    "Print one JSON object instead of the table.",
    name="as_json",
    kind=bool,
    default=False,
    parameter="json",
    scale={"help": "Print scaling.json instead of sentences."},
)
QUIET = Option(
    "anew",
    "Only the result and errors; no progress.",
    name="quiet",
    kind=bool,
    default=False,
    short="-q",
)
Function: TypeAlias = Callable[..., None]


def flags_of(command: Command) -> tuple[Option, ...]:
    """All that can be chosen on the command line, in the order of `--help`."""
    return (TARGET, *options_of(command), AS_JSON.of(command), QUIET)


def takes_options(command: Command) -> Callable[[Function], Function]:
    """Decorate the function of a command with the signature that typer reads."""

    def decorate(function: Function) -> Function:
        data = typer.Argument(metavar="DATA", help="A file, or sklearn:NAME, openml:NAME.")
        parameters = [
            _parameter("context", typer.Context),
            _parameter("data", Annotated[str, data]),
            *(_parameter(o.name, _annotation(o), _default(o)) for o in flags_of(command)),
        ]
        function.__dict__["__signature__"] = Signature(parameters)
        return function

    return decorate


def _parameter(name: str, annotation: Any, default: Any = Parameter.empty) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _annotation(option: Option) -> Any:
    written = option.parse is not None or isinstance(option.kind, ForwardRef)
    kind = list[str] if option.several else str if written else option.kind
    flag = typer.Option(
        *filter(None, (option.short, option.flag)),
        metavar=option.metavar,
        min=option.least,
        max=option.most,
        help=f"{option.help} Default: {option.usual}." if option.usual else option.help,
    )
    return Annotated[kind, flag]


def _default(option: Option) -> Any:
    """The default as the help shows it; None where words or nothing stand for it."""
    if option.usual or option.several or option.default is None:
        return None
    return option.show(option.default) if option.parse else option.default
