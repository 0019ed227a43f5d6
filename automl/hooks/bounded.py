"""Calls into plugins on the driver: a bound on their time, and metrics that are given up."""

from __future__ import annotations

import ctypes
import math
import threading
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import replace
from functools import partial
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


class Guard:
    """The functions of a plugin's metric: once one is overdue none of them is asked again."""

    def __init__(self, metric: Metric, seconds: float) -> None:
        self._what = f"the metric {metric.name}"
        self._seconds = seconds
        self._overdue: OverdueError | None = None

    def ask(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call one of them.

        Raises:
            PluginError: It raised or took too long, which one sentence tells.
        """
        if self._overdue is not None:
            raise self._overdue
        try:
            return bounded(self._what, self._seconds, function, *args)
        except OverdueError as error:
            self._overdue = error
            raise
        except Exception as error:
            msg = f"{self._what} raised {sentence(error)}"
            raise PluginError(msg) from error


def guarded(metric: Metric, seconds: float) -> Metric:
    """A metric of a plugin, with a bound on the time that each of its answers may take."""
    ask = Guard(metric, seconds).ask
    return replace(
        metric,
        score=partial(ask, partial(_number, metric.score)),
        influence=metric.influence and partial(ask, metric.influence),
        weighted=metric.weighted and partial(ask, partial(_number, metric.weighted)),
    )


def _number(function: Callable[..., float], *rows: Array) -> float:
    return float(function(*rows))
