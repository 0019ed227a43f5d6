"""Checks of saved models; they go on in another process, as a parcel."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from automl.errors import PluginError
from automl.search import machine
from automl.search.objective import RungData
from automl.testing.bench import CLOSE, Brief, spread
from automl.testing.outcome import FaultError, SkippedError, check
from automl.testing.parcel import Parcel

if TYPE_CHECKING:
    from automl.testing.bench import Bench, Fitted

GPU_CLOSE = 1e-2
"""The same for predictions of another device, which rounds otherwise."""
_SAVING = (
    "Write everything that predict needs into the folder given, in a format that needs no pickle "
    "(skops, safetensors, JSON, the library's own), and read it back in `load`"
)


@check(f"{_SAVING}; list foreign types of a skops file in `trusted`, after a look at them.")
def fresh_process(bench: Bench) -> Parcel:
    """A model is used in another process than the one that trained it, where no pickle is read."""
    return _parcel(bench, bench.plain, "reader")


@check(
    f"{_SAVING}; rely on nothing that only the main process has set up, and let the plugin be "
    "found where workers run.",
    once=True,
    needs=("fits", "shapes", "fresh_process"),
)
def ray_worker(bench: Bench) -> Parcel:
    """In a fit, models are trained, saved and loaded in Ray's workers, found by their name."""
    rows = bench.small_rows
    y = None if rows.train.y is None else np.asarray(rows.train.y)
    data = RungData(rows.train.X, y, rows.n_stop, rows.test.X, stop_y=rows.stop_y)
    brief = Brief(seconds=2.0)
    order = bench.order(brief, rows.train.n_classes)
    return Parcel(
        to="worker",
        task=bench.task,
        n_classes=order.n_classes,
        config=dict(order.config),
        X=rows.test.X,
        close=CLOSE,
        order=order,
        data=data,
    )


@check(
    f"{_SAVING}; map tensors to the CPU in `load`.",
    once=True,
    needs=("fits", "shapes", "fresh_process"),
)
def gpu_to_cpu(bench: Bench) -> Parcel:
    """A model trained on a GPU box is used on a laptop."""
    if not bench.learner.resources(bench.small_rows.schema).gpus:
        msg = "declares no use of a GPU"
        raise SkippedError(msg)
    if not machine.gpus():
        msg = "there is no GPU here"
        raise SkippedError(msg)
    brief = Brief(seconds=10.0, device="cuda")
    return _parcel(bench, bench.fit(bench.small_rows, brief), "cpu", GPU_CLOSE)


def _parcel(bench: Bench, fitted: Fitted, to: str, close: float = CLOSE) -> Parcel:
    """The model's files, with the prediction that they must give."""
    view = fitted.rows.test
    expected = bench.predict(fitted, view)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            fitted.model.save(folder)
        except PluginError as error:
            msg = f"the model is {error}"
            raise FaultError(msg) from error
        files = {
            str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()
        }
    if not files:
        msg = "save wrote no file into the folder"
        raise FaultError(msg)
    return Parcel(
        to=to,
        task=bench.task,
        n_classes=view.n_classes,
        config=dict(bench.learner.defaults[0]),
        X=view.X,
        close=close * spread(expected, bench.task),
        files=files,
        expected=expected,
    )


CHECKS = (fresh_process, ray_worker, gpu_to_cpu)
