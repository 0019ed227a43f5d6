"""A reference to the learner under check that can be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from automl.errors import PluginError
from automl.hooks.calls import sentence
from automl.hooks.manager import get_host
from automl.types import Learner


@dataclass(frozen=True, slots=True)
class LearnerReference:
    """A learner by name if it is installed, else with its pickled declaration."""

    name: str
    package: str | None = None
    """The module that declares the learner; None if it is not installed."""
    declaration: bytes | None = None

    @classmethod
    def of(cls, learner: str | Learner) -> LearnerReference:
        """Refer to a learner by name or declaration.

        Raises:
            PluginError: No plugin declares the name, or the learner cannot run here.
        """
        host = get_host()
        name = learner if isinstance(learner, str) else learner.name
        entry = host.learners.get(name)
        declared = host.learner(name) if isinstance(learner, str) else learner
        if entry is not None and entry.learner is declared and entry.distribution is not None:
            return cls(name, entry.package)
        return cls(name, None, pack(declared))

    def learner(self) -> Learner:
        """The declaration, found through its plugin or unpickled."""
        if self.declaration is None:
            return get_host().learner(self.name)
        found: Learner = unpack(self.declaration)
        return found

    def register(self) -> None:
        """Register the learner with this process's host, as an installed plugin would be."""
        host = get_host()
        if self.name not in host.learners:
            host.register(_Plugin(self.learner()), name=f"checked {self.name}")


class _Plugin:
    """A plugin that declares one learner."""

    def __init__(self, learner: Learner) -> None:
        from automl.hooks.spec import hookimpl

        def automl_learners() -> list[Learner]:
            return [learner]

        self.automl_learners = hookimpl(automl_learners)


def pack(value: Any) -> bytes:
    """Pickle a value for another process, functions of a script or notebook included.

    Raises:
        PluginError: The value cannot be pickled.
    """
    try:
        data: bytes = _cloudpickle().dumps(value)
    except Exception as error:
        msg = (
            f"cannot be sent to another process ({sentence(error)}); name functions as "
            '"package.module:callable"'
        )
        raise PluginError(msg) from error
    return data


def unpack(data: bytes) -> Any:
    """Unpickle bytes from `pack`."""
    return _cloudpickle().loads(data)


def _cloudpickle() -> Any:
    return import_module("cloudpickle")
