"""Calls into plugins on the driver: a bound on their time, and metrics that are given up."""

from __future__ import annotations

import ctypes
import math
import threading
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from automl.errors import OverdueError, PluginError
from automl.hooks.calls import sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from automl.types import Array, Metric


def patience(limit: float | None) -> float:
    """Seconds that the driver waits for one call of a plugin: a tenth of a limit, within bounds."""
    return 100.0 if limit is None else min(max(limit / 10, 2.0), 100.0)


def bounded(what: str, seconds: float, function: Callable[..., Any], *args: Any) -> Any:
    """Call a function on a thread of its own, and leave it there if it takes too long.

    Args:
        what: The function in words.
        seconds: How long it may take.
        function: What to call.
        args: Its arguments.

    Raises:
        OverdueError: It took longer.
        Exception: Whatever it raises.
    """
    if math.isinf(seconds):
        return function(*args)
    answer: Future[Any] = Future()
    context = copy_context()

    def work() -> None:
        try:
            answer.set_result(context.run(function, *args))
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            answer.set_exception(error)

    thread = threading.Thread(target=work, name="plugin", daemon=True)
    thread.start()
    thread.join(seconds)
    if not answer.done():
        _end(thread)
        msg = f"{what} did not answer within {seconds:.0f} s"
        raise OverdueError(msg)
    return answer.result()


def _end(thread: threading.Thread) -> None:
    """Ask a thread to end; one that runs Python code does so, another goes on unheard."""
    number = ctypes.c_ulong(thread.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(number, ctypes.py_object(SystemExit))


class MetricGuard:
    """A metric of a plugin that cannot hold up the run: once overdue it is not asked again."""

    def __init__(self, metric: Metric, seconds: float) -> None:
        self._metric = metric
        self._seconds = seconds
        self._overdue: OverdueError | None = None

    def score(self, y: Array, prediction: Array) -> float:
        """The score.

        Raises:
            PluginError: The metric raised or took too long, which one sentence tells.
        """
        value: float = self._ask(lambda *rows: float(self._metric.score(*rows)), y, prediction)
        return value

    def weighted(self, y: Array, prediction: Array, weights: Array) -> float:
        """The score by weights; raises as `score` does."""
        function = self._metric.weighted or self._metric.score
        value: float = self._ask(lambda *rows: float(function(*rows)), y, prediction, weights)
        return value

    def influence(self, y: Array, prediction: Array) -> Array:
        """The per-row terms; raises as `score` does."""
        function = self._metric.influence or self._metric.score
        terms: Array = self._ask(function, y, prediction)
        return terms

    def _ask(self, function: Callable[..., Any], *args: Any) -> Any:
        if self._overdue is not None:
            raise self._overdue
        what = f"the metric {self._metric.name}"
        try:
            return bounded(what, self._seconds, function, *args)
        except OverdueError as error:
            self._overdue = error
            raise
        except Exception as error:
            msg = f"{what} raised {sentence(error)}"
            raise PluginError(msg) from error


def guarded(metric: Metric, seconds: float) -> Metric:
    """A metric of a plugin, with a bound on the time that each of its answers may take."""
    guard = MetricGuard(metric, seconds)
    influence = None if metric.influence is None else guard.influence
    weighted = None if metric.weighted is None else guard.weighted
    return replace(metric, score=guard.score, influence=influence, weighted=weighted)
