"""The lock of a run directory: one driver at a time, from its first file to its last."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from automl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "driver.lock"
"""It names the process and the machine; the kernel frees it when the process is gone."""


@contextmanager
def held(run: Path) -> Iterator[None]:
    """Hold the lock of a directory that exists; what a dead process left is taken over.

    A directory that is empty at the end goes with the lock: bad input leaves nothing behind.

    Raises:
        UsageError: Another driver, perhaps of this process, holds it.
    """
    number = _locked(run)
    try:
        os.ftruncate(number, 0)
        os.write(number, f"{os.getpid()} {socket.gethostname()}\n".encode())
        yield
    finally:
        (run / NAME).unlink(missing_ok=True)
        os.close(number)
        with suppress(OSError):  # there is something in it
            run.rmdir()


def refuse_in_use(run: Path) -> None:
    """Refuse a directory whose lock is held.

    Raises:
        UsageError: It is.
    """
    try:
        number = os.open(run / NAME, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        _lock(number, run)
    finally:
        os.close(number)


def _locked(run: Path) -> int:
    """The lock file, open and locked."""
    path = run / NAME
    while True:
        number = os.open(path, os.O_RDWR | os.O_CREAT, stat.S_IRUSR | stat.S_IWUSR)
        try:
            _lock(number, run)
            if path.exists() and os.path.samestat(os.fstat(number), path.stat()):
                return number  # else its holder removed it between the two
        except BaseException:
            os.close(number)
            raise
        os.close(number)


def _lock(number: int, run: Path) -> None:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid, _, host = os.pread(number, os.fstat(number).st_size, 0).decode().partition(" ")
        holder = f"process {pid} on {host.strip()}" if pid else "another process"
        msg = f"{run} is in use by {holder}; wait for its end, or choose another --output"
        raise UsageError(msg) from error
