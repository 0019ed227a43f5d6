"""`automl doctor`: check the machine and the installation."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl.cli.output import emit_json, emit_rich, plain_table
from automl.units import GIGABYTE, format_size

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARIES = ("numpy", "pandas", "scikit-learn", "skops", "ray", "optuna", "typer")
OPTIONAL = ("torch", "xgboost", "lightgbm", "catboost", "keras")
SCARCE = 2 * GIGABYTE
"""Memory or disk below which a note is shown, by choice."""
QUERY_SECONDS = 20
"""Time limit of nvidia-smi, which takes seconds to start on a machine with many GPUs."""
SHARED = Path("/dev/shm")  # noqa: S108 - Ray's object store, looked at only


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding, with advice if something is wrong."""

    name: str
    value: str
    status: str = "ok"
    """"ok", "note" (works, with limitations) or "bad" (nothing can be trained)."""
    advice: str = ""


def doctor(
    address: Annotated[
        str | None,
        typer.Option(metavar="ADDR", help="A Ray cluster: what a fit would use of it."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list.")] = False,
) -> None:
    """Check this machine and what is installed, or a Ray cluster.

    Versions, CPUs, memory, GPU, Ray, disk and plugins, of a cluster its nodes; exits 1 if nothing
    can be trained.
    """
    findings = [*_versions(), *_machine(), *_ray(), *_disk(), *_plugins()]
    if address is not None:
        findings += _cluster(address)
    if as_json:
        emit_json([asdict(finding) for finding in findings])
    else:
        rows = ((f.status if f.status != "ok" else "", f.name, f.value, f.advice) for f in findings)
        emit_rich(plain_table(("", "what", "found", "advice"), rows))
    if any(finding.status == "bad" for finding in findings):
        raise typer.Exit(1)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _versions() -> Iterator[Finding]:
    from automl import __version__

    yield Finding("automl", __version__)
    yield Finding("Python", f"{platform.python_version()} on {platform.platform(terse=True)}")
    for name in LIBRARIES:
        found = _installed(name)
        if found is None:
            yield Finding(name, "missing", "bad", f"pip install {name}")
        else:
            yield Finding(name, found)
    for name in OPTIONAL:
        found = _installed(name)
        if found is not None:
            yield Finding(name, found)


def _machine() -> Iterator[Finding]:
    from automl.workers.limits import cpus, memory

    yield Finding("CPUs", f"{cpus()} of {os.cpu_count()} may be used")
    size = memory()
    if size < SCARCE:
        yield Finding("memory", format_size(size), "note", "large tables may not fit")
    else:
        yield Finding("memory", format_size(size))
    yield _gpu()


def _gpu() -> Finding:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Finding("GPU", "none seen (no nvidia-smi)")
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed query to the tool found above
            [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=QUERY_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("GPU", f"nvidia-smi fails: {error}", "note", "deep learners use the CPU")
    names = "; ".join(answer.stdout.strip().splitlines())
    if names and "+cpu" in (_installed("torch") or ""):
        return Finding("GPU", names, "note", "the installed torch is built for the CPU only")
    return Finding("GPU", names or "none")


def _ray() -> Iterator[Finding]:
    if find_spec("ray") is None:
        yield Finding("Ray Tune", "missing", "bad", "pip install 'ray[tune]'")
        return
    try:
        import ray.tune  # noqa: F401 - importing it is the check
    except Exception as error:  # noqa: BLE001 - whatever it raises is the finding
        yield Finding("Ray Tune", f"cannot be imported: {error}", "bad", "pip install 'ray[tune]'")
        return
    yield Finding("Ray Tune", "can be imported")


def _cluster(address: str) -> list[Finding]:
    """The nodes of a cluster: those that a fit would use, and those that it would set aside."""
    from automl.errors import UsageError
    from automl.workers.cluster import Cluster

    cluster = Cluster(address=address)
    try:
        workers, roster = cluster.workers, cluster.roster
    except UsageError as error:
        return [Finding("cluster", address, "bad", str(error))]
    finally:
        cluster.stop()
    if roster is None:
        return []
    used = {node.id for node in workers.nodes}
    found = [Finding("cluster", f"{workers.slots} fits at once on {workers.cpus} CPUs")]
    for name, node in roster.machines.items():
        parts = [_count(node.cpus, "CPU")] + [_count(node.gpus, "GPU")] * bool(node.gpus)
        value = f"{', '.join(parts)}, {format_size(node.memory)}"
        why = roster.aside.get(name, "")
        if name in used:
            found.append(Finding(f"node {node.name}", f"{value}: used"))
        else:
            found.append(Finding(f"node {node.name}", f"{value}: set aside", "note", why))
    return found


def _count(many: int, noun: str) -> str:
    return f"{many} {noun}{'s' * (many != 1)}"


def _disk() -> Iterator[Finding]:
    folders = {"temporary folder": Path(tempfile.gettempdir()), "shared memory": SHARED}
    for name, folder in folders.items():
        if not folder.is_dir():
            continue
        free = shutil.disk_usage(folder).free
        value = f"{format_size(free)} free in {folder}"
        if free < SCARCE:
            yield Finding(name, value, "note", "large tables may not fit: free some space")
        else:
            yield Finding(name, value)


def _plugins() -> Iterator[Finding]:
    from automl.hooks.manager import get_host

    host = get_host()
    for plugin in host.plugins:
        advice = "" if plugin.status == "ok" else plugin.reason
        value = f"{plugin.distribution or 'this process'} {plugin.version or ''}, {plugin.status}"
        yield Finding(f"plugin {plugin.name}", value, "note" if advice else "ok", advice)
    available = [entry for entry in host.learners.values() if entry.available]
    status = "ok" if available else "bad"
    advice = "" if available else "install a plugin, or unset AUTOML_DISABLE_PLUGINS"
    value = f"{len(available)} of {len(host.learners)} available"
    yield Finding("learners", value, status, advice)
    for entry in host.learners.values():
        if not entry.available:
            yield Finding(f"learner {entry.learner.name}", "not available", "note", entry.reason)
