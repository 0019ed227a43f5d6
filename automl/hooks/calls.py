"""Calls into plugins, and one-line descriptions of their errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from automl.errors import AutoMLError, PluginError
from automl.types import Ensembler, Learner, Metric

if TYPE_CHECKING:
    from pluggy import HookImpl

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

T = TypeVar("T", Learner, Metric, Ensembler)


def resolve(factory: str | Callable[..., Any]) -> Callable[..., Any]:
    """Import the callable named `"package.module:callable"`; return a callable as it is.

    Raises:
        PluginError: the name cannot be imported, or is not callable.
    """
    if not isinstance(factory, str):
        return factory
    module, _, path = factory.partition(":")
    try:
        found = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except Exception as err:
        msg = f"cannot load {factory!r}: {sentence(err)}"
        raise PluginError(msg) from err
    if not callable(found):
        msg = f"{factory!r} is not callable"
        raise PluginError(msg)
    return found


def call(impl: HookImpl, **arguments: Any) -> Any:
    """Call one hook implementation with the arguments in its signature."""
    return impl.function(*(arguments[name] for name in impl.argnames))


def checked(declared: Iterable[Any], kind: type[T]) -> list[T]:
    """Validate the declarations of a hook and return them as a list.

    Raises:
        PluginError: an item is of another kind, or its name is unsuitable for a file name.
    """
    items = list(declared)
    for item in items:
        if not isinstance(item, kind):
            msg = f"declares {item!r}, which is no {kind.__name__}"
            raise PluginError(msg)
        if not _NAME.fullmatch(item.name):
            msg = f"declares the name {item.name!r}; use letters, digits and underscores"
            raise PluginError(msg)
    return items


def sentence(err: BaseException) -> str:
    """An exception in one line."""
    text = " ".join(str(err).split())
    return text if isinstance(err, AutoMLError) else f"{type(err).__name__}: {text}".rstrip(": ")
