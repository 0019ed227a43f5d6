"""Parquet files, and folders of them as one table: read from the disk, only the columns needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.errors import DataError
from automl.text import first_line

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from automl.types import Reading

MARK = b"PAR1"


def is_parquet(path: Path) -> bool:
    """True for a Parquet file, and for a folder that holds some."""
    if path.is_dir():
        return any(path.rglob("*.parquet"))
    if not path.is_file():
        return False  # a pipe can be read but once
    try:
        with path.open("rb") as file:
            return file.read(len(MARK)) == MARK
    except OSError:
        return False  # told by whoever reads it


def read_parquet(path: Path, how: Reading) -> pa.Table:
    """The table in a file, or in all files of a folder, in the order of their names.

    Names of inner folders such as `year=2024` give columns. Of a file of new rows only the columns
    of training are read.

    Raises:
        DataError: A file is damaged, or has other columns than the first.
    """
    import pyarrow as pa

    try:
        return _folder(path, how) if path.is_dir() else _file(path, how)
    except (pa.ArrowException, OSError, ValueError) as error:
        what = "does not hold one table" if path.is_dir() else "is a damaged Parquet file"
        msg = f"{path} {what}: {first_line(error)}"
        raise DataError(msg) from None


def _file(path: Path, how: Reading) -> pa.Table:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read(columns=_wanted(file.schema_arrow.names, how))


def _folder(path: Path, how: Reading) -> pa.Table:
    import pyarrow.dataset as ds

    source = ds.dataset(
        sorted(map(str, path.rglob("*.parquet"))),
        format="parquet",
        partitioning=ds.partitioning(flavor="hive"),
        partition_base_dir=str(path),
    )
    return source.to_table(columns=_wanted(source.schema.names, how))


def _wanted(names: list[str], how: Reading) -> list[str] | None:
    """The columns to read; None for all."""
    known = {*how.expected, *how.roles}
    found = [name for name in names if name.strip() in known]
    return found if how.expected and found and len(set(names)) == len(names) else None
