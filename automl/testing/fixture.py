"""Fits of one learner on one task, run as a worker runs them and shared by all checks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.anomaly.supervision import supervision_of
from automl.errors import TooLittleTimeError
from automl.hooks.manager import resolve
from automl.metrics import default_metric, get_metric
from automl.testing import tables
from automl.testing.contract import CLASSES, SkippedError, describe_error, fault_if
from automl.testing.global_state import Restored, arrange, changes, snapshot
from automl.testing.resource_monitor import ResourceMonitor, ResourceUsage
from automl.testing.tables import EncodedRows
from automl.types import Array, Config, Learner, Model, Task, View, ViewKind
from automl.workers.evaluate import FitRequest, HostRun

if TYPE_CHECKING:
    import pandas as pd

PLAIN_ROWS, SMALL_ROWS, LARGE_ROWS = 200, 60, 2000
NEW_ROWS = 40
BRIEF = 4
"""Reports after which a short fit is told to stop."""
LONG = 30
"""Reports after which the fit that most checks inspect is told to stop."""
SECONDS = 4.0
"""Time limit of a fit whose number of steps does not matter to the check."""
DEADLINE = 0.5
"""Time limit of the fit on the large table."""
CLOSE = 1e-4
"""Tolerated difference between two predictions, relative to their spread."""


_KEPT: dict[tuple[Task, ViewKind, str], EncodedRows] = {}
"""Encoded tables, shared by all learners and read-only."""


class RecordingRun:
    """The host's `Run`, which also records reports and may end the fit early."""

    def __init__(self, host: HostRun, most: int | None, *, first_is_best: bool = False) -> None:
        self.seed, self.threads, self.device = host.seed, host.threads, host.device
        self.reports: list[tuple[int, Array]] = []
        self.told_to_stop = math.inf
        """`time.monotonic()` when `report` first answered True."""
        self.late = 0
        """Reports made after `report` had answered True."""
        self._host = host
        self._most = most
        self._first_is_best = first_is_best

    @property
    def best_step(self) -> int:
        if self._first_is_best and self.reports:
            return self.reports[0][0]
        return self._host.best_step

    def seconds_left(self) -> float:
        return self._host.seconds_left()

    def cut_short(self, done: float = 0.0) -> None:
        self._host.cut_short(done)

    def report(self, step: int, prediction: Array) -> bool:
        self.reports.append((step, np.array(prediction)))
        self.late += self.told_to_stop < math.inf
        over = self._host.report(step, prediction)
        over |= self._most is not None and len(self.reports) >= self._most
        if over:
            self.told_to_stop = min(self.told_to_stop, time.monotonic())
        return over


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model with its run, rows and seconds."""

    model: Model
    run: RecordingRun
    rows: EncodedRows
    seconds: float
    ended: float
    """`time.monotonic()` at the end of the fit."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Settings of one fit."""

    config: Config | None = None
    """None for the learner's first default."""
    seed: int = 0
    seconds: float = math.inf
    reports: int | None = BRIEF
    stopping: bool = True
    first_is_best: bool = False
    device: str = "cpu"


class Fixture:
    """Tables and fits of one learner on one task, shared by its checks."""

    def __init__(self, learner: Learner, task: Task, package: str | None) -> None:
        self.learner = learner
        self.task = task
        self.package = package
        """The module that declares the learner; None if it is not installed."""
        self.changed_inputs = ""
        """Description of how the plain fit changed its training rows; empty if it did not."""

    def table(self, rows: int, **more: Any) -> pd.DataFrame:
        """Make a raw table for this task: training rows, then rows to predict."""
        return tables.make_table(self.task, rows + NEW_ROWS, **more)

    def encode(self, table: pd.DataFrame, **more: Any) -> EncodedRows:
        """Encode a table in the learner's view; all but the last `NEW_ROWS` are training rows."""
        return tables.encode(table, self.task, self.learner.view, len(table) - NEW_ROWS, **more)

    def rows(self, name: str, make: Callable[[], EncodedRows]) -> EncodedRows:
        """Encode a table once per process, task and view.

        Args:
            name: Key of the table.
            make: Encodes the table.
        """
        key = (self.task, self.learner.view, name)
        if key not in _KEPT:
            _KEPT[key] = make()
        return self.own(_KEPT[key])

    def build(self, config: Config | None = None) -> Model:
        """Build an unfitted model, by default with the learner's first default."""
        chosen = dict(self.learner.defaults[0]) if config is None else dict(config)
        classes = self._classes
        model: Model = resolve(self.learner.factory)(chosen, self.task, classes)
        return model

    @cached_property
    def _classes(self) -> int:
        return self.plain_rows.train.n_classes

    @cached_property
    def plain_rows(self) -> EncodedRows:
        return self.rows("plain", lambda: self.encode(self.table(PLAIN_ROWS)))

    @cached_property
    def small_rows(self) -> EncodedRows:
        return self.rows("small", lambda: self.encode(self.table(SMALL_ROWS)))

    def request(self, settings: FitSettings, classes: int) -> FitRequest:
        """The request that the host would send to a worker for this fit."""
        config = self.learner.defaults[0] if settings.config is None else settings.config
        return FitRequest(
            learner=self.learner.name,
            config=dict(config),
            seed=settings.seed,
            task=self.task,
            n_classes=classes,
            metric=default_metric(self.task),
            threads=1,
            device=settings.device,
            soft_limit=settings.seconds,
        )

    def fit(
        self, rows: EncodedRows, settings: FitSettings = FitSettings(seconds=SECONDS)
    ) -> Fitted:
        """Fit as a worker does, on one thread."""
        from threadpoolctl import threadpool_limits

        classes = rows.train.n_classes
        request = self.request(settings, classes)
        build = resolve(self.learner.factory)
        model: Model = build(dict(request.config), self.task, classes)
        train, stop = rows.parts(stopping=settings.stopping and self.learner.patience is not None)
        metric = supervision_of(self.task).choice_of(get_metric(request.metric, self.task))
        answers = np.empty(0) if stop is None or stop.y is None else stop.y
        if stop is not None and rows.stop_y is not None:
            answers = rows.stop_y
        with threadpool_limits(limits=1):
            began = time.monotonic()
            host = HostRun(request, self.learner, answers, metric, settings.seconds)
            run = RecordingRun(host, settings.reports, first_is_best=settings.first_is_best)
            model.fit(train, stop, run)
            ended = time.monotonic()
        return Fitted(model, run, rows, ended - began, ended)

    def predict(self, fitted: Fitted, view: View) -> Array:
        """Predict, and validate the result as the host does.

        Raises:
            FaultError: The shape is wrong, or a value is not finite.
        """
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1):
            raw = fitted.model.predict(view)
        return sound(raw, view)

    @cached_property
    def plain(self) -> Fitted:
        """The fit on the plain table that most checks inspect.

        Its rows are read-only; if only that makes the fit fail, it is repeated on a writable copy.
        """
        rows = self.plain_rows
        before = tables.digest(rows.train)
        settings = FitSettings(seconds=SECONDS, reports=LONG)
        try:
            fitted = self.fit(rows, settings)
            fitted.model.predict(rows.test)
        except Exception as error:  # noqa: BLE001 - raised again, or reported by a check
            again = tables.writable_rows(rows)
            try:
                fitted = self.fit(again, settings)
                fitted.model.predict(again.test)
            except Exception:  # noqa: BLE001 - the first error is the one to report
                raise error from None
            self.changed_inputs = f"cannot work on read-only rows: {describe_error(error)}"
            return fitted
        if tables.digest(rows.train) != before:
            self.changed_inputs = "fit changed the training rows"
        return fitted

    @cached_property
    def twins(self) -> tuple[tuple[Array, list[str]], tuple[Array, list[str]]]:
        """Two fits with one seed under different global states: predictions and changed globals."""
        _ = self.plain  # imports libraries first: their effects on globals are not the learner's
        return self._observed(101), self._observed(202)

    def _observed(self, state: int) -> tuple[Array, list[str]]:
        rows = self.own(self.small_rows)
        with Restored():
            arrange(state)
            before = snapshot()
            fitted = self.fit(rows, FitSettings(seed=7))
            prediction = np.asarray(fitted.model.predict(rows.test))
            return prediction, changes(before, snapshot())

    def own(self, rows: EncodedRows) -> EncodedRows:
        """The rows; a writable copy if the plain fit could not work on read-only rows."""
        return tables.writable_rows(rows) if self.changed_inputs else rows

    def on(self, task: Task) -> Fixture:
        """The fixture of the same learner on another task."""
        if task == self.task:
            return self
        other = Fixture(self.learner, task, self.package)
        other.changed_inputs = self.changed_inputs
        return other

    @cached_property
    def large_rows(self) -> EncodedRows:
        count = min(LARGE_ROWS, self.learner.limits.rows or LARGE_ROWS)
        return self.rows(f"{count} rows", lambda: self.encode(self.table(count)))

    @cached_property
    def metered(self) -> tuple[Fitted, ResourceUsage]:
        """The fit of `measure`, done once."""
        return self.measure()

    def measure(self) -> tuple[Fitted, ResourceUsage]:
        """Fit the large table with a deadline and no early-stopping rows, and meter it.

        Raises:
            SkippedError: The learner declines so short a fit, as it may.
        """
        rows = self.own(self.large_rows)
        try:
            with ResourceMonitor() as monitor:
                fitted = self.fit(rows, FitSettings(seconds=DEADLINE, reports=None, stopping=False))
        except TooLittleTimeError as declined:
            msg = f"declines a fit in {DEADLINE:g} s: {declined}"
            raise SkippedError(msg) from declined
        return fitted, monitor.usage


def sound(raw: Any, view: View) -> Array:
    """Convert a prediction to a float64 array.

    Raises:
        FaultError: The shape is wrong, or a value is not finite.
    """
    values = np.asarray(raw)
    wanted = tables.shape_of(view)
    fault_if(
        values.shape != wanted, f"predicted an array of shape {values.shape} instead of {wanted}"
    )
    fault_if(
        not np.issubdtype(values.dtype, np.floating),
        f"predicted {values.dtype} instead of floating-point numbers",
    )
    fault_if(
        not np.isfinite(values).all(),
        f"predicted NaN or infinity in {np.count_nonzero(~np.isfinite(values))} places",
    )
    return values.astype(np.float64)


def spread(prediction: Array, task: Task) -> float:
    """Scale of a prediction: 1 for probabilities, else the range of the values."""
    return 1.0 if task in CLASSES else max(float(np.ptp(prediction)), 1e-9)


def agree(first: Array, second: Array, what: str, *, scale: float = 1.0) -> None:
    """Require that two predictions of the same rows agree.

    Args:
        first: (n, k) or (n,).
        second: (n, k) or (n,), as `first`.
        what: Names the two predictions in the message.
        scale: The `spread` of a prediction.

    Raises:
        FaultError: The predictions differ by more than `CLOSE * scale`.
    """
    gap = float(np.abs(np.asarray(first, np.float64) - np.asarray(second, np.float64)).max())
    fault_if(not gap <= CLOSE * scale, f"{what}: predictions differ by up to {gap:.3g}")
