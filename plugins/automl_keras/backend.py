"""Keras, imported once, on the backend that the user wants."""

from __future__ import annotations

import os
import random
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARIABLE = "KERAS_BACKEND"
_DEFAULT = "torch"


def _import_keras() -> Any:
    """Keras reads its backend when it is first imported; the environment stays as it was."""
    unset = _VARIABLE not in os.environ
    if unset:
        os.environ[_VARIABLE] = _DEFAULT
    try:
        import keras
    finally:
        if unset:
            del os.environ[_VARIABLE]
    return keras


keras = _import_keras()


@contextmanager
def _unbothered() -> Iterator[None]:
    """Keras 3.15 asks torch's tensors for arrays in a way that NumPy 2 no longer likes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        yield


@contextmanager
def _undrawn() -> Iterator[None]:
    """Keras draws seeds from Python's and NumPy's global generators, whatever seeds it is given."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is what Keras uses
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002 - the same


@contextmanager
def place(device: str, threads: int) -> Iterator[None]:
    """Work on "cpu" or "cuda" with so many threads; on leaving all global state is as it was.

    Only torch can change its threads once it runs; other backends keep to what the process has.
    """
    name = "gpu" if device.startswith("cuda") else "cpu"
    if keras.backend.backend() != "torch":
        with keras.device(f"{name}:0"), _undrawn():
            yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, threads))
    try:
        # Without a number: moved to "cpu:0", torch's parameters would no longer be parameters.
        # Keras feeds torch through a DataLoader, which draws from the global state.
        with keras.device(name), torch.random.fork_rng(devices=[]), _undrawn(), _unbothered():
            yield
    finally:
        torch.set_num_threads(before)
