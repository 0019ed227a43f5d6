"""Training under the host's clock: batches, the schedule, reports, best weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_keras.backend import keras

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from automl import Array, Run

EPOCH_ROWS = 1 << 15
"""An epoch is a pass over the rows, or over this many of them where there are more."""
LEAST_STEPS = 8
"""Steps of an epoch at least: small tables are passed over several times."""
WARM_UP = 0.1
"""Share of the training during which the learning rate rises."""
FLOOR = 0.01
"""Learning rate at both ends of the schedule, relative to its peak."""


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of rows in an order drawn anew at every pass, from a generator of its own.

    `columns` are the targets and, where they differ, the weights of the rows.
    """

    def __init__(
        self, arrays: Mapping[str, Array], columns: Sequence[Array], size: int, seed: int
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._arrays, self._columns, self._size = arrays, columns, size
        self._rows = len(columns[0])
        self._rng = np.random.default_rng(seed)
        self._order = np.empty(0, dtype=np.int64)
        self._steps = max(LEAST_STEPS, min(self._rows, EPOCH_ROWS) // size)

    def __len__(self) -> int:
        """Steps of an epoch."""
        return self._steps

    def __getitem__(self, _: int) -> tuple[Any, ...]:
        """The next batch; the place in the epoch does not matter."""
        if len(self._order) < self._size:
            self._order = np.append(self._order, self._rng.permutation(self._rows))
        rows, self._order = self._order[: self._size], self._order[self._size :]
        arrays = {name: array[rows] for name, array in self._arrays.items()}
        return (arrays, *(column[rows] for column in self._columns))


class Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets the learning rate, reports after every epoch, keeps the best weights, ends in time.

    Progress runs from 0 to 1 by steps or by the time at hand, whichever is further; the rate
    follows one cycle of it, so that it is annealed both after the planned steps and at the
    deadline.
    """

    def __init__(
        self, run: Run, steps: int, peak: float, evaluate: Callable[[], Array] | None
    ) -> None:
        super().__init__()
        self._run, self._steps, self._peak, self._evaluate = run, steps, peak, evaluate
        self._done = 0
        self._began = run.seconds_left()
        self._best: Any = None
        self._evaluation = 0.0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Keras's call before a step."""
        del batch, logs
        self.model.optimizer.learning_rate = self._peak * one_cycle(self._progress())

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Keras's call after a step."""
        del batch, logs
        self._done += 1
        if self._progress() >= 1:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keras's call after an epoch, one that was cut short too."""
        del logs
        if self._evaluate is None:
            return
        before = self._run.seconds_left()
        prediction = self._evaluate()
        if not np.isfinite(prediction).all():
            self.model.stop_training = True
            return
        if self._run.report(epoch, prediction):
            self.model.stop_training = True
        if self._run.best_step == epoch:
            self._best = [np.array(weights) for weights in self.model.get_weights()]
        if math.isfinite(before):
            self._evaluation = max(self._evaluation, before - self._run.seconds_left())

    def on_train_end(self, logs: Any = None) -> None:
        """Keras's call after the last step."""
        del logs
        by_steps, by_time = self._done / self._steps, self._by_time()
        if by_time > by_steps:
            self._run.cut_short(by_steps)
        if self._best is not None:
            self.model.set_weights(self._best)

    def _progress(self) -> float:
        return max(self._done / self._steps, self._by_time())

    def _by_time(self) -> float:
        """Part of the time at hand that is over; 0 without a time limit."""
        if not math.isfinite(self._began):
            return 0.0
        reserve = min(0.05 + 0.03 * self._began, 1.0) + 1.5 * self._evaluation
        left = self._run.seconds_left() - reserve
        return 1 - left / max(self._began - reserve, 1e-9)


def one_cycle(progress: float) -> float:
    """Learning rate relative to its peak: a linear rise, then half a cosine down."""
    if progress < WARM_UP:
        return FLOOR + (1 - FLOOR) * max(progress, 0.0) / WARM_UP
    fall = min((progress - WARM_UP) / (1 - WARM_UP), 1.0)
    return FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * fall))
