"""A lease of this machine's CPUs: fits of one user that run at once do not share a core.

Each CPU has a lock file, which the kernel frees when the process that holds it is gone. Whoever
waits stands in a line, and nobody overtakes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from automl.workers import limits
from automl.workers.tasks import CHECK_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = "AUTOML_LEASES"
"""Environment variable: another folder for the lock files; "0" lets fits run side by side."""


@dataclass(slots=True)
class Lease:
    """CPUs that a fit has to itself."""

    cpus: int | None = None
    """Their number; None for as many as it asked for."""
    memory_share: float = 1.0
    """Part of the machine's memory that goes with them."""
    waited: float = 0.0
    """Seconds until it had them."""
    _files: list[int] = field(default_factory=list)

    def end(self) -> None:
        """Give them back."""
        while self._files:
            os.close(self._files.pop())


_own = threading.local()


@contextmanager
def leased(cpus: int | None, say: Callable[[str], None]) -> Iterator[Lease]:
    """Wait for CPUs, and have them for the block; a fit within another has those of that one.

    Args:
        cpus: CPUs that are asked for; None takes what is free, if anything is.
        say: Hears why it waits, or that it has fewer than all.
    """
    outer: Lease | None = getattr(_own, "lease", None)
    folder = _folder()
    if outer is not None or folder is None:
        yield Lease()
        return
    lease = _own.lease = _take(folder, cpus, say)
    try:
        yield lease
    finally:
        _own.lease = None
        lease.end()


def _folder() -> Path | None:
    """The folder of the lock files, for this user alone; None where there is to be no lease."""
    told = os.environ.get(FOLDER, "")
    if told == "0":
        return None
    usual = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(told or Path(usual) / f"automl-leases-{os.getuid()}")
    with contextlib.suppress(OSError):
        folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        if folder.stat().st_uid == os.getuid():
            return folder
    return None


def _take(folder: Path, cpus: int | None, say: Callable[[str], None]) -> Lease:
    """Stand in the line until there are enough."""
    began, all_ = time.monotonic(), _numbers()
    least = 1 if cpus is None else min(cpus, len(all_))
    most = len(all_) if cpus is None else least
    try:
        line = _locked(folder / "line", say)
        try:
            held = _locked_of(folder, all_, most)
            if len(held) < least:
                say(_waiting(folder, all_))
            while len(held) < least:
                for number in held:
                    os.close(number)
                time.sleep(CHECK_SECONDS)
                held = _locked_of(folder, all_, most)
        finally:
            os.close(line)
    except OSError:  # a file system without locks, or none at all: nobody waits
        return Lease()
    waited = time.monotonic() - began
    if cpus is None and len(held) < len(all_):
        say(f"{len(held)} of {len(all_)} CPUs are free, other fits have the rest: {len(held)} used")
        return Lease(len(held), len(held) / len(all_), waited, held)
    return Lease(None, 1.0, waited, held)


def _numbers() -> list[int]:
    """The numbers of the CPUs that may be used."""
    most = limits.cpus()
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))[:most]
    return list(range(most))


def _locked_of(folder: Path, numbers: list[int], most: int) -> list[int]:
    """Lock as many of the free CPUs as are wanted; give their files."""
    held: list[int] = []
    for number in numbers:
        if len(held) == most:
            break
        file = _open(folder / f"cpu-{number}")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        held.append(file)
    return held


def _locked(path: Path, say: Callable[[str], None]) -> int:
    """The file of the line, locked once those ahead are through."""
    file = _open(path)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Other fits of yours wait for CPUs; this one begins, and its clock, after them")
            fcntl.flock(file, fcntl.LOCK_EX)
    except BaseException:
        os.close(file)
        raise
    return file


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, stat.S_IRUSR | stat.S_IWUSR)


def _waiting(folder: Path, numbers: list[int]) -> str:
    """The sentence of whoever waits."""
    found = set()
    for number in numbers:
        with contextlib.suppress(OSError):
            found.add((folder / f"cpu-{number}").read_text())
    pids = " and ".join(sorted(pid for pid in found - {str(os.getpid())} if pid.isdigit()))
    whom = f" (process {pids})" if pids else ""
    return (
        f"Another fit of yours has the CPUs{whom}; this one begins, and its clock, when they are "
        f"free ({FOLDER}=0 lets both run at once)"
    )
