"""One learner on one task: fits as a worker runs them, each done once for all checks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.hooks.manager import resolve
from automl.metrics import choice_metric, default_metric, get_metric
from automl.search.objective import HostRun, Order
from automl.testing import tables
from automl.testing.meter import Meter, Reading
from automl.testing.outcome import CLASSES, FaultError, told
from automl.testing.state import Restored, arrange, changes, snapshot
from automl.testing.tables import Rows
from automl.types import Array, Config, Learner, Model, Task, View, ViewKind

if TYPE_CHECKING:
    import pandas as pd

PLAIN_ROWS, SMALL_ROWS, LARGE_ROWS = 200, 60, 2000
NEW_ROWS = 40
BRIEF = 4
"""Reports after which a brief fit is told to stop."""
LONG = 30
"""The same for the fit that most checks look at."""
SECONDS = 4.0
"""Time that a fit is given where nothing hangs on how far it gets."""
DEADLINE = 0.5
"""Time that the fit on the large table is given."""
CLOSE = 1e-4
"""Difference between two predictions that counts as none, relative to their spread."""


_KEPT: dict[tuple[Task, ViewKind, str], Rows] = {}
"""Tables encoded once for all learners; they are read-only."""


class Watched:
    """The host's run, which also keeps what was reported and may cut the fit short."""

    def __init__(self, host: HostRun, most: int | None, *, first_is_best: bool = False) -> None:
        self.seed, self.threads, self.device = host.seed, host.threads, host.device
        self.reports: list[tuple[int, Array]] = []
        self.told_to_stop = math.inf
        """`time.monotonic()` of the first answer to stop."""
        self.late = 0
        """Reports after that."""
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
    """A fitted model and how it came about."""

    model: Model
    run: Watched
    rows: Rows
    seconds: float
    ended: float
    """`time.monotonic()` when the fit was over."""


@dataclass(frozen=True, slots=True)
class Brief:
    """How a fit is asked for."""

    config: Config | None = None
    """None for the first of the portfolio."""
    seed: int = 0
    seconds: float = math.inf
    reports: int | None = BRIEF
    stopping: bool = True
    first_is_best: bool = False
    device: str = "cpu"


class Bench:
    """What the checks of one learner on one task share."""

    def __init__(self, learner: Learner, task: Task, package: str | None) -> None:
        self.learner = learner
        self.task = task
        self.package = package
        """The module that declares the learner, if it is installed."""
        self.changed_inputs = ""
        """What became of the training rows in the fit on the plain table."""

    def table(self, rows: int, **more: Any) -> pd.DataFrame:
        """A raw table for this task, with rows to predict after the training rows."""
        return tables.make_table(self.task, rows + NEW_ROWS, **more)

    def encode(self, table: pd.DataFrame, **more: Any) -> Rows:
        """The table as this learner wants it; all but the new rows are trained on."""
        return tables.encode(table, self.task, self.learner.view, len(table) - NEW_ROWS, **more)

    def rows(self, name: str, make: Callable[[], Rows]) -> Rows:
        """An encoded table, made once a process for the task and view.

        Args:
            name: Tells it from other tables.
            make: Encodes it.
        """
        key = (self.task, self.learner.view, name)
        if key not in _KEPT:
            _KEPT[key] = make()
        return self.own(_KEPT[key])

    def build(self, config: Config | None = None) -> Model:
        """An unfitted model; the first configuration of the portfolio unless given."""
        chosen = dict(self.learner.defaults[0]) if config is None else dict(config)
        classes = self._classes
        model: Model = resolve(self.learner.factory)(chosen, self.task, classes)
        return model

    @cached_property
    def _classes(self) -> int:
        return self.plain_rows.train.n_classes

    @cached_property
    def plain_rows(self) -> Rows:
        return self.rows("plain", lambda: self.encode(self.table(PLAIN_ROWS)))

    @cached_property
    def small_rows(self) -> Rows:
        return self.rows("small", lambda: self.encode(self.table(SMALL_ROWS)))

    def order(self, brief: Brief, classes: int) -> Order:
        """The host's order for such a fit."""
        config = self.learner.defaults[0] if brief.config is None else brief.config
        return Order(
            learner=self.learner.name,
            config=dict(config),
            seed=brief.seed,
            task=self.task,
            n_classes=classes,
            metric=default_metric(self.task),
            threads=1,
            device=brief.device,
            allowance=brief.seconds,
        )

    def fit(self, rows: Rows, brief: Brief = Brief(seconds=SECONDS)) -> Fitted:
        """Fit as a worker does, on one thread."""
        from threadpoolctl import threadpool_limits

        classes = rows.train.n_classes
        order = self.order(brief, classes)
        build = resolve(self.learner.factory)
        model: Model = build(dict(order.config), self.task, classes)
        train, stop = rows.parts(stopping=brief.stopping and self.learner.patience is not None)
        metric = choice_metric(get_metric(order.metric, self.task), self.task)
        answers = np.empty(0) if stop is None or stop.y is None else stop.y
        if stop is not None and rows.stop_y is not None:
            answers = rows.stop_y
        with threadpool_limits(limits=1):
            began = time.monotonic()
            host = HostRun(order, self.learner, answers, metric, brief.seconds)
            run = Watched(host, brief.reports, first_is_best=brief.first_is_best)
            model.fit(train, stop, run)
            ended = time.monotonic()
        return Fitted(model, run, rows, ended - began, ended)

    def predict(self, fitted: Fitted, view: View) -> Array:
        """The prediction as the host takes it.

        Raises:
            FaultError: Its shape is wrong, or it is not finite.
        """
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1):
            raw = fitted.model.predict(view)
        return sound(raw, view)

    @cached_property
    def plain(self) -> Fitted:
        """The fit on the plain table that most checks look at.

        Its rows are read-only; where that alone makes it fail, it is tried on a copy.
        """
        rows = self.plain_rows
        before = tables.digest(rows.train)
        brief = Brief(seconds=SECONDS, reports=LONG)
        try:
            fitted = self.fit(rows, brief)
            fitted.model.predict(rows.test)
        except Exception as error:  # noqa: BLE001 - it is raised again, or told by a check
            again = tables.writable_rows(rows)
            try:
                fitted = self.fit(again, brief)
                fitted.model.predict(again.test)
            except Exception:  # noqa: BLE001 - the first error is the one to tell
                raise error from None
            self.changed_inputs = f"cannot work on read-only rows: {told(error)}"
            return fitted
        if tables.digest(rows.train) != before:
            self.changed_inputs = "fit changed the training rows"
        return fitted

    @cached_property
    def twins(self) -> tuple[tuple[Array, list[str]], tuple[Array, list[str]]]:
        """Two fits of one seed in two global states: predictions, and what each fit changed."""
        _ = self.plain  # what importing a library does to the process is not the learner's doing
        return self._observed(101), self._observed(202)

    def _observed(self, state: int) -> tuple[Array, list[str]]:
        rows = self.own(self.small_rows)
        with Restored():
            arrange(state)
            before = snapshot()
            fitted = self.fit(rows, Brief(seed=7))
            prediction = np.asarray(fitted.model.predict(rows.test))
            return prediction, changes(before, snapshot())

    def own(self, rows: Rows) -> Rows:
        """The rows; a copy to write to for a learner that was found unable to do without."""
        return tables.writable_rows(rows) if self.changed_inputs else rows

    def on(self, task: Task) -> Bench:
        """The bench of the same learner on another task."""
        if task == self.task:
            return self
        other = Bench(self.learner, task, self.package)
        other.changed_inputs = self.changed_inputs
        return other

    @cached_property
    def large_rows(self) -> Rows:
        count = min(LARGE_ROWS, self.learner.limits.rows or LARGE_ROWS)
        return self.rows(f"{count} rows", lambda: self.encode(self.table(count)))

    @cached_property
    def metered(self) -> tuple[Fitted, Reading]:
        """A fit with a deadline and no stop rows on the large table, with what it took."""
        return self.measure()

    def measure(self) -> tuple[Fitted, Reading]:
        """The same, done anew."""
        rows = self.own(self.large_rows)
        with Meter() as meter:
            fitted = self.fit(rows, Brief(seconds=DEADLINE, reports=None, stopping=False))
        return fitted, meter.reading


def sound(raw: Any, view: View) -> Array:
    """A prediction as an array of float64.

    Raises:
        FaultError: Its shape is wrong, or it is not finite.
    """
    values = np.asarray(raw)
    wanted = tables.shape_of(view)
    if values.shape != wanted:
        msg = f"predicted an array of shape {values.shape} instead of {wanted}"
        raise FaultError(msg)
    if not np.issubdtype(values.dtype, np.floating):
        msg = f"predicted {values.dtype} instead of floating-point numbers"
        raise FaultError(msg)
    if not np.isfinite(values).all():
        msg = f"predicted NaN or infinity in {np.count_nonzero(~np.isfinite(values))} places"
        raise FaultError(msg)
    return values.astype(np.float64)


def spread(prediction: Array, task: Task) -> float:
    """What a difference between two predictions is measured against."""
    return 1.0 if task in CLASSES else max(float(np.ptp(prediction)), 1e-9)


def agree(first: Array, second: Array, what: str, *, scale: float = 1.0) -> None:
    """Compare two predictions of the same rows.

    Args:
        first: (n, k) or (n,).
        second: Of the same shape.
        what: Names the two for the message.
        scale: See `spread`.

    Raises:
        FaultError: They differ.
    """
    gap = float(np.abs(np.asarray(first, np.float64) - np.asarray(second, np.float64)).max())
    if not gap <= CLOSE * scale:
        msg = f"{what}: predictions differ by up to {gap:.3g}"
        raise FaultError(msg)
