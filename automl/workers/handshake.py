"""The handshake with a machine: whether what is installed there is what the driver has."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from automl import __version__
from automl.hooks.manager import get_host
from automl.workers.evaluate import register

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


@dataclass(frozen=True, slots=True)
class Installed:
    """The installation of a machine, as far as fits depend on it."""

    python: str
    automl: str
    plugins: dict[str, str] = field(default_factory=dict)
    """Plugins that work -> their versions."""
    declares: dict[str, str] = field(default_factory=dict)
    """Learners -> their plugins."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Learners that are not available -> why."""


def installed(modules: tuple[str, ...] = ()) -> Installed:
    """Look at this machine.

    Args:
        modules: Plugins that the driver registered by hand.
    """
    register(modules)
    host = get_host()
    return Installed(
        ".".join(platform.python_version_tuple()[:2]),
        __version__,
        {plugin.name: plugin.version or "" for plugin in host.plugins if plugin.status == "ok"},
        {name: entry.plugin for name, entry in host.learners.items()},
        {name: e.reason for name, e in host.learners.items() if not e.available},
    )


def difference(own: Installed, other: Installed, learners: Collection[str] | None = None) -> str:
    """Say what another machine lacks of what this one has; empty where it will do.

    Args:
        own: The driver's machine.
        other: The other one.
        learners: Those that may run; all unless given.
    """
    wanted = own.declares.keys() if learners is None else own.declares.keys() & set(learners)
    return ", ".join(_differences(own, other, sorted(wanted - own.reasons.keys())))


def _differences(own: Installed, other: Installed, learners: list[str]) -> Iterator[str]:
    if own.python != other.python:
        yield f"it has Python {other.python}, not {own.python}"
    if own.automl != other.automl:
        yield f"it has automl {other.automl}, not {own.automl}"
    for name in sorted({own.declares[learner] for learner in learners}):
        version = other.plugins.get(name)
        if version is None:
            yield f"it lacks the plugin {name}"
        elif version != own.plugins.get(name):
            yield f"it has the plugin {name} {version}, not {own.plugins.get(name)}"
    lacking = [n for n in learners if n in other.reasons and own.declares[n] in other.plugins]
    if lacking:
        yield f"{', '.join(lacking)}: {other.reasons[lacking[0]]}"
