"""Results to stdout, as text, tables or JSON."""

from __future__ import annotations

import json
import math
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl.text import visible
from automl.units import number_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.table import Table

PIPE_WIDTH = 200
"""Width of tables in characters if stdout is no terminal: room for a leaderboard with reasons."""


def emit(text: str) -> None:
    """Write a result to stdout; end the command quietly if the pipe is closed.

    A file or a pipe gets the text as it is, a terminal nothing that it would obey.

    Raises:
        SystemExit: With code 0 if the pipe is closed (`automl leaderboard RUN | head`).
    """
    _write(visible(text) if sys.stdout.isatty() else text)


def _write(text: str) -> None:
    try:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        mute_stdout()
        raise SystemExit(0) from None


def mute_stdout() -> None:
    """Redirect stdout to the null device, so that its final flush raises no error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def emit_json(value: object) -> None:
    """Write one JSON document to stdout; nan and infinity become null."""
    text = json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False, default=str)
    emit(visible(text))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [_plain(item) for item in items]
    if hasattr(value, "item"):  # numpy scalars
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Convert a table to rows for JSON, with None for missing values."""
    import pandas as pd

    return [
        {str(key): None if pd.isna(item) else item for key, item in row.items()}
        for row in frame.astype(object).to_dict(orient="records")
    ]


def stdout_console() -> Console:
    """A rich console on stdout, wide if stdout is no terminal."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)


def emit_rich(*parts: RenderableType) -> None:
    """Write rich renderables to stdout."""
    console = stdout_console()
    with console.capture() as captured:
        for part in parts:
            console.print(_Shown(part))
    _write("\n".join(line.rstrip() for line in captured.get().splitlines()))


@dataclass(frozen=True)
class _Shown:
    """A renderable whose text a terminal can show; the styles of rich are added later."""

    part: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.part, options):
            yield segment._replace(text=visible(segment.text))


def plain_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A table of text; columns of numbers are right-aligned."""
    from rich.table import Table

    cells = [list(row) for row in rows]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(columns):
        right = bool(cells) and all(isinstance(row[number], int | float | None) for row in cells)
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in cells:
        table.add_row(*(cell_text(cell) for cell in row))
    return table


def cell_text(value: Any) -> str:
    """A cell as text; empty if the value is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number_text(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def pairs_table(pairs: Mapping[str, Any]) -> Table:
    """Names and values in two columns."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in pairs.items():
        table.add_row(name, cell_text(value))
    return table
