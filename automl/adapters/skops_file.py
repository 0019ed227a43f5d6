"""Fitted estimators in skops files: no pickle, the same bytes for the same model."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import sklearn.utils
from sklearn.base import BaseEstimator

from automl.errors import PluginError

TYPE = re.compile(r'"__class__": "([^"]+)",\s*"__module__": "([^"]+)"')
"""Names of types in the schema of a skops file; one that is missed is refused."""


@contextmanager
def _no_estimators_listed() -> Iterator[None]:
    """On import skops asks scikit-learn for all its estimators, to trust them.

    That imports every module of scikit-learn, PyTorch with it, and takes seconds. Whether a type
    is such an estimator is asked below, for the few types in a file.
    """
    listed = sklearn.utils.all_estimators
    sklearn.utils.all_estimators = list
    try:
        yield
    finally:
        sklearn.utils.all_estimators = listed


with _no_estimators_listed():
    from skops.io import dumps, get_untrusted_types, load


def _is_estimator(name: str) -> bool:
    """Return whether a type, by its full name, is an estimator of scikit-learn itself."""
    module, _, own = name.rpartition(".")
    if module.partition(".")[0] != "sklearn":
        return False
    try:
        found = getattr(import_module(module), own, None)
    except ImportError:
        return False  # another version of scikit-learn, or made up
    return isinstance(found, type) and issubclass(found, BaseEstimator)


def write_skops(estimator: Any, file: Path, trusted: Sequence[str]) -> None:
    """Write a skops file whose bytes do not depend on where objects lay in memory.

    skops names members and references by `id()`; they are renumbered in order of appearance.

    Raises:
        PluginError: The estimator holds types that are not trusted.
    """
    data = dumps(estimator)
    untrusted = {*get_untrusted_types(data=data)} - {*trusted}
    foreign = sorted(name for name in untrusted if not _is_estimator(name))
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
    with ZipFile(file) as saved:  # skops' own list of types takes as long as loading
        inside = {
            f"{module}.{own}" for own, module in TYPE.findall(saved.read("schema.json").decode())
        }
    return load(file, trusted=[*trusted, *sorted(filter(_is_estimator, inside))])
