"""Options that several commands take, spelled once."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Data: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="DATA", help="A file, or sklearn:NAME, openml:NAME."),
]
Target: TypeAlias = Annotated[
    str | None,
    typer.Option("-t", "--target", metavar="COL", help="Column to predict; guessed if absent."),
]
Learners: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Only this learner; may be repeated."),
]
Excluded: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="All but this learner; may be repeated."),
]
Group: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="COL", help="Rows of one group are never split apart."),
]
Dropped: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="COL", help="Leave this column out; may be repeated."),
]
Positive: TypeAlias = Annotated[
    str | None, typer.Option(metavar="LABEL", help="The positive class of a binary target.")
]
Cpus: TypeAlias = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="CPUs to use. Default: all allowed.")
]
Gpus: TypeAlias = Annotated[
    int | None, typer.Option(min=0, metavar="N", help="GPUs to use. Default: all seen.")
]
Memory: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="Memory to use, such as 8GB. Default: all allowed."),
]
Address: TypeAlias = Annotated[
    str | None, typer.Option(metavar="ADDR", help="A Ray cluster that runs already.")
]
Seed: TypeAlias = Annotated[int, typer.Option(min=0, help="Fixes all that is random.")]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("-q", "--quiet", help="Only the result and errors; no progress.")
]
_FIELDS = {"time_limit": "seconds", "time_column": "time"}


def left_out(context: typer.Context) -> frozenset[str]:
    """The choices, by their names in `FitOptions`, that the command line does not make."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return frozenset(
        _FIELDS.get(name, name)
        for name, source in sources.items()
        if source is not None and source.name == "DEFAULT"
    )
