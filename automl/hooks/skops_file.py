"""Fitted estimators in skops files: no pickle, the same bytes for the same model."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from automl.errors import PluginError


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Make a module that is not loaded yet impossible to import for a while."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


# skops lists all estimators of scikit-learn, and so imports every package in it: this one would
# load the whole of torch.
with _hidden("sklearn.externals.array_api_compat.torch"):
    from skops.io import dumps, get_untrusted_types, load


def write_skops(estimator: Any, file: Path, trusted: Sequence[str]) -> None:
    """Write a skops file whose bytes do not depend on where objects lay in memory.

    skops names members and references by `id()`; they are renumbered in order of appearance.

    Raises:
        PluginError: The estimator holds types that are not trusted.
    """
    data = dumps(estimator)
    foreign = sorted(set(get_untrusted_types(data=data)) - set(trusted))
    if foreign:
        msg = f"not saved: the learner does not declare as trusted: {', '.join(foreign)}"
        raise PluginError(msg)
    numbers: dict[str, str] = {}

    def renumber(match: re.Match[str]) -> str:
        return numbers.setdefault(match[0], str(len(numbers)))

    with ZipFile(io.BytesIO(data)) as old, ZipFile(file, "w") as new:
        schema = old.read("schema.json").decode()
        schema = re.sub(r'(?<="__id__": )\d+|(?<="file": ")\d+', renumber, schema)
        members = {"schema.json": schema.encode()}
        for name in old.namelist():
            if name != "schema.json":
                stem, dot, suffix = name.partition(".")
                members[numbers[stem] + dot + suffix] = old.read(name)
        for name, content in members.items():
            new.writestr(ZipInfo(name), content, compress_type=ZIP_DEFLATED, compresslevel=1)


def read_skops(file: Path, trusted: Sequence[str]) -> Any:
    """The estimator in a skops file; types neither skops nor `trusted` knows are refused.

    Raises:
        UntrustedTypesFoundException: The file holds other types.
    """
    return load(file, trusted=list(trusted))
