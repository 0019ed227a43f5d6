"""The plugin host: discovers plugins, isolates their failures, and reports them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import pluggy

from automl.errors import AutoMLError, PluginError
from automl.hooks import spec
from automl.hooks.calls import T, call, checked, resolve, sentence
from automl.hooks.eligibility import applicable, check_names
from automl.hooks.entries import Declarations, LearnerEntry, Plugin, PluginStatus, entry_of
from automl.hooks.requirements import explain_extra
from automl.hooks.versions import changed_since, refusal
from automl.types import API_VERSION, Ensembler, Learner, Metric, Rung

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    import pandas as pd
    from pluggy import HookImpl

    from automl.types import Reading

__all__ = [
    "Declarations",
    "Host",
    "LearnerEntry",
    "PluginStatus",
    "applicable",
    "check_names",
    "get_host",
    "resolve",
]

GROUP = "automl"
DISABLE = "AUTOML_DISABLE_PLUGINS"
"""Environment variable: plugins to leave out, by name, separated by commas."""

_log = logging.getLogger("automl.hooks")


class Host:
    """All plugins of this process; `get_host()` is the one to use."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(spec.PROJECT)
        self._manager.add_hookspecs(spec)
        self._plugins: dict[str, Plugin] = {}
        self._found: dict[str, list[tuple[Plugin, Any]]] = {}
        self._learners: dict[str, LearnerEntry] | None = None
        self.observing = ""
        """Name of the plugin whose observer was called last."""

    @classmethod
    def discover(cls) -> Host:
        """Load every installed plugin; a failure disables that plugin alone."""
        host = cls()
        unwanted = {n.strip() for n in os.environ.get(DISABLE, "").split(",")} - {""}
        points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
        for point in points:
            host._load(point, disabled=point.name in unwanted)
        for name in sorted(unwanted - {point.name for point in points}):
            _log.warning("%s names %r, which is no installed plugin", DISABLE, name)
        return host

    def register(self, module: Any, name: str | None = None) -> None:
        """Add a plugin in this process, for tests and notebooks; a second call has no effect.

        Args:
            module: a module or any object with attributes marked by `automl.hookimpl`.
            name: name of the plugin; default the name of the module.

        Raises:
            PluginError: the plugin implements a hook wrongly, or another one has its name.
        """
        if self._manager.is_registered(module):
            return
        package = getattr(module, "__name__", type(module).__name__)
        plugin = Plugin(name or package, package)
        try:
            self._adopt(f"here:{plugin.name}", plugin, module)
        except (ValueError, PluginError, pluggy.PluginValidationError) as err:
            msg = f"plugin {plugin.name} cannot be registered: {sentence(err)}"
            raise PluginError(msg) from err

    @property
    def registered(self) -> tuple[str, ...]:
        """Modules added by `register`, which other processes must register as well."""
        return tuple(p.package for p in self._plugins.values() if p.source is None)

    @property
    def plugins(self) -> list[PluginStatus]:
        """Status of every plugin, broken and disabled ones included."""
        self._collect("automl_learners", Learner)
        return [
            PluginStatus(
                p.name,
                p.distribution,
                p.source.version if p.source else None,
                p.status,
                "; ".join(p.reasons),
            )
            for p in self._plugins.values()
        ]

    @property
    def broken(self) -> dict[str, PluginStatus]:
        """Plugins that failed before their learners were known, by name."""
        known = self.learners.keys()
        lost = {plugin.name for plugin in self._plugins.values() if plugin.undeclared}
        return {p.name: p for p in self.plugins if p.name in lost - known}

    @property
    def learners(self) -> dict[str, LearnerEntry]:
        """Every declared learner by name, unavailable ones with the reason.

        Raises:
            PluginError: two plugins declare a learner of one name.
        """
        if self._learners is None:
            unique = self._unique("automl_learners", Learner)
            self._learners = {
                name: entry_of(plugin, item) for name, (plugin, item) in unique.items()
            }
        return dict(self._learners)

    def learner(self, name: str) -> Learner:
        """Find an available learner by name.

        Raises:
            PluginError: there is no such learner, or it is unavailable.
        """
        entry = self.learners.get(name)
        if entry is None:
            msg = f"no installed plugin declares the learner {name!r}"
            raise PluginError(msg)
        if not entry.available:
            msg = f"{name}: {entry.reason}"
            raise PluginError(msg)
        return entry.learner

    def metrics(self) -> dict[str, Metric]:
        """Metrics of plugins by name; the built-in ones are in `automl.metrics`.

        Raises:
            PluginError: two plugins declare a metric of one name.
        """
        return {name: m for name, (_, m) in self._unique("automl_metrics", Metric).items()}

    def ensemblers(self) -> dict[str, Ensembler]:
        """Ensemblers of plugins by name.

        Raises:
            PluginError: two plugins declare an ensembler of one name.
        """
        return {n: e for n, (_, e) in self._unique("automl_ensemblers", Ensembler).items()}

    def declared_by(self, name: str) -> Declarations:
        """Everything that a plugin declares."""
        return Declarations(
            self._of(name, "automl_learners", Learner),
            self._of(name, "automl_metrics", Metric),
            self._of(name, "automl_ensemblers", Ensembler),
            tuple(i.function for p, i in self._implementations("automl_read") if p.name == name),
        )

    def read(self, source: str, how: Reading | None = None) -> pd.DataFrame:
        """Read a table by the first plugin that accepts `source`, else by the built-in reader.

        A reader that raises is reported and the next one asked; an `AutoMLError` is a message to
        the user and propagates.

        Args:
            source: A path, or an address that a plugin or `automl.data.read.read_table` accepts.
            how: The layout of a text file as far as it was asked for, or `Schema.reading`.

        Raises:
            DataError: The table cannot be read.
        """
        from automl.data.read import ANY, read_table

        for plugin, impl in self._implementations("automl_read"):
            try:
                table: pd.DataFrame | None = call(impl, source=source)
            except AutoMLError:
                raise
            except Exception as err:  # noqa: BLE001 - a plugin may raise anything
                plugin.tell(f"could not read {source!r}: {sentence(err)}")
                continue
            if table is not None:
                return table
        return read_table(source, how or ANY)

    def rung_finished(self, rung: Rung) -> None:
        """Notify the observers; one that raises is reported once and never stops a run."""
        for plugin, impl in self._implementations("automl_rung_finished"):
            self.observing = plugin.name
            try:
                call(impl, rung=rung)
            except (Exception, SystemExit) as err:  # noqa: BLE001 - a plugin may raise anything
                plugin.tell(f"automl_rung_finished: {sentence(err)}")

    def _load(self, point: EntryPoint, *, disabled: bool) -> None:
        plugin = Plugin(point.name, point.module, point.dist)
        key = f"{plugin.distribution}:{point.name}"
        if disabled:
            plugin.skip(f"disabled by {DISABLE}")
            self._plugins[key] = plugin
            return
        try:
            self._adopt(key, plugin, point.load())
        except (Exception, SystemExit) as err:  # noqa: BLE001 - importing a plugin may do anything
            self._plugins[key] = plugin
            plugin.undeclared = True
            plugin.fail(sentence(err))

    def _adopt(self, key: str, plugin: Plugin, module: Any) -> None:
        made_for = getattr(module, "api_version", API_VERSION)
        if reason := refusal(made_for):
            raise PluginError(reason)
        plugin.note(changed_since(made_for))
        extra = getattr(module, "extra", None)
        if extra and plugin.source and (unmet := explain_extra(plugin.source, extra)):
            plugin.skip(unmet)
            self._plugins[key] = plugin
            return
        self._manager.register(module, key)
        self._plugins[key] = plugin
        self._found.clear()
        self._learners = None
        known = sorted(n for n in vars(spec) if n.startswith("automl_"))
        hooks = [h.name for h in self._manager.get_hookcallers(module) or ()]
        for name in (n for n in hooks if n not in known):
            plugin.tell(f"{name} is no hook of this version; the hooks are {', '.join(known)}")
        if not hooks:
            plugin.tell("implements no hook; mark its functions with @automl.hookimpl")

    def _implementations(self, hook: str) -> Iterator[tuple[Plugin, HookImpl]]:
        """Implementations in calling order: `tryfirst` first, then the latest registered."""
        for impl in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            plugin = self._plugins[impl.plugin_name]
            if impl.wrapper or impl.hookwrapper:
                plugin.tell(f"{hook}: wrappers are not supported")
            else:
                yield plugin, impl

    def _collect(self, hook: str, kind: type[T]) -> list[tuple[Plugin, T]]:
        """Collect the declarations of all plugins under one hook; report plugins that raise."""
        if hook not in self._found:
            found: dict[str, list[T]] = {}
            for plugin, impl in self._implementations(hook):
                try:
                    found[impl.plugin_name] = checked(call(impl) or (), kind)
                except (Exception, SystemExit) as err:  # noqa: BLE001 - a plugin may raise anything
                    plugin.undeclared |= kind is Learner
                    plugin.fail(f"{hook}: {sentence(err)}")
            self._found[hook] = [
                (plugin, item)
                for key, plugin in self._plugins.items()
                for item in found.get(key, ())
            ]
        return self._found[hook]

    def _of(self, name: str, hook: str, kind: type[T]) -> tuple[T, ...]:
        return tuple(item for plugin, item in self._collect(hook, kind) if plugin.name == name)

    def _unique(self, hook: str, kind: type[T]) -> dict[str, tuple[Plugin, T]]:
        found: dict[str, tuple[Plugin, T]] = {}
        for plugin, item in self._collect(hook, kind):
            first, earlier = found.setdefault(item.name, (plugin, item))
            if earlier is not item:
                raise PluginError(_clash(f"{kind.__name__.lower()} {item.name!r}", first, plugin))
        return found


@cache
def get_host() -> Host:
    """The host of this process, discovered on first use."""
    return Host.discover()


def _clash(what: str, first: Plugin, second: Plugin) -> str:
    if first is second:
        return f"plugin {first.name} declares the {what} twice"
    return (
        f"two plugins declare the {what}: {first.label} and {second.label}; "
        f"uninstall one of them or set {DISABLE} to the name of one"
    )
