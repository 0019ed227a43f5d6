"""Faults of a declaration, each in one sentence, found before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, cast

from automl.hooks.calls import sentence
from automl.types import Prior

if TYPE_CHECKING:
    from automl.types import Learner, Schema

_ROWS, _COLUMNS = (1_000, 1_000_000), 10
"""A small and a large table, for which a declared memory is asked when a plugin is loaded."""
_EXAMPLE = "package.module:callable"


def unsound(learner: Learner) -> str:
    """The first fault of a declaration; empty if there is none."""
    faults = (*_search_faults(learner), *needs_faults(learner), memory_fault(learner))
    return next((fault for fault in faults if fault), "")


def _search_faults(learner: Learner) -> Iterator[str]:
    """Faults of space, portfolio and size, which the driver would stumble over."""
    if not learner.defaults:
        yield "declares no default configuration; give at least one, {} for the library's own"
    for name, dimension in learner.space.items():
        if dimension.fault:
            yield f"its space for {name} {dimension.fault}"
    if learner.size is not None and learner.size.fault:
        yield f"its size {learner.size.fault}"


def needs_faults(learner: Learner) -> Iterator[str]:
    """Faults of `libraries`, `prior`, `weights`, `warm_start`, `refits` and `scale_out`."""
    libraries, prior, scale_out = cast(  # not every author has a type checker
        "tuple[object, object, object]", (learner.libraries, learner.prior, learner.scale_out)
    )
    if not isinstance(libraries, tuple | list) or not all(map(_is_module, libraries)):
        yield f"its libraries are {libraries!r}; give names of top-level modules: ('sklearn',)"
    if prior is not None and not isinstance(prior, Prior):
        yield f"its prior is {prior!r}; give automl.Prior(share, source)"
    elif prior is not None and prior.fault:
        yield f"its prior {prior.fault}"
    for name in ("weights", "warm_start", "refits"):
        claim = getattr(learner, name)
        if not isinstance(claim, bool):
            yield f"its {name} is {claim!r}; give True or False"
    if learner.refits is True and learner.fidelity is None:
        yield "it refits, and names no fidelity that counts its steps"
    if scale_out is not None and not _is_path(scale_out):
        yield f"its scale_out is {scale_out!r}; name a factory as {_EXAMPLE!r}"


def memory_fault(learner: Learner, rows: Sequence[int] = _ROWS, columns: int = _COLUMNS) -> str:
    """The fault of a declared memory on tables of these rows, rising; empty if there is none."""
    ask: Any = learner.memory
    if ask is None:
        return ""
    if not callable(ask):
        return f"its memory is {ask!r}; give a function of rows and columns"
    before, at_least = 0, 0.0
    for count in rows:
        try:
            size = ask(count, columns)
        except Exception as err:  # noqa: BLE001 - a plugin may raise anything
            return f"its memory({count}, {columns}) raises {sentence(err)}"
        if not isinstance(size, Real) or not 0 < float(size) < math.inf:
            return f"its memory({count}, {columns}) is {size!r}; give bytes, a number above 0"
        if float(size) < at_least:
            return f"its memory is smaller for {count} rows than for {before}"
        before, at_least = count, float(size)
    return ""


def peak_memory(learner: Learner, schema: Schema, rows: int, columns: int) -> int:
    """Peak bytes of a fit on a table of that shape, beyond its view; 0 for not known.

    A learner of plugin API 1 says it in its resources, the same for all tables.
    """
    if learner.memory is None:
        return learner.resources(schema).memory
    return math.ceil(learner.memory(rows, columns))


def _is_module(name: object) -> bool:
    """True for the name of a top-level module."""
    return isinstance(name, str) and name.isidentifier()


def _is_path(path: object) -> bool:
    """True for `"package.module:callable"`."""
    if not isinstance(path, str):
        return False
    module, colon, attribute = path.partition(":")
    parts = (*module.split("."), *attribute.split("."))
    return bool(colon) and all(part.isidentifier() for part in parts)
