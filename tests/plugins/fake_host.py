"""A host made by hand, for the tests of learners that report steps."""

from __future__ import annotations

import math
import time

import numpy as np


class FakeRun:
    """Lends seed and clock; the score is the mean loss on the early-stopping rows."""

    def __init__(self, stop=None, *, seconds=math.inf, patience=None, seed=0, clock=time.monotonic):
        self.seed, self.threads, self.device = seed, 1, "cpu"
        self.best_step, self.best, self.censored = -1, math.inf, []
        self.steps, self.predictions = [], []
        self._stop, self._patience, self._clock = stop, patience, clock
        self._end = clock() + seconds

    def seconds_left(self):
        return self._end - self._clock()

    def cut_short(self, done=0.0):
        self.censored.append(done)

    def report(self, step, prediction):
        self.steps.append(step)
        self.predictions.append(prediction)
        loss = loss_of(self._stop, prediction)
        if loss < self.best:
            self.best, self.best_step = loss, step
        return self._patience is not None and step - self.best_step >= self._patience


def loss_of(view, prediction):
    """Mean squared error, or mean log loss."""
    if view.task == "regression":
        return float(np.mean((view.y - prediction) ** 2))
    chosen = prediction[np.arange(len(view)), view.y]
    return float(-np.log(np.clip(chosen, 1e-6, 1)).mean())
