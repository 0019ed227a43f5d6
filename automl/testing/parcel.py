"""A model sent to another process, which must load it without a pickle and predict the same."""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.errors import PluginError
from automl.hooks.manager import resolve
from automl.search.objective import SCALE, read_scale
from automl.testing.outcome import told
from automl.types import View

if TYPE_CHECKING:
    from automl.search.objective import Order, RungData
    from automl.types import Array, Config, Learner, Model, Task

_MODULES = ("pickle", "_pickle", "cloudpickle", "dill")
_NAMES = ("load", "loads", "Unpickler", "_Unpickler")
"""The last two are classes, and may be subclassed by what is imported meanwhile."""
_REFUSING: set[int] = set()
"""Threads that must read no pickle now."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What another process gets to do with a model."""

    to: str
    """"reader" (a process that has fitted nothing), "cpu" (the same without a GPU) or "worker"
    (one of Ray's, which first fits by `order` on `data`)."""
    task: Task
    n_classes: int
    config: Config
    X: Any
    """Rows to predict."""
    close: float
    """Largest difference that counts as none."""
    files: dict[str, bytes] = field(default_factory=dict)
    """The saved model."""
    expected: Array | None = None
    order: Order | None = None
    data: RungData | None = None


def deliver(parcel: Parcel, learner: Learner) -> str:
    """Load the model without a pickle and predict.

    Returns:
        What went wrong, in a phrase; nothing if the prediction is as expected.
    """
    build = resolve(learner.factory)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, content in parcel.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        try:
            model: Model = build(dict(parcel.config), parcel.task, parcel.n_classes)
            with no_pickle():
                model.load(folder)
                view = View(parcel.X, None, parcel.task, parcel.n_classes)
                found = np.asarray(model.predict(view), dtype=np.float64)
            if (folder / SCALE).exists():  # what a worker answers is on the host's scale
                found = read_scale(folder).apply(found.astype(np.float32))
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            return f"loading and predicting failed: {told(error)}"
    wanted = np.asarray(parcel.expected, dtype=np.float64)
    if found.shape != wanted.shape:
        return f"the loaded model predicts shape {found.shape} instead of {wanted.shape}"
    gap = float(np.abs(found - wanted).max())
    return "" if gap <= parcel.close else f"the loaded model's predictions differ by {gap:.3g}"


@contextmanager
def no_pickle() -> Iterator[None]:
    """Refuse to read any pickle in this thread, under whatever name the reader was imported."""
    _listen()
    kept = [
        (module, name, getattr(module, name))
        for module in map(sys.modules.get, _MODULES)
        for name in _NAMES
        if module is not None and hasattr(module, name)
    ]
    for module, name, value in kept:
        refusing = type(name, (value,), {"load": _refuse}) if isinstance(value, type) else _refuse
        setattr(module, name, refusing)
    _REFUSING.add(threading.get_ident())
    try:
        yield
    finally:
        _REFUSING.clear()
        for module, name, value in kept:
            setattr(module, name, value)


def _refuse(*_: object, **__: object) -> Any:
    msg = "a pickle was read, which may run any code"
    raise PluginError(msg)


@cache
def _listen() -> None:
    """Names that other modules imported earlier cannot be replaced, but are heard."""

    def hear(event: str, _: object) -> None:
        if event == "pickle.find_class" and threading.get_ident() in _REFUSING:
            _refuse()

    sys.addaudithook(hear)
