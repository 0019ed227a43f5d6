"""A process of its own for what needs a model after the search: it can be ended on time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CODE = "from automl.workflow.importance import main; main()"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Helper:
    """Loads libraries and models so that the driver need not, and cannot be held up.

    It is started a little before it is needed, since importing a deep-learning library takes
    seconds; it then waits for its job on stdin, and ends when that is closed.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    @property
    def started(self) -> bool:
        return self._process is not None

    def start(self, warm_up: Mapping[str, Any], threads: int) -> None:
        """Start it, unless it runs, and let it import what it will need.

        Args:
            warm_up: The first line it reads; see `automl.workflow.importance`.
            threads: CPUs that its libraries may use.
        """
        if self._process is not None:
            return
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, with our own code
            [sys.executable, "-c", CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | dict.fromkeys(THREADS, str(threads)) | {"PYTHONPATH": paths},
            start_new_session=True,  # Ctrl-C is for the driver, which then ends this
        )
        self._tell(warm_up)

    def ask(self, job: Mapping[str, Any]) -> None:
        """Hand over the job; `answer` waits for what comes of it."""
        self._tell(job)

    def answer(self, seconds: float) -> dict[str, Any] | str:
        """What it found, or why there is nothing; the process is gone afterwards.

        Args:
            seconds: How long to wait at most.
        """
        process = self._process
        if process is None:
            return "it was not started"
        began = time.monotonic()
        try:
            out, _ = process.communicate(timeout=max(seconds, 0.0))
        except subprocess.TimeoutExpired:
            waited = time.monotonic() - began
            return f"there was no time for it (not ready after {waited:.1f} s)"
        finally:
            self.stop()
        if not out:
            return f"its process ended with code {process.returncode}"
        found: dict[str, Any] | str = json.loads(out)
        return found

    def stop(self) -> None:
        """End it at once, whatever it does."""
        process = self._process
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None and not pipe.closed:
                _close(pipe)
        self._process = None

    def _tell(self, message: Mapping[str, Any]) -> None:
        stdin = None if self._process is None else self._process.stdin
        if stdin is None:
            return
        try:
            stdin.write(json.dumps(dict(message)) + "\n")
            stdin.flush()
        except BrokenPipeError:
            return  # it has ended already; `answer` tells how


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return  # closing writes what nobody reads any more
