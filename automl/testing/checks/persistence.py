"""Checks of saved models; each is completed by another process, as a round trip."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from automl.errors import PluginError
from automl.testing.contract import FaultError, check, fault_if, skip_if
from automl.testing.fixture import CLOSE, FitSettings, spread
from automl.testing.round_trip import RoundTrip
from automl.workers import limits
from automl.workers.evaluate import RungData

if TYPE_CHECKING:
    from automl.testing.fixture import Fitted, Fixture

GPU_CLOSE = 1e-2
"""Tolerated difference between predictions of two devices, which round differently."""
_SAVING = (
    "Write everything that predict needs into the folder given, in a format that needs no pickle "
    "(skops, safetensors, JSON, the library's own), and read it back in `load`"
)


@check(f"{_SAVING}; list foreign types of a skops file in `trusted`, after a look at them.")
def fresh_process(fixture: Fixture) -> RoundTrip:
    """Prediction takes place in another process than training, and reads no pickle."""
    return _round_trip(fixture, fixture.plain, "reader")


@check(
    f"{_SAVING}; rely on nothing that only the main process has set up, and install the plugin "
    "where workers run.",
    once=True,
    needs=("fits", "shapes", "fresh_process"),
)
def ray_worker(fixture: Fixture) -> RoundTrip:
    """A fit trains, saves and loads models in Ray workers, which find the learner by its name."""
    rows = fixture.small_rows
    y = None if rows.train.y is None else np.asarray(rows.train.y)
    data = RungData(rows.train.X, y, rows.n_stop, rows.test.X, stop_y=rows.stop_y)
    request = fixture.request(FitSettings(seconds=2.0), rows.train.n_classes)
    return RoundTrip(
        to="worker",
        task=fixture.task,
        n_classes=request.n_classes,
        config=dict(request.config),
        X=rows.test.X,
        close=CLOSE,
        request=request,
        data=data,
    )


@check(
    f"{_SAVING}; map tensors to the CPU in `load`.",
    once=True,
    needs=("fits", "shapes", "fresh_process"),
)
def gpu_to_cpu(fixture: Fixture) -> RoundTrip:
    """A model trained on a machine with a GPU is used on one without."""
    skip_if(
        not fixture.learner.resources(fixture.small_rows.schema).gpus, "declares no use of a GPU"
    )
    skip_if(not limits.gpus(), "there is no GPU here")
    settings = FitSettings(seconds=10.0, device="cuda")
    return _round_trip(fixture, fixture.fit(fixture.small_rows, settings), "cpu", GPU_CLOSE)


def _round_trip(fixture: Fixture, fitted: Fitted, to: str, close: float = CLOSE) -> RoundTrip:
    """Save a model; pack its files with the prediction that they must reproduce."""
    view = fitted.rows.test
    expected = fixture.predict(fitted, view)
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
    fault_if(not files, "save wrote no file into the folder")
    return RoundTrip(
        to=to,
        task=fixture.task,
        n_classes=view.n_classes,
        config=dict(fixture.learner.defaults[0]),
        X=view.X,
        close=close * spread(expected, fixture.task),
        files=files,
        expected=expected,
    )


CHECKS = (fresh_process, ray_worker, gpu_to_cpu)
