"""Round trips of saved models: another process loads the model, without a pickle, and predicts."""

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

from automl.anomaly.scale import SCALE, read_scale
from automl.errors import PluginError
from automl.files import write_folder
from automl.hooks.manager import resolve
from automl.testing.contract import describe_error
from automl.types import View

if TYPE_CHECKING:
    from automl.types import Array, Config, Learner, Model, Task
    from automl.workers.evaluate import FitRequest, RungData

_MODULES = ("pickle", "_pickle", "cloudpickle", "dill")
_NAMES = ("load", "loads", "Unpickler", "_Unpickler")
"""The last two are classes, which modules imported meanwhile may subclass."""
_REFUSING: set[int] = set()
"""Threads that may not read pickles at the moment."""


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A saved model, and the prediction that another process must get from it."""

    to: str
    """"reader" (a process that has fitted nothing), "cpu" (such a process without a GPU) or
    "worker" (one of Ray's, which first answers `request` on `data`)."""
    task: Task
    n_classes: int
    config: Config
    X: Any
    """Rows to predict."""
    close: float
    """Tolerated difference between the predictions."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Relative path -> content, of the saved model."""
    expected: Array | None = None
    request: FitRequest | None = None
    data: RungData | None = None


def load_and_compare(trip: RoundTrip, learner: Learner) -> str:
    """Load the model without a pickle, predict, and compare.

    Returns:
        A description of the failure; empty if the prediction is as expected.
    """
    build = resolve(learner.factory)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_folder(folder, trip.files)
        try:
            model: Model = build(dict(trip.config), trip.task, trip.n_classes)
            with no_pickle():
                model.load(folder)
                view = View(trip.X, None, trip.task, trip.n_classes)
                found = np.asarray(model.predict(view), dtype=np.float64)
            if (folder / SCALE).exists():  # a worker answers on the host's scale
                found = read_scale(folder).apply(found.astype(np.float32))
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            return f"loading and predicting failed: {describe_error(error)}"
    wanted = np.asarray(trip.expected, dtype=np.float64)
    if found.shape != wanted.shape:
        return f"the loaded model predicts shape {found.shape} instead of {wanted.shape}"
    gap = float(np.abs(found - wanted).max())
    return "" if gap <= trip.close else f"the loaded model's predictions differ by {gap:.3g}"


@contextmanager
def no_pickle() -> Iterator[None]:
    """Refuse to read any pickle in this thread, by whatever name `pickle.load` was imported."""
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
    """Add an audit hook: it also sees readers that other modules imported by name before."""

    def hear(event: str, _: object) -> None:
        if event == "pickle.find_class" and threading.get_ident() in _REFUSING:
            _refuse()

    sys.addaudithook(hear)
