"""Limits of this process on the machine: its affinity mask and its cgroup, not the host."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def cpus() -> int:
    """CPUs allowed by the affinity mask and the cgroup's quota, at least 1."""
    allowed = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return max(1, min(allowed, math.ceil(_cpu_quota())))


def memory() -> int:
    """Bytes allowed by the cgroup, or all of the machine's."""
    import psutil

    return min(psutil.virtual_memory().total, _memory_limit())


def available() -> int:
    """Bytes that are free now, of what the cgroup allows or of the machine."""
    import psutil

    free = int(psutil.virtual_memory().available)
    for group in _own_cgroups():
        most, now = _read(group / "memory.max"), _read(group / "memory.current")
        if most.isdigit() and now.isdigit():
            free = min(free, int(most) - int(now) + _cached(group / "memory.stat"))
    old = CGROUP / "memory"
    most, now = _read(old / "memory.limit_in_bytes"), _read(old / "memory.usage_in_bytes")
    if most.isdigit() and now.isdigit():
        free = min(free, int(most) - int(now) + _cached(old / "memory.stat"))
    return max(free, 0)


def _cached(stat: Path) -> int:
    """Bytes of files that a cgroup would give back."""
    facts = dict(line.split()[:2] for line in _read(stat).splitlines() if " " in line)
    return int(facts.get("inactive_file", 0))


def gpus() -> int:
    """CUDA devices that the driver sees, without importing a deep-learning library."""
    if (chosen := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return len([device for device in chosen.split(",") if device.strip() not in {"", "-1"}])
    return len(list(Path("/proc/driver/nvidia/gpus").glob("*")))


def _own_cgroups() -> list[Path]:
    """The unified cgroup of this process and its ancestors, innermost first."""
    try:
        line = next(
            line
            for line in Path("/proc/self/cgroup").read_text().splitlines()
            if line.startswith("0::")
        )
    except (OSError, StopIteration):
        return [CGROUP]
    own = CGROUP / line.removeprefix("0::").lstrip("/")
    return [own, *own.parents][: len(own.relative_to(CGROUP).parts) + 1]


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _cpu_quota() -> float:
    quota = math.inf
    for group in _own_cgroups():
        share, _, period = _read(group / "cpu.max").partition(" ")
        if share.isdigit() and period.isdigit():
            quota = min(quota, int(share) / int(period))
    share, period = (_read(CGROUP / "cpu" / f"cpu.cfs_{x}_us") for x in ("quota", "period"))
    if share.isdigit() and period.isdigit():
        quota = min(quota, int(share) / int(period))
    return quota if quota != math.inf else 2**16


def _memory_limit() -> int:
    found = [_read(group / "memory.max") for group in _own_cgroups()]
    found.append(_read(CGROUP / "memory" / "memory.limit_in_bytes"))
    return min((int(text) for text in found if text.isdigit()), default=2**62)
