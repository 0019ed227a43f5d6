"""Check everything that a plugin declares."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from automl.errors import PluginError
from automl.hooks.manager import get_host
from automl.testing.contract import Outcome
from automl.testing.inspector import Inspector, WorkerPool, named
from automl.testing.parts import part_checks

if TYPE_CHECKING:
    from automl.hooks.manager import Declarations, Host, PluginStatus

LOADS = "loads"
LOADS_HINT = "Mend what the reason names, or install what it asks for; then check again."


def check_plugin(
    name: str,
    *,
    skip: Collection[str] = (),
    pool: WorkerPool | None = None,
    on_outcome: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Check a plugin, a distribution, or one thing that a plugin declares.

    Args:
        name: A plugin (as `automl plugins list` shows it), a distribution, or a learner, metric
            or ensembler.
        skip: Names of learner checks to leave out.
        pool: Worker processes shared with other calls; default a pool of its own.
        on_outcome: Called after each check with its outcome.

    Raises:
        PluginError: Nothing has this name.
        UsageError: A check to skip is unknown.
    """
    named(skip)
    host = get_host()
    brought = _chosen(host, name)
    if pool is None:
        with WorkerPool() as own:
            if any(part.learners for _, part in brought):
                own.prepare()
            return check_plugin(name, skip=skip, pool=own, on_outcome=on_outcome)
    outcomes = []
    for outcome in _outcomes(host, brought, skip, pool):
        on_outcome(outcome)
        outcomes.append(outcome)
    return outcomes


def _chosen(host: Host, name: str) -> list[tuple[PluginStatus | None, Declarations]]:
    """Plugins of that name or distribution, else the single declaration of that name."""
    plugins = host.plugins
    same = canonicalize_name(name)
    chosen = [p for p in plugins if p.name == name] or [
        p for p in plugins if p.distribution and canonicalize_name(p.distribution) == same
    ]
    if chosen:
        return [(p, host.declared_by(p.name)) for p in chosen]
    for plugin in plugins:
        if (part := host.declared_by(plugin.name).only(name)) is not None:
            return [(None, part)]
    names = ", ".join(p.name for p in plugins)
    msg = f"no installed plugin, distribution or learner is called {name!r}; plugins are {names}"
    raise PluginError(msg)


def _outcomes(
    host: Host,
    chosen: list[tuple[PluginStatus | None, Declarations]],
    skip: Collection[str],
    pool: WorkerPool,
) -> Iterator[Outcome]:
    for plugin, brought in chosen:
        if plugin is not None:
            yield _loaded(plugin)
        for learner in brought.learners:
            yield from _learner(host, learner.name, skip, pool)
        called = plugin.name if plugin else ""
        parts: list[Any] = [*brought.metrics, *brought.ensemblers, *brought.readers]
        for part in parts:
            for request in part_checks(part, called):
                yield pool.judge(request)


def _loaded(plugin: PluginStatus) -> Outcome:
    if plugin.status == "ok":
        return Outcome(LOADS, plugin.name, None, "passed", plugin.reason)
    if plugin.status == "failed":
        return Outcome(LOADS, plugin.name, None, "failed", plugin.reason, LOADS_HINT)
    return Outcome(LOADS, plugin.name, None, "skipped", plugin.reason)


def _learner(host: Host, name: str, skip: Collection[str], pool: WorkerPool) -> Iterator[Outcome]:
    entry = host.learners[name]
    if not entry.available:
        yield Outcome("available", name, None, "skipped", entry.reason)
        return
    inspector = Inspector(name, pool)
    for check, task in inspector.plan():
        if check.name not in skip:
            yield inspector.outcome(check, task)
