"""Environment variables of Ray and Tune: set while they are needed, then as the user had them."""

from __future__ import annotations

import os
import secrets
import threading
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from automl.workers.replaced import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "1000000",
}
"""Left as they are where the user has set them."""
LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""With "0" a Ray has the loopback address on any system, not the machine's outward one."""
MODE, TOKEN = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"
WORKERS = {
    "PL_DISABLE_FORK": "1",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "__RAY_WORKER_PROCESS_SETUP_HOOK_ENV_VAR": "automl.workers.preload.preload",
}
"""Variables that Tune would give its actors, and the function that Ray calls in every worker as it
starts. Ray starts workers ahead for actors without an environment of their own alone; Tune waits
seconds for others."""

NICE = {"RAY_worker_niceness": "0"}
"""Ray's workers would yield to every other program: a fit beside one came to a stop."""
SET_BY_RAY = ("RAY_CLIENT_MODE", "PYTHONBREAKPOINT")
"""Set by Ray itself as it is imported and starts; the latter would take breakpoints to Ray."""


class _Loans:
    """The variables that are set for now; with the first loan the user's values are kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = 0
        self._before: dict[str, str | None] = {}

    def take(self, values: Mapping[str, str]) -> None:
        """Set variables."""
        with self._lock:
            self._open += 1
            for name in SET_BY_RAY:
                self._before.setdefault(name, os.environ.get(name))
            for name, value in values.items():
                self._before.setdefault(name, os.environ.get(name))
                os.environ[name] = value

    def give_back(self) -> None:
        """Restore all of them, unless another loan is open."""
        with self._lock:
            self._open -= 1
            if self._open:
                return
            for name, value in self._before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            self._before.clear()


_LOANS = _Loans()


@contextmanager
def quiet(more: Mapping[str, str] | None = None) -> Iterator[None]:
    """Keep Ray and Tune from what a command of ours does not want, for as long as the block runs.

    Args:
        more: Further variables, set whatever the user has set.
    """
    unset = {name: value for name, value in QUIET.items() if name not in os.environ}
    _LOANS.take({**unset, **(more or {})})
    try:
        yield
    finally:
        _LOANS.give_back()


def inherited() -> AbstractContextManager[None]:
    """Let actors of Tune that start in the block have the environment of their node."""
    cache = import_module("ray.tune.execution.class_cache")
    return replaced(cache, DEFAULT_ENV_VARS={}, ENV_VARS_TO_PROPAGATE=frozenset())


@contextmanager
def of_own() -> Iterator[None]:
    """Let a Ray that starts in the block listen on loopback only, and ask for a token of its own.

    Its processes inherit the variables as they start. Ray reads them when it is imported, which
    the user may have done before, so that it is made to read them again.
    """
    own = {LOOPBACK: "0", MODE: "token", TOKEN: secrets.token_hex(), **WORKERS, **NICE}
    with quiet(own):
        from ray._private import ray_constants

        with replaced(ray_constants, ENABLE_RAY_CLUSTER=False):
            read_again()
            yield


def read_again() -> None:
    """Let Ray forget the token and the mode that it has read; only while none is running."""
    core: Any = import_module("ray._raylet")
    core.Config.initialize("")
    core.AuthenticationTokenLoader.instance().reset_cache()
