"""Snapshots of the global state of a process, and the restoring of it."""

from __future__ import annotations

import logging
import os
import random
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

TORCH_THREADS = 2
"""Thread count set by `arrange`; a fit that sets one thread and leaves it so is then noticed."""


def snapshot() -> dict[str, Any]:
    """Map names to the values of global state that a fit must not change."""
    found: dict[str, Any] = {
        "NumPy's global random state": _flat(np.random.get_state()),  # noqa: NPY002 - only read
        "Python's global random state": random.getstate(),
        "os.environ": dict(os.environ),
        "the warning filters": [repr(f) for f in warnings.filters],
        "the working folder": str(Path.cwd()),
        "NumPy's error handling": np.geterr(),
        "the level of the root logger": logging.getLogger().level,
        "sys.path": list(sys.path),
        "the recursion limit": sys.getrecursionlimit(),
    }
    if torch := sys.modules.get("torch"):
        found |= {
            "torch's global random state": torch.get_rng_state().numpy().tobytes(),
            "torch's default dtype": str(torch.get_default_dtype()),
            "torch's number of threads": torch.get_num_threads(),
            "torch's gradient mode": torch.is_grad_enabled(),
            "torch's deterministic mode": torch.are_deterministic_algorithms_enabled(),
        }
    return found


def _flat(state: Any) -> tuple[Any, ...]:
    return (state[0], state[1].tobytes(), *state[2:])


def arrange(seed: int) -> None:
    """Set global state to known values and seed the global random generators."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the state that is compared
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(TORCH_THREADS)
        torch.set_grad_enabled(True)
        torch.use_deterministic_algorithms(False)


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Names of the entries that differ."""
    return [name for name, value in before.items() if after.get(name) != value]


class Restored:
    """Restores the global state of the process at the end of a block."""

    def __enter__(self) -> None:
        self._environ = dict(os.environ)
        self._folder = Path.cwd()
        self._errors = np.geterr()
        self._path = list(sys.path)
        self._level = logging.getLogger().level
        self._filters = list(warnings.filters)
        self._limit = sys.getrecursionlimit()

    def __exit__(self, *_: object) -> None:
        for name in set(os.environ) - set(self._environ):
            del os.environ[name]
        os.environ.update(self._environ)
        os.chdir(self._folder)
        np.seterr(**self._errors)
        sys.path[:] = self._path
        logging.getLogger().setLevel(self._level)
        warnings.filters[:] = self._filters  # type: ignore[index]
        sys.setrecursionlimit(self._limit)
