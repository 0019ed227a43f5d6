"""Server processes for risky work: a hang or a crash costs one answer only."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from importlib import import_module
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

from automl.errors import PluginError
from automl.hooks.calls import resolve, sentence

START_SECONDS = 60.0
STOP_SECONDS = 5.0
"""Time that a process is given to exit by itself when it is closed."""
ORPHAN_SECONDS = 600.0
"""Time after which a call ends its process even if the parent process is gone."""
_SERVE = "import sys; from automl.testing.process import serve; serve(int(sys.argv[1]))"


class LostError(Exception):
    """A process gave no answer; the message says how the process ended."""


class Server:
    """A Python subprocess that calls functions by name, one at a time.

    The subprocess starts at the first call, and again after a loss. Functions are named
    `"package.module:function"`; arguments and results are pickled.

    Args:
        environment: Environment variables added to those of this process.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection[Any, Any] | None = None
        self._one = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, function: str, *arguments: Any, limit: float) -> Any:
        """Call a function in the subprocess and return its result.

        Args:
            function: Its name, `"package.module:function"`.
            arguments: Its arguments.
            limit: Seconds allowed.

        Raises:
            LostError: The process ended, or did not answer in time.
            PluginError: The function raised.
        """
        with self._one:
            connection = self._connection or self._start()
            connection.send((function, arguments))
            kind, value = self._answer(connection, limit)
        if kind == "error":
            raise PluginError(value)
        return value

    def close(self) -> None:
        """End the process; an idle one is first given time to exit by itself."""
        if not self._one.acquire(blocking=False):  # another thread waits for an answer
            if self._process is not None:
                self._kill(self._process)
            self._one.acquire()
        try:
            self._end()
        finally:
            self._one.release()

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            self._kill(self._process)
            self._process = None

    def _start(self) -> Connection[Any, Any]:
        ours, theirs = Pipe()
        folders = [folder or str(Path.cwd()) for folder in sys.path]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders)} | self._environment
        self._process = subprocess.Popen(  # noqa: S603 - this Python, with our own code
            [sys.executable, "-c", _SERVE, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self._connection = ours
        self._answer(ours, START_SECONDS)
        return ours

    def _answer(self, connection: Connection[Any, Any], limit: float) -> tuple[str, Any]:
        try:
            if connection.poll(limit):
                answer: tuple[str, Any] = connection.recv()
                return answer
            reason = f"no end within {limit:g} s"
        except (EOFError, ConnectionError):
            reason = self._how_it_ended()
        if self._process is not None:
            self._kill(self._process)
        self._end()
        raise LostError(reason)

    def _how_it_ended(self) -> str:
        code = self._process.wait() if self._process else 0
        if code < 0:
            return f"the process was killed by {signal.Signals(-code).name}"
        return f"the process ended with exit code {code}"

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        """Kill a process and its children."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def serve(descriptor: int) -> None:
    """Answer calls until the other end is closed."""
    connection: Connection[Any, Any] = Connection(descriptor)
    import_module("automl.testing.remote")  # before the time of the first call starts to count
    connection.send(("ready", None))
    while True:
        try:
            function, arguments = connection.recv()
        except EOFError:
            return
        faulthandler.dump_traceback_later(ORPHAN_SECONDS, exit=True)
        try:
            answer = ("value", resolve(function)(*arguments))
        except Exception as error:  # noqa: BLE001 - the caller is told
            answer = ("error", sentence(error))
        faulthandler.cancel_dump_traceback_later()
        connection.send(answer)
