"""Everything that a plugin brings, checked at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from automl.errors import PluginError
from automl.hooks.manager import get_host
from automl.testing.inspector import Inspector, Lab, named
from automl.testing.outcome import Outcome
from automl.testing.parts import part_checks

if TYPE_CHECKING:
    from automl.hooks.manager import Brought, Host, PluginStatus

LOADS = "loads"
LOADS_HINT = "Mend what the reason names, or install what it asks for; then check again."


def check_plugin(
    name: str,
    *,
    skip: Collection[str] = (),
    lab: Lab | None = None,
    on_outcome: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Check a plugin, or what bears the name.

    Args:
        name: A plugin (as `automl plugins list` shows it), a distribution, or a learner, metric
            or ensembler by itself.
        skip: Names of checks of learners to leave out.
        lab: Processes to share with other calls; own ones unless given.
        on_outcome: Called with each outcome as it comes.

    Raises:
        PluginError: Nothing bears the name.
        UsageError: A check to skip is unknown.
    """
    named(skip)
    host = get_host()
    brought = _chosen(host, name)
    if lab is None:
        with Lab() as own:
            if any(part.learners for _, part in brought):
                own.prepare()
            return check_plugin(name, skip=skip, lab=own, on_outcome=on_outcome)
    outcomes = []
    for outcome in _outcomes(host, brought, skip, lab):
        on_outcome(outcome)
        outcomes.append(outcome)
    return outcomes


def _chosen(host: Host, name: str) -> list[tuple[PluginStatus | None, Brought]]:
    """The plugins of that name or distribution; else the one thing of that name."""
    plugins = host.plugins
    same = canonicalize_name(name)
    chosen = [p for p in plugins if p.name == name] or [
        p for p in plugins if p.distribution and canonicalize_name(p.distribution) == same
    ]
    if chosen:
        return [(p, host.brought_by(p.name)) for p in chosen]
    for plugin in plugins:
        if (part := host.brought_by(plugin.name).only(name)) is not None:
            return [(None, part)]
    names = ", ".join(p.name for p in plugins)
    msg = f"no installed plugin, distribution or learner is called {name!r}; plugins are {names}"
    raise PluginError(msg)


def _outcomes(
    host: Host,
    chosen: list[tuple[PluginStatus | None, Brought]],
    skip: Collection[str],
    lab: Lab,
) -> Iterator[Outcome]:
    for plugin, brought in chosen:
        if plugin is not None:
            yield _loaded(plugin)
        for learner in brought.learners:
            yield from _learner(host, learner.name, skip, lab)
        called = plugin.name if plugin else ""
        parts: list[Any] = [*brought.metrics, *brought.ensemblers, *brought.readers]
        for part in parts:
            for question in part_checks(part, called):
                yield lab.judge(question)


def _loaded(plugin: PluginStatus) -> Outcome:
    if plugin.status == "ok":
        return Outcome(LOADS, plugin.name, None, "passed", plugin.reason)
    if plugin.status == "failed":
        return Outcome(LOADS, plugin.name, None, "failed", plugin.reason, LOADS_HINT)
    return Outcome(LOADS, plugin.name, None, "skipped", plugin.reason)


def _learner(host: Host, name: str, skip: Collection[str], lab: Lab) -> Iterator[Outcome]:
    entry = host.learners[name]
    if not entry.available:
        yield Outcome("available", name, None, "skipped", entry.reason)
        return
    inspector = Inspector(name, lab)
    for check, task in inspector.plan():
        if check.name not in skip:
            yield inspector.outcome(check, task)
