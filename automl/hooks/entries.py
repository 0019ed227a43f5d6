"""The rows that a host keeps: what each plugin is, and what each learner needs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl.hooks.requirements import explain_extra
from automl.hooks.versions import changed_since, refusal
from automl.types import Ensembler, Learner, Metric, Status

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_log = logging.getLogger("automl.hooks")


@dataclass(frozen=True, slots=True)
class PluginStatus:
    """A row of `automl plugins list`."""

    name: str
    distribution: str | None
    """None for a plugin registered in this process."""
    version: str | None
    status: Status
    """"ok", "failed", or "skipped" when it was disabled or its extra is not installed."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LearnerEntry:
    """A learner, where it comes from, and whether it can run here."""

    learner: Learner
    plugin: str
    package: str
    """The module that declares it."""
    distribution: str | None
    """None for a plugin registered in this process, which workers cannot find by themselves."""
    available: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Brought:
    """What one plugin declares."""

    learners: tuple[Learner, ...] = ()
    metrics: tuple[Metric, ...] = ()
    ensemblers: tuple[Ensembler, ...] = ()
    readers: tuple[Callable[..., Any], ...] = ()
    """Implementations of `automl_read`."""

    def only(self, name: str) -> Brought | None:
        """What of it bears the name; None if nothing does."""
        kept = Brought(
            tuple(item for item in self.learners if item.name == name),
            tuple(item for item in self.metrics if item.name == name),
            tuple(item for item in self.ensemblers if item.name == name),
        )
        return None if kept == Brought() else kept


@dataclass(slots=True)
class Plugin:
    """What the host remembers of a plugin while it lives."""

    name: str
    package: str
    source: Distribution | None = None
    status: Status = "ok"
    reasons: list[str] = field(default_factory=list)
    undeclared: bool = False
    """Whether it failed before its learners were known."""

    @property
    def distribution(self) -> str | None:
        """The distribution that brought it; None if it was registered in this process."""
        return self.source.metadata["Name"] if self.source else None

    @property
    def label(self) -> str:
        """How errors name it: its distribution, or that it has none."""
        return f"{self.name} (distribution {self.distribution or 'none, registered here'})"

    def fail(self, reason: str) -> None:
        """Mark it as failed and tell why."""
        self.status = "failed"
        self.tell(reason)

    def skip(self, reason: str) -> None:
        """Mark it as left out on purpose; only `plugins list` tells why."""
        self.status = "skipped"
        self.note(reason)

    def note(self, reason: str) -> bool:
        """Keep a reason for `plugins list`; whether it is a new one."""
        if not reason or reason in self.reasons:
            return False
        self.reasons.append(reason)
        return True

    def tell(self, reason: str) -> None:
        """Keep a reason for `plugins list` and log it, once."""
        if self.note(reason):
            _log.warning("plugin %s: %s", self.name, reason)


def entry_of(plugin: Plugin, learner: Learner) -> LearnerEntry:
    """A learner with what keeps it from running here: its API version, its space, or its needs."""
    reason = refusal(learner.api_version) or _unsound(learner)
    if not reason:
        plugin.note(changed_since(learner.api_version))
        if learner.extra and plugin.source:
            reason = explain_extra(plugin.source, learner.extra)
    return LearnerEntry(
        learner, plugin.name, plugin.package, plugin.distribution, not reason, reason
    )


def _unsound(learner: Learner) -> str:
    """What is wrong with a declared space or portfolio, which the driver would stumble over."""
    if not learner.defaults:
        return "declares no default configuration; give at least one, {} for the library's own"
    for name, dimension in learner.space.items():
        if dimension.fault:
            return f"its space for {name} {dimension.fault}"
    if learner.size is not None and learner.size.fault:
        return f"its size {learner.size.fault}"
    return ""
