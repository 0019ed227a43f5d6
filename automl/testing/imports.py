"""Libraries that a learner's factory imports, measured in a process that has imported nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from automl.testing.contract import fault_if
from automl.testing.learner_reference import pack

if TYPE_CHECKING:
    from automl.types import Learner

SLOW_IMPORT = 0.2
"""Seconds of an import that `libraries` must name: as long as handing twenty jobs to a worker."""
LIMIT = 30.0
_CLASSES = {"binary": 2, "multiclass": 3}
_MARK = "the factory begins"
# What a worker has imported before the first factory is no library's own import.
_BUILD = f"""
import sys
import cloudpickle, pandas
import automl.workers.evaluate
from automl.hooks.calls import resolve
print({_MARK!r}, file=sys.stderr, flush=True)
factory, config, tasks = cloudpickle.loads(sys.stdin.buffer.read())
for task, classes in tasks:
    resolve(factory)(dict(config), task, classes)
print(*{{name.partition(".")[0] for name in sys.modules}})
"""
_LINE = re.compile(r"import time: +(?P<own>\d+) \| +\d+ \|(?P<depth> +)(?P<name>[\w.]+)")
"""A line of `python -X importtime`: microseconds in the module itself, and with what it imports."""


@dataclass(frozen=True, slots=True)
class Import:
    """A module that was imported, by its top-level name."""

    library: str
    seconds: float
    """Spent in the module itself."""
    within: frozenset[str]
    """Top-level names of the modules that were being imported meanwhile."""


@dataclass(frozen=True, slots=True)
class Imports:
    """All that making a learner's models imported."""

    names: frozenset[str]
    """Top-level modules, those included that every worker has."""
    modules: tuple[Import, ...]

    def slow(self, libraries: Collection[str], package: str) -> dict[str, float]:
        """Installed libraries that took long and that no declared one brought along.

        Args:
            libraries: Those declared; they answer for what they import and what they require.
            package: The plugin's own, which answers for itself alone.
        """
        homes = {name: _canonical(found) for name, found in packages_distributions().items()}
        own = homes.get(package, set())
        declared = {home for name in libraries for home in homes.get(name, ())} - own
        known = own | _with_requirements(declared)
        took: dict[str, float] = defaultdict(float)
        for module in self.modules:
            foreign = module.library in homes and not known & homes[module.library]
            if foreign and module.within.isdisjoint({*libraries} - {package}):
                took[module.library] += module.seconds
        slowest = sorted(took.items(), key=lambda item: -item[1])
        return {name: seconds for name, seconds in slowest if seconds >= SLOW_IMPORT}


def measure_imports(learner: Learner) -> Imports:
    """Make a model for each task of a learner in a fresh process.

    Raises:
        FaultError: No model could be made there.
    """
    tasks = [(task, _CLASSES.get(task, 0)) for task in sorted(learner.tasks)]
    folders = [folder or str(Path.cwd()) for folder in sys.path]
    done = subprocess.run(  # noqa: S603 - this Python, on the plugin that is being checked
        [sys.executable, "-X", "importtime", "-c", _BUILD],
        input=pack((learner.factory, dict(learner.defaults[0]), tasks)),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    log = done.stderr.decode(errors="replace").splitlines()
    last = (log or ["?"])[-1]
    fault_if(done.returncode, f"making a model in a fresh process fails: {last}")
    names = done.stdout.decode().splitlines()[-1].split()
    return Imports(frozenset(names), tuple(_modules(log[log.index(_MARK) :])))


def _modules(log: Sequence[str]) -> Iterator[Import]:
    """The modules of a log, which names each after those it imported, further to the left."""
    above: list[tuple[int, str]] = []
    for match in filter(None, map(_LINE.fullmatch, reversed(log))):
        depth, library = len(match["depth"]), match["name"].partition(".")[0]
        while above and above[-1][0] >= depth:
            above.pop()
        within = frozenset(name for _, name in above)
        yield Import(library, int(match["own"]) / 1e6, within)
        above.append((depth, library))


def _with_requirements(distributions: Collection[str]) -> set[str]:
    """Distributions and those they require without extras, by canonical name."""
    found: set[str] = set()
    todo = list(distributions)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        try:
            wanted = map(Requirement, requires(name) or ())
        except PackageNotFoundError:
            continue
        todo += _canonical(
            one.name for one in wanted if not one.marker or one.marker.evaluate({"extra": ""})
        )
    return found


def _canonical(names: Iterable[str]) -> set[str]:
    return {canonicalize_name(name) for name in names}
