"""Commands of plugins: listed by name, and imported only to run."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import typer

from automl.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.metadata import EntryPoint

GROUP = "automl.commands"
_PASS_ON = {
    "ignore_unknown_options": True,
    "allow_extra_args": True,
    "allow_interspersed_args": False,
    "help_option_names": [],
}


def add_commands(app: typer.Typer, argv: Sequence[str]) -> None:
    """Add the commands of the entry-point group `automl.commands` without importing them.

    An entry point names a `typer.Typer` application. Built-in commands cannot be replaced. Entry
    points are read only if `argv` does not name a built-in command.
    """
    taken = {info.name for info in app.registered_commands}
    taken |= {info.name for info in app.registered_groups}
    if argv and argv[0] in taken:
        return
    for entry in entry_points(group=GROUP):
        if entry.name not in taken:
            taken.add(entry.name)
            help_text = f"From the plugin {entry.dist.name if entry.dist else entry.value}."
            app.command(
                entry.name, help=help_text, add_help_option=False, context_settings=_PASS_ON
            )(_forward(entry))


def _forward(entry: EntryPoint) -> Callable[[typer.Context], object]:
    def command(context: typer.Context) -> object:
        try:
            app = entry.load()
        except Exception as error:
            msg = f"the command {entry.name} ({entry.value}) cannot be loaded: {error}"
            raise PluginError(msg) from error
        if not isinstance(app, typer.Typer):
            msg = f"the command {entry.name} ({entry.value}) is not a typer.Typer application"
            raise PluginError(msg)
        return typer.main.get_command(app).main(
            args=context.args, prog_name=f"automl {entry.name}", standalone_mode=False
        )

    return command
