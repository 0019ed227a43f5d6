"""One rung in a worker: fit, predict, save. Knows nothing of Ray, journals or other rungs."""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.anomaly.scale import SCALE, CalibratedScore
from automl.anomaly.supervision import supervision_of
from automl.data.apply import BLOCK_CELLS, LEAST_ROWS
from automl.errors import AutoMLError, PluginError, TooLittleTimeError
from automl.files import PLAIN_PATH, read_folder
from automl.hooks.bounded import guarded
from automl.hooks.manager import get_host, resolve
from automl.metrics import get_metric, score
from automl.schedule.base import TIME_LIMITED
from automl.schedule.clock import LAST
from automl.types import TensorBlock, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from automl.types import Array, Config, Learner, Metric, Model, Status, Task
    from automl.workers.memory import Taken

SCALE_ROWS = 2_000
SUM = 1e-3
"""Largest distance of a row's probabilities from one in sum."""
PATIENCE_SHARE = 0.3
"""Patience in parts of the best step, where that is more than the learner's own: the further a
fit has come, the slower it improves. As AutoGluon has it for its boosters."""
TOLERANCE = 1e-4
"""Least improvement that patience counts, in parts of the score: below it boosters on few rows go
on for thousands of rounds. scikit-learn's nets have as much (`tol`)."""
PATIENCE = 10.0
"""Seconds that a metric of a plugin may take for the early-stopping rows."""
FEW = 5
"""Early-stopping rows of a class below which its metrics are a matter of luck, or not defined."""


@dataclass(frozen=True, slots=True)
class FitRequest:
    """The request for one fit; small enough to travel with every job."""

    learner: str
    config: Config
    seed: int
    task: Task
    n_classes: int
    metric: str
    threads: int = 1
    device: str = "cpu"
    soft_limit: float = math.inf
    """Seconds the fit may take."""
    hard_limit: float = math.inf
    """Seconds after which a fit counts as hung and the worker ends itself."""
    time_left: float = math.inf
    """Seconds after which the worker ends itself in any case."""
    fit_share: float = 1.0
    """Part of the time left that the fit may use; its predictions need the rest."""
    memory: int = 0
    """Bytes over which the worker ends itself; 0 for no limit."""
    most_rows: int | None = None
    """Most training rows that the learner takes, the early-stopping rows counted; None for all."""
    save: bool = False
    """True if the fitted model is wanted back."""
    steps: int | None = None
    """Steps of a fit that holds no rows back for early stopping; None: these end it."""
    plugins: tuple[str, ...] = ()
    """Modules registered by hand on the driver."""


@dataclass(frozen=True, slots=True)
class RungData:
    """The rows of one view of a cell; the last `n_stop` training rows are for early stopping."""

    train_X: Any
    train_y: Array | None
    """None for anomalies: no label of theirs reaches a worker."""
    n_stop: int
    validation_X: Any
    test_X: Any = None
    unlabelled_X: Any = None
    """Rows without a target, where a learner of this view wants them."""
    stop_y: Array | None = None
    """For anomalies the pseudo-labels of the early-stopping rows, to score reports."""
    weights: Array | None = None
    """(n,) how much each training row counts; None where all count alike."""


@dataclass(slots=True)
class FitResult:
    """The result of a request."""

    status: Status
    reason: str = ""
    predictions: dict[str, Array] = field(default_factory=dict, repr=False)
    """By suffix: "" for the validation rows, "-test"; anomaly scores are calibrated."""
    model: dict[str, bytes] | None = field(default=None, repr=False)
    """Files of the saved model. Not shown: Tune asks for the repr of every result."""
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    overhead_seconds: float = 0.0
    """From handing it out to its result, less fit and predict; filled in on the driver."""
    steps: int | None = None
    censored: bool = False
    """True if time ended or hastened the fit before its own stopping rule would have."""
    needed_seconds: float | None = None
    """Seconds that a censored fit would have taken at most, at its pace, or that a fit needs that
    its learner declined; None where not known."""
    libraries: frozenset[str] = frozenset()
    """Libraries of learners that the worker has imported by now."""
    imported: frozenset[str] = frozenset()
    """Those of them that it imported for this fit."""
    import_seconds: float = 0.0
    """Seconds until its model was made, nearly all of them imports where there were any."""
    memory: Taken | None = None
    """The memory that it took; None where that was not measured."""
    lost: bool = False
    """True if the machine did not make the fit, through no fault of the learner."""


class HostRun:
    """The host's side of a fit: it keeps the clock and scores the reported steps itself."""

    def __init__(
        self,
        request: FitRequest,
        learner: Learner,
        stop_y: Array,
        metric: Metric,
        soft_limit: float,
        stop_weights: Array | None = None,
    ) -> None:
        self.seed = request.seed
        self.threads = request.threads
        self.device = request.device
        self.best_step = -1
        self.censored = False
        self.ended = False
        """True if patience ended the fit."""
        self._allowance = soft_limit
        self._done = 1.0
        self._patience = learner.patience
        self._stop_y = stop_y
        self._stop_weights = stop_weights
        self._metric = metric
        self._best = -math.inf
        self._mark, self._marked = -math.inf, 0
        self._end = time.monotonic() + soft_limit

    def seconds_left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def report(self, step: int, prediction: Array) -> bool:
        """Score the early-stopping rows; True when time or patience is over.

        Where the score is not defined on them the last step is kept, and only time ends the fit.
        """
        value = self._score(np.asarray(prediction))
        signed = value if self._metric.greater_is_better else -value
        if signed > self._best or not math.isfinite(self._best):
            self.best_step = step
            self._best = signed if math.isfinite(signed) else self._best
        if self._better(signed):
            self._mark, self._marked = signed, step
        if self._patience is not None:
            waits = max(self._patience, PATIENCE_SHARE * self._marked)
            if step - self._marked >= waits:
                self.ended = True
                return True
        if self.seconds_left() > 0:
            return False
        self.cut_short()
        return True

    def _better(self, signed: float) -> bool:
        """Return whether a score is better enough, or not defined."""
        if not (math.isfinite(signed) and math.isfinite(self._mark)):
            return True
        return signed > self._mark + TOLERANCE * abs(self._mark)

    def _score(self, prediction: Array) -> float:
        """The score; not defined where the metric fails, which is no fault of the learner."""
        try:
            return score(self._metric, self._stop_y, prediction, self._stop_weights)
        except PluginError:
            return math.nan

    def cut_short(self, done: float = 0.0) -> None:
        """Note that time ended or hastened the fit, `done` of the way through its plan."""
        self.censored = True
        self._done = min(self._done, done) if done > 0 else self._done

    def close(self, taken: float) -> None:
        """Take a fit that used up its time, and that patience did not end, for one cut short."""
        if not self.ended and taken > TIME_LIMITED * self._allowance:
            self.censored = True

    def needed_seconds(self, taken: float) -> float | None:
        """Seconds that all of a censored fit would have taken, which took so many."""
        return taken / self._done if self.censored and self._done < 1 else None


def run_rung(request: FitRequest, data: RungData, watch: Callable[[float], None]) -> FitResult:
    """Fit one configuration on one rung and predict the rows that score it.

    A fault of the learner becomes an result with status "failed"; nothing is raised.

    Args:
        request: What to fit.
        data: The rows.
        watch: Sets the seconds after which the worker is ended; called again, it replaces
            what it set before.
    """
    watch(request.time_left)
    before, began = _imported(), time.monotonic()
    import_seconds = 0.0
    try:
        register(request.plugins)
        learner = get_host().learner(request.learner)
        factory = resolve(learner.factory)
        model: Model = factory(_config(request, learner), request.task, request.n_classes)
        import_seconds = time.monotonic() - began
        left = request.time_left - import_seconds
        result = _run(replace(request, time_left=left), learner, model, data, watch)
    except TooLittleTimeError as error:
        result = FitResult("not_reached", str(error), needed_seconds=error.needed_seconds)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a learner may raise anything
        result = FitResult("failed", _sentence(error))
    result.libraries = _imported()
    result.imported = result.libraries - before
    result.import_seconds = import_seconds
    return result


def _config(request: FitRequest, learner: Learner) -> Config:
    """The configuration, with the steps in it where the host says how many."""
    if request.steps is None or learner.fidelity is None:
        return request.config
    return {**request.config, learner.fidelity: request.steps}


def _imported() -> frozenset[str]:
    """Libraries of learners that this process has imported."""
    named = {name for e in get_host().learners.values() for name in e.learner.libraries}
    return frozenset(named & sys.modules.keys())


def _run(
    request: FitRequest,
    learner: Learner,
    model: Model,
    data: RungData,
    watch: Callable[[float], None],
) -> FitResult:
    began = time.monotonic()
    train, stop = _rows(request, learner, data)
    stopping = _stopping(request, _stop_y(data))

    with _threads(request.threads):
        started = time.monotonic()
        left = request.time_left - (started - began)
        watch(min(request.hard_limit, left))
        most = request.fit_share * 0.95 * left - LAST
        run = HostRun(
            request,
            learner,
            _stop_y(data),
            stopping,
            min(request.soft_limit, most),
            None if data.weights is None else data.weights[len(data.weights) - data.n_stop :],
        )
        model.fit(train, stop, run)
        fitted = time.monotonic()
        if learner.fidelity is not None:
            run.close(fitted - started)
        parts = {"": data.validation_X, "-test": data.test_X}
        predictions = {
            suffix: _predicted(model, X, request) for suffix, X in parts.items() if X is not None
        }
        scale = None
        if not supervision_of(request.task).supervised:
            scale = _scale(model, train, predictions.get("", np.empty(0)), request)
            predictions = {
                suffix: scale.apply(p).astype(np.float32) for suffix, p in predictions.items()
            }
        predicted = time.monotonic()
    saved, reason = _saved(model) if request.save else (None, "")
    if scale is not None and saved is not None:
        saved[SCALE] = json.dumps(scale.state()).encode()
    return FitResult(
        "ok",
        reason,
        predictions=predictions,
        model=saved,
        fit_seconds=fitted - started,
        predict_seconds=predicted - fitted,
        steps=run.best_step if run.best_step >= 0 else None,
        censored=run.censored,
        needed_seconds=run.needed_seconds(fitted - started),
    )


@cache
def register(modules: tuple[str, ...]) -> None:
    """Make plugins known that the driver registered by hand."""
    for name in modules:
        get_host().register(import_module(name))


def _rows(request: FitRequest, learner: Learner, data: RungData) -> tuple[View, View | None]:
    """Training and early-stopping rows; a learner without early stopping trains on all of them."""
    weights = data.weights if learner.weights else None
    whole = View(data.train_X, data.train_y, request.task, request.n_classes, weights=weights)
    train, stop = whole, None
    early = learner.patience is not None and request.steps is None
    stops = data.n_stop if early else 0
    if stops:
        cut = len(whole) - stops
        train, stop = whole.take(slice(0, cut)), whole.take(slice(cut, None))
    if request.most_rows is not None and len(whole) > request.most_rows:
        train = train.take(slice(0, max(request.most_rows - stops, 1)))  # rows are shuffled
    if train.weights is not None:
        train = replace(train, weights=train.weights / train.weights.mean())
    if learner.uses_unlabelled and data.unlabelled_X is not None:
        train = replace(train, unlabelled=data.unlabelled_X)
    return train, stop


def _stop_y(data: RungData) -> Array:
    """Targets that reports are scored against."""
    if data.train_y is None:
        return np.empty(0, dtype=np.int64) if data.stop_y is None else data.stop_y
    return data.train_y[len(data.train_y) - data.n_stop :]


def _scale(model: Model, train: View, validation: Array, request: FitRequest) -> CalibratedScore:
    """The scale of a model's anomaly scores: by rows that it has not seen, if there are any."""
    if len(validation):
        return CalibratedScore.of(validation)
    some = train.take(slice(0, SCALE_ROWS))
    return CalibratedScore.of(_checked(model.predict(some), some.X, request))


def _stopping(request: FitRequest, stop_y: Array) -> Metric:
    """The metric that early stopping watches; of classes with few rows there the log loss."""
    extra = tuple(guarded(one, PATIENCE) for one in get_host().metrics().values())
    metric = supervision_of(request.task).choice_of(get_metric(request.metric, request.task, extra))
    watched = metric.stopping
    if request.n_classes and np.bincount(stop_y, minlength=request.n_classes).min() < FEW:
        watched = "log_loss"
    return metric if watched is None else get_metric(watched, request.task, extra)


def _predicted(model: Model, X: Any, request: FitRequest) -> Array:
    """The predictions of rows, of many in blocks: some learners take much more than they give."""
    whole = View(X, None, request.task, request.n_classes)
    step = max(LEAST_ROWS, BLOCK_CELLS // (_width(X) + request.n_classes))
    if step >= len(whole):
        return _checked(model.predict(whole), X, request)
    blocks = (whole.take(slice(start, start + step)) for start in range(0, len(whole), step))
    return np.concatenate([_checked(model.predict(one), one.X, request) for one in blocks])


def _width(X: Any) -> int:
    """Numbers and codes of a row of a view, or values of an image."""
    if isinstance(X, TensorBlock):
        return int(X.numbers.shape[1] + X.codes.shape[1])
    return math.prod(X.shape[1:])


def _checked(prediction: Array, X: Any, request: FitRequest) -> Array:
    # single precision has seven digits: seconds since 1970 would be rounded to two minutes
    exact = request.task == "regression"
    values = np.asarray(prediction, dtype=np.float64 if exact else np.float32)
    expected = (len(X), request.n_classes) if request.n_classes else (len(X),)
    if values.shape != expected:
        msg = f"predicted an array of shape {values.shape} instead of {expected}"
        raise PluginError(msg)
    if not np.isfinite(values).all():
        msg = "predicted NaN or infinite values"
        raise PluginError(msg)
    if request.n_classes and (values.min() < 0 or np.abs(values.sum(axis=1) - 1).max() > SUM):
        msg = "predicted probabilities that are below 0 or do not add up to 1"
        raise PluginError(msg)
    return values


def _saved(model: Model) -> tuple[dict[str, bytes] | None, str]:
    """The files of a saved model; one that cannot be saved is ranked all the same."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            model.save(folder)
        except PluginError as error:
            return None, str(error)
        files = read_folder(folder)
    odd = next((name for name in files if not PLAIN_PATH.fullmatch(name)), None)
    if odd is not None:
        return None, f"not saved: {odd!r} is no name for a file of a model; use letters and digits"
    return files, ""


def _sentence(error: BaseException) -> str:
    """The fault in one line, with the place where it happened unless it was raised on purpose."""
    text = str(error).strip().splitlines()
    if isinstance(error, AutoMLError) and text:
        return text[0][:300]
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {text[0][:300] if text else 'no message'}{place}"


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Hold native thread pools to the trial's CPUs."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=count):
        yield
