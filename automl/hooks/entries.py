"""Records of the host on plugins and learners."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl.hooks.declarations import unsound
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
    """"ok", "failed", or "skipped" if the plugin is disabled or its extra is not installed."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LearnerEntry:
    """A learner with its origin and its availability on this machine."""

    learner: Learner
    plugin: str
    package: str
    """The module that declares the learner."""
    distribution: str | None
    """None for a plugin registered in this process, which other processes cannot discover."""
    available: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Declarations:
    """Everything that one plugin declares."""

    learners: tuple[Learner, ...] = ()
    metrics: tuple[Metric, ...] = ()
    ensemblers: tuple[Ensembler, ...] = ()
    readers: tuple[Callable[..., Any], ...] = ()
    """Implementations of `automl_read`."""

    def only(self, name: str) -> Declarations | None:
        """The declarations of that name; None if there is none."""
        kept = Declarations(
            tuple(item for item in self.learners if item.name == name),
            tuple(item for item in self.metrics if item.name == name),
            tuple(item for item in self.ensemblers if item.name == name),
        )
        return None if kept == Declarations() else kept


@dataclass(slots=True)
class Plugin:
    """State of a plugin in the host."""

    name: str
    package: str
    source: Distribution | None = None
    status: Status = "ok"
    reasons: list[str] = field(default_factory=list)
    undeclared: bool = False
    """True if the plugin failed before its learners were known."""

    @property
    def distribution(self) -> str | None:
        """The distribution of the plugin; None if it was registered in this process."""
        return self.source.metadata["Name"] if self.source else None

    @property
    def label(self) -> str:
        """Name of the plugin in errors, with its distribution."""
        return f"{self.name} (distribution {self.distribution or 'none, registered here'})"

    def fail(self, reason: str) -> None:
        """Mark the plugin as failed, and log the reason."""
        self.status = "failed"
        self.tell(reason)

    def skip(self, reason: str) -> None:
        """Mark the plugin as skipped on purpose; only `plugins list` shows the reason."""
        self.status = "skipped"
        self.note(reason)

    def note(self, reason: str) -> bool:
        """Keep a reason for `plugins list`; return True if it is new."""
        if not reason or reason in self.reasons:
            return False
        self.reasons.append(reason)
        return True

    def tell(self, reason: str) -> None:
        """Keep a reason for `plugins list`, and log it once."""
        if self.note(reason):
            _log.warning("plugin %s: %s", self.name, reason)


def entry_of(plugin: Plugin, learner: Learner) -> LearnerEntry:
    """Check the API version, the declaration and the requirements of a learner."""
    reason = refusal(learner.api_version) or unsound(learner)
    if not reason:
        plugin.note(changed_since(learner.api_version))
        if learner.extra and plugin.source:
            reason = explain_extra(plugin.source, learner.extra)
    return LearnerEntry(
        learner, plugin.name, plugin.package, plugin.distribution, not reason, reason
    )
