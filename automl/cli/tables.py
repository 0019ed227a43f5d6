"""Tables that a command is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def load_table(source: str) -> pd.DataFrame:
    """Read a table: the plugins' readers first, then the built-in ones.

    Raises:
        DataError: If it cannot be read.
    """
    from automl.data.read import read_table
    from automl.hooks.manager import get_host

    table = get_host().read(source)
    return read_table(source) if table is None else table
