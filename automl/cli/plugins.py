"""`automl plugins`: list the plugins, check one, or start a new one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from automl.cli import new_plugin
from automl.cli.check import check
from automl.cli.output import emit_json, emit_rich, plain_table

COLUMNS = ("name", "distribution", "version", "status", "reason")

app = typer.Typer(help="List the plugins, check one, or start one.", rich_markup_mode=None)


@app.callback()
def _plugins() -> None:
    """List the plugins, check one, or start one."""


@app.command("list")
def list_plugins(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list.")] = False,
) -> None:
    """List the plugins that are installed, also those disabled or broken, with the reason."""
    from automl.hooks.manager import get_host

    rows = [asdict(status) for status in get_host().plugins]
    if as_json:
        emit_json(rows)
    else:
        emit_rich(plain_table(COLUMNS, ([row[name] for name in COLUMNS] for row in rows)))


app.command("check")(check)
app.command("new")(new_plugin.new)
